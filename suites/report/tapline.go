package report

import (
	"regexp"
	"strconv"
	"strings"
)

type kindOfLine int

const (
	lineTalk    kindOfLine = iota // of the program
	lineTest                      // [not ]ok …
	linePlan                      // 1..N
	lineBadPlan                   // begins like one
	lineVersion                   // TAP version N
	linePragma                    // pragma +strict
	lineBail                      // Bail out!
	lineComment                   // # …
)

// tapLine is what a line says; which fields it has depends on its kind.
type tapLine struct {
	passed bool   // of a test
	number int    // of a test or a plan, or the version; -1: it has none
	text   string // a test's description, directive included; what follows a plan's #, a bail-out, a comment, a pragma
}

var (
	tapTest    = regexp.MustCompile(`^(not )?ok(?:[ \t]+(.*)|(#.*))?$`)
	tapNumber  = regexp.MustCompile(`^([0-9]+)\b[ \t]*(.*)$`)
	tapPlan    = regexp.MustCompile(`^1\.\.([0-9]{1,9})(?:[ \t]*#[ \t]*(.*))?$`)
	tapVersion = regexp.MustCompile(`(?i)^TAP version ([0-9]{1,9})$`)
	tapSkip    = regexp.MustCompile(`(?i)^skip(ped|ping)?\b[ \t:]*`)
	tapTodo    = regexp.MustCompile(`(?i)^todo\b[ \t:]*`)
)

// lineKind reads a line without its indentation.
func lineKind(line string) (kindOfLine, tapLine) {
	switch {
	case strings.HasPrefix(line, "#"):
		return lineComment, tapLine{text: strings.TrimPrefix(line, "#")}
	case strings.HasPrefix(line, "1.."):
		if m := tapPlan.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1]) // nine digits at most
			return linePlan, tapLine{number: n, text: m[2]}
		}
		if len(line) > 3 && line[3] >= '0' && line[3] <= '9' {
			return lineBadPlan, tapLine{}
		}
		return lineTalk, tapLine{}
	case strings.HasPrefix(line, "pragma ") && strings.ContainsAny(line, "+-"):
		return linePragma, tapLine{text: line[len("pragma "):]}
	case len(line) >= len(bailOut) && strings.EqualFold(line[:len(bailOut)], bailOut):
		return lineBail, tapLine{text: line}
	}
	if m := tapVersion.FindStringSubmatch(line); m != nil {
		n, _ := strconv.Atoi(m[1])
		return lineVersion, tapLine{number: n}
	}
	if m := tapTest.FindStringSubmatch(line); m != nil {
		return lineTest, testLine(m[1] == "", m[2]+m[3])
	}
	return lineTalk, tapLine{}
}

const bailOut = "Bail out!"

func testLine(passed bool, rest string) tapLine {
	t := tapLine{passed: passed, number: -1, text: rest}
	if m := tapNumber.FindStringSubmatch(rest); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = 1 << 40 // more than there can be
		}
		t.number, t.text = n, m[2]
	}
	if t.text == "-" || strings.HasPrefix(t.text, "- ") || strings.HasPrefix(t.text, "-\t") {
		t.text = strings.TrimLeft(t.text[1:], " \t")
	}
	return t
}

// directive divides a description into the test's name, with its escapes undone, the directive's word (skip, todo, or
// none), and what it says.
func directive(description string) (name string, word Outcome, reason string) {
	escaped := false
	for i := range len(description) {
		switch c := description[i]; {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '#' && (i == 0 || description[i-1] == ' ' || description[i-1] == '\t'):
			rest := strings.TrimLeft(description[i+1:], " \t")
			if at := tapSkip.FindStringIndex(rest); at != nil {
				return unescape(description[:i]), Skip, rest[at[1]:]
			}
			if at := tapTodo.FindStringIndex(rest); at != nil {
				return unescape(description[:i]), Todo, rest[at[1]:]
			}
		}
	}
	return unescape(description), "", ""
}

func unescape(text string) string {
	return strings.NewReplacer(`\\`, `\`, `\#`, `#`).Replace(strings.TrimRight(text, " \t"))
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

package report

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
	tapPlan    = regexp.MustCompile(`^1\.\.([0-9]{1,9})(?:[ \t]*#[ \t]*(.*))?$`)
	tapVersion = regexp.MustCompile(`(?i)^TAP version ([0-9]{1,9})$`)
)

// lineKind reads a line without its indentation.
func lineKind(line string) (kindOfLine, tapLine) {
	if t, ok := testLine(line); ok {
		return lineTest, t
	}
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
	return lineTalk, tapLine{}
}

// testLine reads "ok", or "not ok", and a blank, a # or nothing behind it.
func testLine(line string) (tapLine, bool) {
	t := tapLine{number: -1}
	rest, failed := strings.CutPrefix(line, "not ok")
	if t.passed = !failed; t.passed {
		ok := false
		if rest, ok = strings.CutPrefix(line, "ok"); !ok {
			return t, false
		}
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '#' {
		return t, false
	}
	t.number, t.text = testNumber(strings.TrimLeft(rest, " \t"))
	if t.text == "-" || strings.HasPrefix(t.text, "- ") || strings.HasPrefix(t.text, "-\t") {
		t.text = strings.TrimLeft(t.text[1:], " \t")
	}
	return t, true
}

// testNumber is the number that a description begins with, -1 without one, and what is behind it.
func testNumber(text string) (int, string) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits == 0 || digits < len(text) && isWord(text[digits]) {
		return -1, text
	}
	n, err := strconv.Atoi(text[:digits])
	if err != nil {
		n = 1 << 40 // more than there can be
	}
	return n, strings.TrimLeft(text[digits:], " \t")
}

func isWord(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

const bailOut = "Bail out!"

// directive divides a description into the test's name, with its escapes undone, the directive's word (skip, todo, or
// none), and what it says. A # that has a backslash before it has no blank there.
func directive(description string) (name string, word Outcome, reason string) {
	for i := range len(description) {
		if description[i] != '#' || i > 0 && description[i-1] != ' ' && description[i-1] != '\t' {
			continue
		}
		if word, reason := directiveWord(strings.TrimLeft(description[i+1:], " \t")); word != "" {
			return unescape(description[:i]), word, reason
		}
	}
	return unescape(description), "", ""
}

// directiveWord is the directive that a text begins with, if its word ends there, and what is behind it.
func directiveWord(text string) (word Outcome, reason string) {
	for _, known := range []struct {
		text string
		word Outcome
	}{{"todo", Todo}, {"skipped", Skip}, {"skipping", Skip}, {"skip", Skip}} {
		if len(text) < len(known.text) || !strings.EqualFold(text[:len(known.text)], known.text) {
			continue
		}
		rest := text[len(known.text):]
		if next, _ := utf8.DecodeRuneInString(rest); rest == "" || next != '_' && !unicode.In(next, unicode.L, unicode.M, unicode.N) {
			return known.word, strings.TrimLeft(rest, " \t:")
		}
	}
	return "", ""
}

func unescape(text string) string {
	text = strings.TrimRight(text, " \t")
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	return strings.NewReplacer(`\\`, `\`, `\#`, `#`).Replace(text)
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

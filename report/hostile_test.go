package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"wskharness/disk"
	"wskharness/results"
	"wskharness/results/resultstest"
)

// hostileRun has the text wherever one can be.
func hostileRun(text string) []results.Event {
	s := resultstest.New(results.Run{ID: text + "id", Version: text, Command: text, Selection: text, Host: text, Plan: []results.PlanTarget{
		{Name: text + "1", Guest: results.Guest{Kind: "wine", Label: text}, Cases: []results.PlanCase{{Name: text + ".a", Doc: text, Source: text, Tags: []string{text}}, {Name: text + ".b"}, {Name: text + ".c"}, {Name: text + ".d"}}},
		{Name: text + "2", Cases: []results.PlanCase{{Name: text + ".a"}}},
	}})
	target := text + "1"
	s.Add(0, results.Event{Kind: results.KindPackage, Package: &results.Package{File: text, SHA256: text, Signer: text, Toolchain: text}})
	s.Add(0, results.Event{Kind: results.KindTargetFacts, Target: target, Guest: &results.Guest{Kind: "wine", Label: text, OS: text, Facts: &results.Facts{BootID: text, Host: text, User: text, Verifier: &text, Capabilities: []string{text}}}})
	s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: target, Phase: &results.Phase{Name: text, State: results.PhaseDone, Detail: text, Elapsed: time.Second}})
	s.Add(0, results.Event{Kind: results.KindTargetPhase, Target: text + "2", Phase: &results.Phase{Name: text, State: results.PhaseFailed, Error: text}})
	s.Add(0, results.Event{Kind: results.KindNotice, Target: target, Notice: &results.Notice{Level: results.Warning, Text: text}})
	full := results.Verdict{
		Deviation: &results.Deviation{Step: 1, Text: text, Place: text, Expected: text, Actual: text, Elapsed: time.Second},
		Known:     &results.Known{Reason: text, Source: text}, Reason: text, Rerun: text, Guest: results.Guest{Kind: "wine", Label: text},
		Records: []results.Observation{{Name: text, Value: text}},
		Tests:   []results.Test{{Name: text, Outcome: text, Detail: text}, {Name: text, Outcome: results.TestFailed, Detail: text + "\n" + text}},
		Wrote:   []results.Written{{Of: text, Text: text + "\n" + text}},
	}
	for i, outcome := range []results.Outcome{results.Bugcheck, results.KnownIssue, results.Pass} {
		v, name := full, text+"."+string(rune('a'+i))
		v.Outcome = outcome
		s.Begin(target, name, 1)
		s.Add(0, results.Event{Kind: results.KindStep, Target: target, Case: name, Attempt: 1, Step: &results.Step{
			Text: text, Status: text, Origin: text, Expected: text, Values: []results.Value{{Name: text, Value: text}}}})
		s.Add(0, results.Event{Kind: results.KindEvidence, Target: target, Case: name, Attempt: 1, Evidence: &results.Evidence{
			Kind: text, File: text, SHA256: text, Size: 1, Text: text, Module: text, Offset: 1}})
		s.Finish(target, name, 1, v)
	}
	return s.Add(0, results.Event{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: results.Failed, Error: text}}).Events
}

func hostileTexts() map[string]string {
	return map[string]string{
		"escape sequences":    "\x1b[31mred\x1b[2J\x1b]0;title\a\x9b31m",
		"lines and returns":   "one\ntwo\r\x0bthree\x00\x7f\u2028four\u0085",
		"directions":          "abc\u202egnp.exe\u2066\u200f\ufeff",
		"invalid UTF-8":       "a\xff\xfe\xc3(b\xed\xa0\x80",
		"XML":                 "]]></failure></testsuite><testcase name=\"x\"/><!-- ' & &amp; \ufffe",
		"Markdown":            "| x | `code` ``two`` ```` # <script>alert(1)</script> ![i](http://e/x.png) [l](javascript:x) @all #1 www.e.org\n\n# head\n```\n",
		"backquotes only":     "```",
		"a list":              "- item",
		"spaces":              "   ",
		"nothing to break":    strings.Repeat("x", 2000),
		"wide, and very wide": strings.Repeat("漢字", 300) + " 👩‍👩‍👧‍👦",
		"very many lines":     strings.Repeat("line\n", 500),
	}
}

func renderAll(t *testing.T, events []results.Event, rec *results.Record) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for name, render := range map[string]func(io.Writer) error{
		"junit":    func(w io.Writer) error { return junit(w, rec) },
		"markdown": func(w io.Writer) error { return Markdown(w, rec) },
		"json":     func(w io.Writer) error { return JSON(w, rec) },
		"plain":    func(w io.Writer) error { return replay(w, events, TerminalOptions{Steps: true}) },
		"narrow":   func(w io.Writer) error { return replay(w, events, TerminalOptions{Steps: true, width: 20}) },
		"wide":     func(w io.Writer) error { return replay(w, events, TerminalOptions{width: 120}) },
		"colored": func(w io.Writer) error {
			return replay(w, events, TerminalOptions{width: 80, Getenv: env("CLICOLOR_FORCE", "1")})
		},
	} {
		var b bytes.Buffer
		if err := render(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	return out
}

// TestHostile sends hostile texts through the journal's bounds into every renderer.
func TestHostile(t *testing.T) {
	for name, text := range hostileTexts() {
		t.Run(name, func(t *testing.T) {
			events := journaled(t, hostileRun(text))
			out := renderAll(t, events, results.Reduce(events))
			for _, view := range []string{"plain", "narrow", "wide"} {
				checkPlain(t, view, out[view])
			}
			checkPlain(t, "colored", regexp.MustCompile(`\x1b\[[0-9;]+m`).ReplaceAllString(out["colored"], ""))
			checkXML(t, out["junit"])
			checkJUnit(t, []byte(out["junit"]))
			checkMarkdown(t, out["markdown"])
			if !json.Valid([]byte(out["json"])) {
				t.Error("the JSON is not valid")
			}
			if n := len(out["junit"]); n > 1<<20 {
				t.Errorf("JUnit report of %d bytes for 5 cases", n)
			}
		})
	}
}

// journaled has the events pass through a journal, and returns them as its subscribers get them.
func journaled(t *testing.T, events []results.Event) []results.Event {
	t.Helper()
	j, err := results.Create(disk.OS(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var told collector
	if err := j.Subscribe(&told); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	return told.events
}

type collector struct{ events []results.Event }

func (c *collector) Handle(e results.Update) error {
	c.events = append(c.events, e.Event)
	return nil
}

// FuzzRender: every renderer copes with whatever can be read.
func FuzzRender(f *testing.F) {
	for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun(), hostileRun("\x1b]0;x\a<b>|`\u202e")} {
		var text bytes.Buffer
		if err := writeJournal(&text, events); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
		f.Add(text.Bytes()[:text.Len()/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		events, _ := results.Read(bytes.NewReader(data))
		renderAll(t, events, results.Reduce(events))
	})
}

// checkPlain: nothing reaches the terminal but what is printed as itself.
func checkPlain(t *testing.T, view, text string) {
	t.Helper()
	for i, r := range text {
		if r != '\n' && (!unicode.IsPrint(r) || r == utf8.RuneError) {
			t.Errorf("%s: %q comes through, in %.60q", view, r, text[max(0, i-30):])
			return
		}
	}
}

// checkXML: one whole document, all of it characters that XML may have.
func checkXML(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("JUnit report: %v", err)
			return
		}
	}
}

// checkMarkdown looks at what is outside code: no HTML but the summary's own, no link, no image,
// no mention; each table has as many cells in every row.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("the summary is not UTF-8")
	}
	var columns int
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if run := len(line) - len(strings.TrimLeft(line, "`")); run >= 3 {
			switch {
			case fence == "":
				fence = line[:run]
			case line == fence:
				fence = ""
			}
			continue
		}
		if fence != "" {
			continue
		}
		bare := withoutCode(line)
		if !strings.HasPrefix(line, "|") {
			columns = 0
		} else if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("a row of %d cells in a table of %d: %.120q", n-1, columns-1, line)
		}
		if strings.HasPrefix(bare, "<details>") || bare == "</details>" {
			continue
		}
		if m := regexp.MustCompile(`<|(^|[^\\])[\[\]]|@|://|www\.`).FindString(bare); m != "" {
			t.Errorf("%q comes through in %.120q", m, bare)
		}
	}
	if fence != "" {
		t.Errorf("a fence of %q is not closed", fence)
	}
}

// withoutCode takes the code spans out of a line, as CommonMark delimits them.
func withoutCode(line string) string {
	var out strings.Builder
	for {
		start := strings.IndexByte(line, '`')
		if start < 0 {
			return out.String() + line
		}
		if start > 0 && line[start-1] == '\\' {
			out.WriteString(line[:start+1])
			line = line[start+1:]
			continue
		}
		out.WriteString(line[:start])
		ticks := line[start : len(line)-len(strings.TrimLeft(line[start:], "`"))]
		rest := line[start+len(ticks):]
		end := closing(rest, len(ticks))
		if end < 0 {
			out.WriteString(ticks)
			line = rest
			continue
		}
		line = rest[end+len(ticks):]
	}
}

// closing finds the run of exactly n backquotes.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if run == n {
			return i
		}
		i += run
	}
	return -1
}

// TestNeverReadsAsWindows: wherever a pass on Wine is shown, it is said that it is one.
func TestNeverReadsAsWindows(t *testing.T) {
	s := resultstest.New(results.Run{Plan: []results.PlanTarget{{Name: "win11-24h2", Cases: []results.PlanCase{{Name: "capture.no_wait"}}}}})
	s.Finish("win11-24h2", "capture.no_wait", 1, results.Verdict{Outcome: results.Pass, Guest: resultstest.WineGuest()})
	events := s.Done(results.Done).Events
	for name, text := range renderAll(t, events, results.Reduce(events)) {
		if name == "json" {
			if !strings.Contains(text, `"label": "`+resultstest.WineGuest().Label+`"`) {
				t.Error("json: the guest is not named")
			}
			continue
		}
		if flat := strings.Join(strings.Fields(text), " "); !strings.Contains(flat, "not a Windows verdict") {
			t.Errorf("%s does not say so:\n%s", name, text)
		}
	}
	if out := renderAll(t, events, results.Reduce(events)); !strings.Contains(out["junit"], `name="no_wait [wine]"`) {
		t.Error("junit: the testcase does not name the kind of guest")
	}
	for _, g := range []results.Guest{{Label: "Windows 11"}, {Kind: "wine", Label: "Windows 11"}} {
		if line := guestLine(g); line != "Windows 11; not a Windows verdict" {
			t.Errorf("%+v is %q", g, line)
		}
	}
	if line := guestLine(results.Guest{Kind: "windows", Label: "Microsoft Windows 11"}); line != "Microsoft Windows 11" {
		t.Errorf("Windows is %q", line)
	}
}

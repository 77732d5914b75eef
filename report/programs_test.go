package report

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"wskharness/results"
	"wskharness/results/resultstest"
)

// programRun is a run with a case whose program failed.
func programRun() []results.Event {
	s := resultstest.New(results.Run{Version: "0.1.0", Command: "wskharness run", Plan: resultstest.Plan(1, "mine.program")})
	s.Failing("mine.program", results.Verdict{Outcome: results.Fail, Elapsed: time.Second,
		Deviation: &results.Deviation{Step: 1, Text: "run minetest.exe", Expected: "all 4 tests of the program to pass", Actual: "2 failed: ring, queue"},
		Tests: []results.Test{
			{Step: 1, Name: "opens", Outcome: "ok"},
			{Step: 1, Name: "ring", Outcome: "not ok", Detail: "message: 'expected 3, got 4'\nat:\n  line: 12"},
			{Step: 1, Name: "queue", Outcome: "not ok"},
			{Step: 1, Name: "sends", Outcome: "skip", Detail: "no device"}},
		TestsLeft: map[string]int{"ok": 7, "not ok": 2},
		Wrote: []results.Written{
			{Step: 1, Of: "stderr", Text: "checking\n    assertion failed at foo.c:12 ```\n\x1b[2J"},
			{Step: 3, Of: "stdout", Text: "behind it"}},
	})
	return s.Done(results.Done).Events
}

// TestWhatAProgramWroteIsShown: on the console, in the summary and in the JUnit report is why a program failed.
func TestWhatAProgramWroteIsShown(t *testing.T) {
	rec := results.Reduce(programRun())
	for name, test := range map[string]struct {
		render func(io.Writer) error
		want   []string
	}{
		"the console": {func(w io.Writer) error { return replay(w, programRun(), TerminalOptions{width: 100}) }, []string{
			"tests     not ok ring", "              message: 'expected 3, got 4'", "                line: 12", "not ok queue", "… and 2 more that failed",
			"stderr    checking", "assertion failed at foo.c:12", `\x1b[2J`, "stdout 4  behind it"}},
		"summary.md": {func(w io.Writer) error { return Markdown(w, rec) }, []string{
			"tests:\n\n```text\nnot ok ring\n  message: 'expected 3, got 4'\n  at:\n    line: 12\nnot ok queue\n… and 2 more that failed\n```\n",
			"stderr:\n\n````text\nchecking\n    assertion failed at foo.c:12 ```\n\\x1b[2J\n````\n",
			"| `mine.program` | wine | ring | not ok (message: 'expected 3, got 4') |", "9 more tests are not listed."}},
		"junit.xml": {func(w io.Writer) error { return junit(w, rec) }, []string{
			"tests: not ok ring\n", "    line: 12\n", "stderr: checking\n", "assertion failed at foo.c:12", `\x1b[2J`, "stdout 4: behind it"}},
	} {
		var out bytes.Buffer
		if err := test.render(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out.String())
			}
		}
	}
}

func TestCountTests(t *testing.T) {
	v := results.Verdict{Tests: []results.Test{{Outcome: "skip"}, {Outcome: "ok"}, {Outcome: "todo"}}, TestsLeft: map[string]int{"ok": 1000}}
	if got, want := countTests(&v), "1003 tests of its programs: 1001 ok, 1 todo, 1 skip"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := countTests(&results.Verdict{}); got != "" {
		t.Errorf("%q of none", got)
	}
}

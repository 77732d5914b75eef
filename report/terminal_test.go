package report

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/results"
	"wskharness/results/resultstest"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestColoring(t *testing.T) {
	tests := []struct {
		name string
		tty  bool
		env  func(string) string
		want palette
	}{
		{"terminal", true, env(), true},
		{"no terminal", false, env(), false},
		{"NO_COLOR", true, env("NO_COLOR", "1"), false},
		{"NO_COLOR is empty", true, env("NO_COLOR", ""), true},
		{"dumb terminal", true, env("TERM", "dumb"), false},
		{"CLICOLOR_FORCE", false, env("CLICOLOR_FORCE", "1"), true},
		{"CLICOLOR_FORCE=0", false, env("CLICOLOR_FORCE", "0"), false},
		{"NO_COLOR against CLICOLOR_FORCE", true, env("NO_COLOR", "1", "CLICOLOR_FORCE", "1"), false},
	}
	for _, test := range tests {
		if got := coloring(test.tty, test.env); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestTerminalWidth: no line is wider than asked for, but for what is to be copied whole.
func TestTerminalWidth(t *testing.T) {
	for _, width := range []int{60, 80, 120} {
		for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun()} {
			var out bytes.Buffer
			if err := replay(&out, events, TerminalOptions{width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				whole := strings.Contains(line, "wskharness")
				if columns(line) > width && !whole {
					t.Errorf("%d columns where there are %d: %q", columns(line), width, line)
				}
			}
		}
	}
}

// TestTerminalTellsAtOnce: a failure is told in full when its verdict comes, not at the end.
func TestTerminalTellsAtOnce(t *testing.T) {
	var out bytes.Buffer
	view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard, Getenv: env()})
	state := results.NewFold()
	for _, e := range resultstest.BadRun() {
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
			t.Fatal(err)
		}
		if e.Kind == results.KindCaseFinished && e.Case == "capture.no_wait" {
			break
		}
	}
	for _, want := range []string{
		"capture: {client: a, wait: none}", "STATUS_SUCCESS", "STATUS_DEVICE_NOT_READY (0xC00000A3)", "12ms",
		"wskharness run capture/no_wait --target wine", "capture.yaml:14",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestTerminalShowsLateEvidence(t *testing.T) {
	var out bytes.Buffer
	view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard, Getenv: env()})
	s := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, results.Bugcheck)
	s.Add(0, results.Event{Kind: results.KindEvidence, Target: "wine", Case: "a.b", Attempt: 1, Evidence: &results.Evidence{Kind: "dump", File: "targets/wine/MEMORY.DMP"}})
	state := results.NewFold()
	for _, e := range s.Events {
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasSuffix(out.String(), "dump      targets/wine/MEMORY.DMP\n") {
		t.Errorf("the dump is not the last line of:\n%s", out.String())
	}
}

// TestTerminalShowsLateEvidenceUnderItsCase: files are fetched when the driver run is over, and their cases' verdicts stand
// further up. Each is shown under the name of its own.
func TestTerminalShowsLateEvidenceUnderItsCase(t *testing.T) {
	collected := func(target, name string, attempt int, file string) results.Event {
		return results.Event{Kind: results.KindEvidence, Target: target, Case: name, Attempt: attempt, Evidence: &results.Evidence{Kind: "collected", File: file}}
	}
	show := func(run results.Run, more func(s *resultstest.Script)) string {
		var out bytes.Buffer
		view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard, Getenv: env()})
		s := resultstest.New(run)
		more(s)
		state := results.NewFold()
		for _, e := range s.Events {
			state.Apply(e)
			if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
				t.Fatal(err)
			}
		}
		return out.String()
	}
	got := show(results.Run{Plan: resultstest.Plan(2, "a.b", "a.c")}, func(s *resultstest.Script) {
		s.Attempt("wine", "a.b", 1, results.Pass)
		s.Attempt("wine", "a.c", 1, results.Pass)
		s.Attempt("wine", "a.c", 2, results.Pass)
		s.Add(0, collected("wine", "a.c", 2, "own.txt"))
		s.Add(0, collected("wine", "a.b", 1, "one.txt"))
		s.Add(0, collected("wine", "a.b", 1, "two.txt"))
		s.Add(0, collected("wine", "a.c", 1, "three.txt"))
		s.Add(0, collected("wine", "a.c", 2, "four.txt"))
	})
	var shown []string
	for line := range strings.Lines(got) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == "collected" || len(words) > 0 && strings.HasSuffix(line, ":\n") {
			shown = append(shown, strings.Join(words, " "))
		}
	}
	want := []string{"collected own.txt", "a.b:", "collected one.txt", "collected two.txt", "a.c:", "collected three.txt", "a.c #2:", "collected four.txt"}
	if !slices.Equal(shown, want) {
		t.Errorf("got %q, want %q in\n%s", shown, want, got)
	}
	two := resultstest.Plan(1, "a.b")
	other := two[0]
	other.Name = "other"
	got = show(results.Run{Plan: append(two, other)}, func(s *resultstest.Script) {
		s.Attempt("wine", "a.b", 1, results.Pass)
		s.Attempt("other", "a.b", 1, results.Pass)
		s.Add(0, collected("wine", "a.b", 1, "one.txt"))
	})
	if lines := strings.Split(strings.TrimSpace(got), "\n"); !strings.Contains(lines[len(lines)-2], "wine") || !strings.HasSuffix(lines[len(lines)-2], "a.b:") {
		t.Errorf("the file is not under its target and case in\n%s", got)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

// A build that fails ends the run with the same words, which are told once.
func TestTerminalTellsOfAFailedBuildOnce(t *testing.T) {
	for _, test := range []struct {
		finish string
		want   int
	}{{"no semicolon", 1}, {"no semicolon\nno journal", 2}} {
		var out bytes.Buffer
		view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard})
		state := results.NewFold()
		for _, e := range []results.Event{
			{Kind: results.KindRunStarted, Run: &results.Run{ID: "r"}},
			{Kind: results.KindTargetPhase, Phase: &results.Phase{Name: results.PhaseBuild, State: results.PhaseFailed, Error: "no semicolon"}},
			{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: results.Failed, Error: test.finish}},
		} {
			state.Apply(e)
			if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(out.String(), "no semicolon"); n != test.want {
			t.Errorf("told %d times, and not %d:\n%s", n, test.want, out.String())
		}
	}
}

func TestTerminalReportsAWriterThatBroke(t *testing.T) {
	view := NewTerminal(TerminalOptions{Out: brokenPipe{}, Err: io.Discard, Getenv: env()})
	first, state := resultstest.HappyRun()[0], results.NewFold()
	state.Apply(first)
	if err := view.Handle(results.Update{Event: first, State: state}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want that of the writer", err)
	}
	if err := view.Summary(results.Reduce(resultstest.HappyRun()), "", nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v, want that of the writer", err)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 999: "999ns", 1000: "1µs", 999_499: "999µs", 999_500: "1.0ms", 9_949_999: "9.9ms",
		9_950_000: "10ms", 504 * time.Millisecond: "504ms", 999_500_000: "1.00s", 6820 * time.Millisecond: "6.82s",
		9_995_000_000: "10.0s", 59_949 * time.Millisecond: "59.9s", 60 * time.Second: "1m00s", 125 * time.Second: "2m05s",
		3599_600 * time.Millisecond: "1h00m", 90 * time.Minute: "1h30m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "\x1b[1;31mabc\x1b[0m": 3, "漢字": 4, "é": 1, "…": 1, "━": 1} {
		if got := columns(s); got != want {
			t.Errorf("columns(%q) = %d, want %d", s, got, want)
		}
	}
}

// What takes long is told when it begins, whether or not there is a terminal, and by nothing that is read afterwards.
func TestProgressIsTold(t *testing.T) {
	var out strings.Builder
	view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard, Getenv: env()})
	state := results.NewFold()
	for _, n := range []results.Notice{{Level: results.Progress, Text: "compiling wsksample.sys"}, {Level: results.Info, Text: "a remark"}, {Level: results.Warning, Text: "a warning"}} {
		e := results.Event{Kind: results.KindNotice, Notice: &n}
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	view.Close()
	if got := out.String(); !strings.Contains(got, "  compiling wsksample.sys\n") || strings.Contains(got, "remark") {
		t.Errorf("shown: %q", got)
	}
	if n := state.Record().Notices; len(n) != 2 || n[0].Text != "a remark" {
		t.Errorf("kept: %+v", n)
	}
}

// TestTerminalOfARunThatIsResumed begins with the plan, and shows what is new, on top of what the record has already.
func TestTerminalOfARunThatIsResumed(t *testing.T) {
	var out strings.Builder
	view := NewTerminal(TerminalOptions{Out: &out, Err: io.Discard, Getenv: env()})
	state := results.NewFold()
	s := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Phase("wine", results.PhaseConnect, time.Hour).Attempt("wine", "a.b", 1, results.Fail)
	before := len(s.Events)
	s.Add(0, results.Event{Kind: results.KindRunResumed}).Phase("wine", results.PhaseConnect, time.Second).Attempt("wine", "a.c", 1, results.Pass)
	for i, e := range s.Events {
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, Replay: i < before, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"wskharness run 20261123-184530-x7f2", "2 cases of a on wine", "", "", "resumed",
		"wine wine 8.0, Wine's own netio.sys; not a Windows verdict, ready in 1.00s", "", "pass a.c 2.0ms", ""}
	var got []string
	for _, line := range strings.Split(out.String(), "\n") {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

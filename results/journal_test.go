package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/disk"
)

var started = Event{Kind: KindRunStarted, Run: &Run{ID: "r", Version: "test", Plan: []PlanTarget{{Name: "wine", Cases: []PlanCase{{Name: "a.b"}}}}}}

func note(text string) Event {
	return Event{Kind: KindNotice, Notice: &Notice{Level: Info, Text: text}}
}

func mustCreate(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Create(disk.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func subscribe(t *testing.T, j *Journal, s Subscriber) {
	t.Helper()
	if err := j.Subscribe(s); err != nil {
		t.Fatal(err)
	}
}

func mustAppend(t *testing.T, j *Journal, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

func readBack(t *testing.T, dir string) []Event {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, JournalName))
	if err != nil {
		t.Fatal(err)
	}
	events, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// collector is a subscriber that remembers.
type collector struct {
	events []Event
	err    error
}

func (c *collector) Handle(u Update) error {
	c.events = append(c.events, u.Event)
	return c.err
}

func TestJournalRefuses(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	if err := j.Append(note("too early")); err == nil || !strings.Contains(err.Error(), "run-started comes first") {
		t.Errorf("an event before the start: %v", err)
	}
	mustAppend(t, j, started)
	huge := started
	huge.Run = &Run{ID: strings.Repeat("x", MaxLine)}
	for name, e := range map[string]Event{
		"a second start":           started,
		"a kind that is none":      {Kind: "case-ended"},
		"no kind":                  {},
		"a verdict without a case": {Kind: KindCaseFinished, Target: "wine", Verdict: &Verdict{Outcome: Pass}},
		"no verdict":               {Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1},
		"an outcome that is none":  {Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &Verdict{Outcome: "ok"}},
		"a skip without a reason":  {Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &Verdict{Outcome: Skip}},
		"attempt 0":                {Kind: KindCaseStarted, Target: "wine", Case: "a.b"},
		"a phase in no state":      {Kind: KindTargetPhase, Phase: &Phase{Name: PhaseConnect}},
		"an end without a reason":  {Kind: KindRunFinished, Finish: &Finish{}},
		"a guest of no kind":       {Kind: KindTargetFacts, Target: "wine", Guest: &Guest{Label: "wine"}},
		"a kind that is a text":    {Kind: KindTargetFacts, Target: "wine", Guest: &Guest{Kind: "wine](x)"}},
		"a verdict on such a kind": {Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &Verdict{Outcome: Pass, Guest: Guest{Kind: "Wine"}}},
		"a line beyond all bounds": {Kind: KindTargetPhase, Target: strings.Repeat("x", MaxLine), Phase: &Phase{Name: PhaseConnect, State: PhaseDone}},
	} {
		if err := j.Append(e); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	mustAppend(t, j, note("still in order"))
	if got := readBack(t, dir); len(got) != 2 || got[1].Seq != 2 {
		t.Errorf("%d events in the file, want 2 without a gap", len(got))
	}
	if _, err := Create(disk.OS(), dir); !errors.Is(err, os.ErrExist) {
		t.Errorf("a journal was made over another: %v", err)
	}
	if _, _, err := Open(disk.OS(), dir); err == nil || !strings.Contains(err.Error(), "another process is writing it") {
		t.Errorf("opened while it is being written: %v", err)
	}
}

func TestJournalBoundsTexts(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	long := strings.Repeat("é", maxText)
	verdict := Verdict{Outcome: Fail, Reason: long, Records: make([]Observation, 10*maxRecords)}
	guest := Guest{Kind: "wine", Label: long, Facts: &Facts{User: long, Verifier: &long, Capabilities: make([]string, 10*maxValues)}}
	mustAppend(t, j, started,
		Event{Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &verdict},
		Event{Kind: KindTargetFacts, Target: "wine", Guest: &guest})
	if len(verdict.Reason) != len(long) || len(verdict.Records) != 10*maxRecords || len(*guest.Facts.Verifier) != len(long) || len(guest.Facts.Capabilities) != 10*maxValues {
		t.Error("what the caller holds was changed")
	}
	got := readBack(t, dir)
	v := got[1].Verdict
	if len(v.Reason) > maxText+40 || !strings.HasSuffix(v.Reason, "… (16384 more bytes)") || len(v.Records) != maxRecords {
		t.Errorf("reason of %d bytes, ends %q; %d records", len(v.Reason), v.Reason[len(v.Reason)-30:], len(v.Records))
	}
	if f := got[2].Guest.Facts; len(f.Capabilities) != maxValues || max(len(f.User), len(*f.Verifier), len(got[2].Guest.Label)) > maxText+40 {
		t.Errorf("%d capabilities kept, texts of %d, %d and %d bytes", len(f.Capabilities), len(f.User), len(*f.Verifier), len(got[2].Guest.Label))
	}
}

// TestJournalResume cuts a journal at every byte, as a kill may, and takes it up again.
func TestJournalResume(t *testing.T) {
	source := t.TempDir()
	j := mustCreate(t, source)
	mustAppend(t, j, started, note("one"), note("two"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(source, JournalName))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n')
	for cut := range len(whole) + 1 {
		if cut < first-3 && cut%10 != 0 {
			continue // the start line is long, and its middle all the same
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, JournalName), whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		kept := bytes.Count(whole[:cut], []byte("\n"))
		truncated := cut > 0 && whole[cut-1] != '\n'
		j, events, err := Open(disk.OS(), dir)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		noted := truncated && kept > 0
		if want := kept + btoi(noted); len(events) != want {
			t.Fatalf("cut at %d: %d events, want %d", cut, len(events), want)
		}
		if noted && !strings.Contains(events[kept].Notice.Text, "truncated") {
			t.Errorf("cut at %d: no notice of the truncated line but %+v", cut, events[kept])
		}
		next := note("on we go")
		if kept == 0 {
			next = started
		}
		mustAppend(t, j, next)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if got := readBack(t, dir); len(got) != len(events)+1 {
			t.Errorf("cut at %d: %d events after the resume, want %d", cut, len(got), len(events)+1)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestJournalSurvivesKill kills a process while it appends, again and again. Whatever it was told
// to be written is there, and the journal can be read and continued.
func TestJournalSurvivesKill(t *testing.T) {
	if dir := os.Getenv("RESULTS_TEST_APPEND"); dir != "" {
		appendForever(dir)
	}
	dir := t.TempDir()
	var confirmed int
	for round := range 12 {
		confirmed = killWhileAppending(t, dir, 20+round*13)
		events := readBack(t, dir)
		if len(events) < confirmed {
			t.Fatalf("round %d: %d events are there, %d were confirmed", round, len(events), confirmed)
		}
	}
	j, events, err := Open(disk.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, Event{Kind: KindRunFinished, Finish: &Finish{Reason: Done}})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, dir); len(got) != len(events)+1 || confirmed < 12*20 {
		t.Errorf("%d events after the last resume, want %d; %d confirmed", len(got), len(events)+1, confirmed)
	}
}

// killWhileAppending kills the child once it has confirmed some events, and returns the number of
// the last confirmed one.
func killWhileAppending(t *testing.T, dir string, confirmations int) int {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestJournalSurvivesKill$")
	child.Env = append(os.Environ(), "RESULTS_TEST_APPEND="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var last int
	for range confirmations {
		if _, err := fmt.Fscanln(out, &last); err != nil {
			t.Errorf("the child stopped by itself: %v", err)
			break
		}
	}
	child.Process.Kill()
	for {
		if _, err := fmt.Fscanln(out, &last); err != nil {
			break
		}
	}
	child.Wait()
	return last
}

func appendForever(dir string) {
	j, _, err := Open(disk.OS(), dir)
	if errors.Is(err, os.ErrNotExist) {
		j, err = Create(disk.OS(), dir)
		if err == nil {
			err = j.Append(started)
		}
	}
	for n := 0; err == nil; n++ {
		var e Event
		e, err = j.record(note(strings.Repeat("x", n%700)))
		fmt.Println(e.Seq)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestJournalFromManySides has as many writers as there may be targets.
func TestJournalFromManySides(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	var seen collector
	subscribe(t, j, &seen)
	mustAppend(t, j, started)
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for n := range 50 {
				if err := j.Append(note(fmt.Sprint(w, n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	got := readBack(t, dir)
	if len(got) != 801 {
		t.Fatalf("%d events, want 801", len(got))
	}
	if diff := cmp.Diff(got, seen.events); diff != "" {
		t.Errorf("the subscriber saw another order:\n%s", diff)
	}
}

// TestJournalOutlivesItsViews: a view that breaks is let go, the others and the file go on.
func TestJournalOutlivesItsViews(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	broken, fine := collector{err: io.ErrClosedPipe}, collector{}
	subscribe(t, j, &broken)
	subscribe(t, j, &fine)
	mustAppend(t, j, started, note("one"), note("two"))
	if len(broken.events) != 1 || len(fine.events) != 3 {
		t.Errorf("the broken view saw %d events, the other %d; want 1 and 3", len(broken.events), len(fine.events))
	}
	if err := j.Close(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Close says %v, want what went wrong in the view", err)
	}
	if err := j.Append(note("late")); err == nil {
		t.Error("appended to a closed journal")
	}
	if err := j.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestJournalStopsWhenItCannotWrite: after a failed write nothing may follow, or the file would
// have a hole that nobody notices.
func TestJournalStopsWhenItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	var seen collector
	subscribe(t, j, &seen)
	mustAppend(t, j, started)
	j.file.Close()
	first, second := j.Append(note("one")), j.Append(note("two"))
	if first == nil || second == nil || first.Error() != second.Error() {
		t.Errorf("appends after a failed write: %v; %v", first, second)
	}
	if len(seen.events) != 1 {
		t.Errorf("a view was told of %d events; only 1 is in the file", len(seen.events))
	}
}

func TestJournalTime(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	now := time.Date(2026, 11, 23, 19, 45, 30, 7, time.FixedZone("CET", 3600))
	j.now = func() time.Time { return now }
	mustAppend(t, j, started)
	if got := readBack(t, dir)[0].Time; !got.Equal(now) || got.Location() != time.UTC {
		t.Errorf("time %v, want %v in UTC", got, now)
	}
}

func BenchmarkAppend(b *testing.B) {
	verdict := Event{Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &Verdict{Outcome: Pass}}
	step := Event{Kind: KindStep, Target: "wine", Case: "a.b", Attempt: 1, Step: &Step{Text: "register: {client: a}", Status: "STATUS_SUCCESS", OK: true}}
	for name, e := range map[string]Event{"step": step, "verdict": verdict} {
		b.Run(name, func(b *testing.B) {
			j, err := Create(disk.OS(), b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			if err := j.Append(started); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := j.Append(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

//go:build linux

package guest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/journal/journaltest"
	"wskharness/guest/ntfs"
	"wskharness/guest/transfer"
)

const runID = journaltest.RunID

func journalLines(cases int) []string { return journaltest.Lines(cases) }

func journalBytes(lines []string) []byte { return []byte(strings.Join(lines, "")) }

// all reads a stream to its end.
func all(t *testing.T, s *Stream) ([]journal.Record, error) {
	t.Helper()
	var records []journal.Record
	for {
		r, err := s.Next(t.Context())
		if err != nil {
			if again, same := s.Next(t.Context()); same == nil || same.Error() != err.Error() {
				t.Errorf("after %v, Next returned %+v, %v; want same != nil and same.Error() == err.Error()", err, again, same)
			}
			return records, err
		}
		records = append(records, r)
	}
}

func TestStartRun(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	lines := journalLines(3)
	f.write(JournalPath(runID), journalBytes(lines[:1]))
	before := f.asked.count()
	var raw bytes.Buffer
	s, err := g.StartRun(t.Context(), Run{ID: runID, Plan: []byte("plan"), Files: []transfer.File{transfer.Contents(`C:\wskharness\store\p\wsksample.sys`, randomBytes(40<<10))}, Journal: &raw})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, err := s.Next(t.Context())
	if err != nil || first.Ev != journal.EvRunStart || first.Run != runID || first.Cases != 3 {
		t.Fatalf("got %+v, %v; want no error and first.Ev == journal.EvRunStart and first.Run == runID and first.Cases == 3", first, err)
	}
	if n := f.asked.count() - before; n > 7 {
		t.Errorf("%d requests to bring a package there, start it, and hear from it; want n <= 7", n)
	}
	f.write(JournalPath(runID), journalBytes(lines))
	rest, err := all(t, s)
	if err != io.EOF {
		t.Fatal(err)
	}
	if len(rest) != len(lines)-1 || raw.String() != string(journalBytes(lines)) || s.position().Offset != int64(raw.Len()) {
		t.Errorf("%d records, %d bytes; want len(rest) == len(lines)-1 and raw.String() == string(journalBytes(lines)) and s.position().Offset == int64(raw.Len())", len(rest), raw.Len())
	}
	for i, r := range rest {
		if r.Seq != uint64(i+2) || raw.String()[r.Offset:r.Offset+int64(len(r.Raw))] != string(r.Raw) {
			t.Errorf("record %d: %+v; want r.Seq == uint64(i+2) and raw.String()[r.Offset:r.Offset+int64(len(r.Raw))] == string(r.Raw)", i, r)
		}
	}
	if plan, ok := f.read(planPath(runID)); !ok || string(plan) != "plan" {
		t.Errorf("the plan in the guest is %q; want ok and string(plan) == \"plan\"", plan)
	}
}

// Until FINISH was sent, contact may be lost without a doubt about whether the run was started; behind it, there is one.
func TestStartRunIsBegunAgainUntilItMayHaveStarted(t *testing.T) {
	lines := journalLines(1)
	// An endpoint takes a MiB and a request more than the agent does: of this, the end is not sent before the agent has had
	// most of it, however late a cut comes.
	large := transfer.Contents(`C:\wskharness\store\p\wsksample.sys`, randomBytes(12*256<<10))
	start := func(t *testing.T, f *fakeGuest) (*Stream, error) {
		g := f.connect()
		f.write(JournalPath(runID), journalBytes(lines))
		return g.StartRun(t.Context(), Run{ID: runID, Plan: []byte("plan"), Files: []transfer.File{large}})
	}
	t.Run("before", func(t *testing.T) {
		f := newFakeGuest(t)
		cuts := 0
		f.onData = func(a *fakeAgent, n int, _ int64) {
			if n == 2 && cuts < 2 {
				cuts++
				a.crash(testBoot)
			}
		}
		s, err := start(t, f)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if records, err := all(t, s); err != io.EOF || len(records) != len(lines) {
			t.Errorf("%d records, %v; want err == io.EOF and len(records) == len(lines)", len(records), err)
		}
		if n := f.starts[JournalPath(runID)]; n != 1 || cuts != 2 {
			t.Errorf("started %d times after %d cuts; want n == 1 and cuts == 2", n, cuts)
		}
	})
	t.Run("behind", func(t *testing.T) {
		f := newFakeGuest(t)
		f.onFinish = func(a *fakeAgent) { a.crash(testBoot) }
		f.silent = true
		_, err := start(t, f)
		if _, ok := errors.AsType[*LostError](err); !ok {
			t.Errorf("error %v; want ok", err)
		}
		if n := f.starts[JournalPath(runID)]; n != 0 {
			t.Errorf("started %d times; want n == 0", n)
		}
	})
	t.Run("behind, with words that are none", func(t *testing.T) {
		f := newFakeGuest(t)
		f.onFinish = func(a *fakeAgent) { io.WriteString(a.out, strings.Repeat("not a frame ", 10)) }
		f.silent = true
		_, err := start(t, f)
		if _, ok := errors.AsType[*LostError](err); !ok {
			t.Errorf("error %v; want ok", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		f := newFakeGuest(t)
		f.onFinish = func(a *fakeAgent) { a.refuse(1, 112, "the disk is full") }
		f.silent = true
		_, err := start(t, f)
		refused, ok := errors.AsType[*transfer.Error](err)
		if !ok || refused.Path != large.Path {
			t.Errorf("error %v; want ok and refused.Path == large.Path", err)
		}
	})
}

// What damages the journal on its way the first time only is fetched again and not noticed above.
func TestStreamFetchesAgain(t *testing.T) {
	for name, damage := range map[string]func(string) string{
		"a line is missing": func(s string) string { return strings.Replace(s, journalLines(2)[3], "", 1) },
		"a line comes twice": func(s string) string {
			return strings.Replace(s, journalLines(2)[3], strings.Repeat(journalLines(2)[3], 2), 1)
		},
		"a line is damaged": func(s string) string { return strings.Replace(s, `"runs":1`, `"runs":x`, 1) },
		"a line is too long": func(s string) string {
			return strings.Replace(s, `"step":0`, `"step":0`+strings.Repeat(" ", agent.MaxLine), 1)
		},
		"lines are run on":    func(s string) string { return strings.Replace(s, "}\n{", "}{", 1) },
		"it begins elsewhere": func(s string) string { return s[30:] },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			whole := journalBytes(journalLines(2))
			f.write(JournalPath(runID), whole)
			var once sync.Once
			f.onOutput = func(_ *fakeAgent, _ string, w io.Writer) io.Writer {
				return writerFunc(func(p []byte) (int, error) {
					out := p
					once.Do(func() { out = []byte(damage(string(p))) })
					if _, err := w.Write(out); err != nil {
						return 0, err
					}
					return len(p), nil
				})
			}
			var raw bytes.Buffer
			s, err := g.Follow(t.Context(), runID, journal.Position{}, &raw)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			records, err := all(t, s)
			if err != io.EOF || len(records) != len(journalLines(2)) || !bytes.Equal(raw.Bytes(), whole) {
				t.Errorf("%d records, %v; want err == io.EOF and len(records) == len(journalLines(2)) and bytes.Equal(raw.Bytes(), whole)", len(records), err)
			}
		})
	}
}

// What is wrong in the guest stays wrong.
func TestStreamRefusesALyingJournal(t *testing.T) {
	lines := journalLines(1)
	other := strings.Replace(lines[0], runID, "another-run", 1)
	for name, tc := range map[string]struct {
		journal string
		records int
		want    string
	}{
		"gap":             {lines[0] + lines[2], 1, "record 3 follows record 1"},
		"back":            {lines[0] + lines[1] + lines[1], 2, "record 2 follows record 2"},
		"no run-start":    {lines[1], 0, "begins with record 2"},
		"another run":     {other, 0, `run "another-run"`},
		"two run-starts":  {lines[0] + lines[0], 1, "run-start in the middle"},
		"not JSON":        {lines[0] + "hello\n", 1, "not the JSON object"},
		"unknown event":   {lines[0] + `{"seq":2,"ms":1,"ev":"party"}` + "\n", 1, "unknown event"},
		"unknown word":    {lines[0] + strings.NewReplacer(`"seq":7`, `"seq":2`, "done", "won").Replace(lines[6]), 1, "expected one of"},
		"negative status": {lines[0] + `{"seq":2,"ms":1,"ev":"driver-stop","ok":1,"win32":-1,"ms2":0}` + "\n", 1, "not the JSON object"},
		"endless line":    {lines[0] + strings.Repeat("x", 1<<20) + "\n", 1, "a line of more than"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.write(JournalPath(runID), []byte(tc.journal))
			var raw bytes.Buffer
			s, err := g.Follow(t.Context(), runID, journal.Position{}, &raw)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			records, err := all(t, s)
			bad, ok := errors.AsType[*JournalError](err)
			if !ok || !strings.Contains(err.Error(), tc.want) || len(records) != tc.records {
				t.Fatalf("%d records, %v; want ok and strings.Contains(err.Error(), tc.want) and len(records) == tc.records", len(records), err)
			}
			if bad.Offset != int64(raw.Len()) || bad.Offset != s.position().Offset {
				t.Errorf("the offset is %d, and %d bytes were kept; want bad.Offset == int64(raw.Len()) and bad.Offset == s.position().Offset", bad.Offset, raw.Len())
			}
		})
	}
}

func TestStreamResumesAfterALoss(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	lines := journalLines(4)
	f.write(JournalPath(runID), journalBytes(lines[:6]))
	var raw bytes.Buffer
	s, err := g.Follow(t.Context(), runID, journal.Position{}, &raw)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 6 {
		if _, err := s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.reboot(testBoot) // WinRM restarts; the run goes on
	_, err = s.Next(t.Context())
	lost, ok := errors.AsType[*LostError](err)
	if !ok || lost.Offset != int64(raw.Len()) || lost.Seq != 6 {
		t.Fatalf("error %v; want ok and lost.Offset == int64(raw.Len()) and lost.Seq == 6", err)
	}
	f.write(JournalPath(runID), journalBytes(lines))
	again, err := g.Follow(t.Context(), runID, lost.Position, &raw)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	records, err := all(t, again)
	if err != io.EOF || len(records) != len(lines)-6 || records[0].Seq != 7 || !bytes.Equal(raw.Bytes(), journalBytes(lines)) {
		t.Errorf("%d records, %v; want err == io.EOF and len(records) == len(lines)-6 and records[0].Seq == 7 and bytes.Equal(raw.Bytes(), journalBytes(lines))", len(records), err)
	}
}

func TestStreamAfterAReboot(t *testing.T) {
	const later = "99999999-2222-3333-4444-555555555555"
	f := newFakeGuest(t)
	g := f.connect()
	f.write(JournalPath(runID), journalBytes(journalLines(1)[:3]))
	s, err := g.Follow(t.Context(), runID, journal.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 {
		if _, err := s.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.mu.Lock()
	f.dead[ntfs.Fold(JournalPath(runID))] = true
	f.mu.Unlock()
	f.reboot(later)
	_, err = s.Next(t.Context())
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Fatalf("error %v; want errors.As(err, &lost)", err)
	}
	var rebooted *RebootedError
	_, err = g.Follow(t.Context(), runID, lost.Position, nil)
	if !errors.As(err, &rebooted) || rebooted.Now != later {
		t.Fatalf("error %v; want errors.As(err, &rebooted) and rebooted.Now == later", err)
	}
	if facts, err := g.Refresh(t.Context()); !errors.As(err, &rebooted) || facts.BootID != later {
		t.Fatal(err)
	}
	s, err = g.Follow(t.Context(), runID, lost.Position, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Next(t.Context())
	ended, ok := errors.AsType[*EndedError](err)
	if !ok || ended.Offset != lost.Offset || !strings.Contains(err.Error(), "process is gone") {
		t.Errorf("error %v; want ok and ended.Offset == lost.Offset and strings.Contains(err.Error(), \"process is gone\")", err)
	}
}

func TestStreamOfARunThatDied(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.dead[ntfs.Fold(JournalPath(runID))] = true
	lines := journalLines(1)
	f.write(JournalPath(runID), append(journalBytes(lines[:3]), lines[3][:20]...)) // truncated by the crash
	s, err := g.Follow(t.Context(), runID, journal.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records, err := all(t, s)
	ended, ok := errors.AsType[*EndedError](err)
	if !ok || len(records) != 3 || ended.Seq != 3 || ended.Offset != int64(len(journalBytes(lines[:3]))) {
		t.Errorf("%d records, %v; want ok and len(records) == 3 and ended.Seq == 3 and ended.Offset == int64(len(journalBytes(lines[:3])))", len(records), err)
	}
}

// Whoever kills the agent of a run kills the one that sends its journal, too, and either may be first: it is asked for
// once more, and that one can tell.
func TestStreamOfAnAgentThatIsKilled(t *testing.T) {
	for name, tc := range map[string]struct {
		kill  int
		ended bool // the answer is that the run is over
	}{"the sender first": {1, true}, "every sender": {2, false}} {
		t.Run(name, func(t *testing.T) {
			f := newFakeGuest(t)
			g := f.connect()
			f.kill = tc.kill
			f.dead[ntfs.Fold(JournalPath(runID))] = true
			f.write(JournalPath(runID), journalBytes(journalLines(1)[:3]))
			s, err := g.Follow(t.Context(), runID, journal.Position{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			records, err := all(t, s)
			if _, ended := errors.AsType[*EndedError](err); ended != tc.ended || len(records) != 3 {
				t.Errorf("%d records, %v; want ended == tc.ended and len(records) == 3", len(records), err)
			}
		})
	}
}

func TestStreamWaitsAndIsClosed(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.write(JournalPath(runID), journalBytes(journalLines(1)[:1]))
	s, err := g.Follow(t.Context(), runID, journal.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v; want errors.Is(err, context.Canceled)", err)
	}
	f.write(JournalPath(runID), journalBytes(journalLines(1)[:2]))
	if r, err := s.Next(t.Context()); err != nil || r.Ev != journal.EvDriverStart || r.Base != 0xfffff80123450000 {
		t.Errorf("after a cancelled Next: %+v, %v; want no error and r.Ev == journal.EvDriverStart and r.Base == 0xfffff80123450000", r, err)
	}
	s.Close()
	if _, err := s.Next(t.Context()); !errors.Is(err, errStreamClosed) {
		t.Errorf("after Close: %v; want errors.Is(err, errStreamClosed)", err)
	}
}

func TestStreamCopyThatFails(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	f.write(JournalPath(runID), journalBytes(journalLines(1)))
	full := errors.New("disk full")
	s, err := g.Follow(t.Context(), runID, journal.Position{}, writerFunc(func([]byte) (int, error) { return 0, full }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := all(t, s); !errors.Is(err, full) {
		t.Errorf("error %v; want errors.Is(err, full)", err)
	}
}

func TestStartRunRefuses(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	if _, err := g.StartRun(t.Context(), Run{ID: `..\x`}); err == nil {
		t.Error("a run id with a path in it was taken")
	}
	if _, err := g.Follow(t.Context(), "ok", journal.Position{Offset: -1}, nil); err == nil {
		t.Error("a negative offset was taken")
	}
	if err := g.Cancel(t.Context(), "a b"); err == nil {
		t.Error("a run id with a space was taken")
	}
	if err := g.Cancel(t.Context(), runID); err != nil {
		t.Error(err)
	}
}

func TestStreamBoundsWhatWaits(t *testing.T) {
	f := newFakeGuest(t)
	g := f.connect()
	lines := journalLines(400) // far more than may wait for Next
	f.write(JournalPath(runID), journalBytes(lines))
	s, err := g.Follow(t.Context(), runID, journal.Position{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if records, err := all(t, s); err != io.EOF || len(records) != len(lines) {
		t.Errorf("%d records, %v; want err == io.EOF and len(records) == len(lines)", len(records), err)
	}
}

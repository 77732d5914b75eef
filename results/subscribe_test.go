package results

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/disk"
)

// upTo remembers what it is told, and stands nothing behind an event.
type upTo struct {
	last    uint64
	events  []Event
	replays int
	seqs    []uint64 // of the state, by its notices and the start
}

func (s *upTo) Handle(u Update) error {
	s.events = append(s.events, u.Event)
	if u.Replay {
		s.replays++
	}
	s.seqs = append(s.seqs, uint64(1+len(u.State.Whole().Notices)))
	if u.Seq == s.last {
		return io.ErrClosedPipe
	}
	return nil
}

// TestSubscriberComesAtAnyTime: whoever subscribes late, also in another process, is told of everything from the first, in
// order, and of the state after it.
func TestSubscriberComesAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	var first, second, third, gone upTo
	subscribe(t, j, &first)
	mustAppend(t, j, started, note("one"))
	subscribe(t, j, &second)
	mustAppend(t, j, note("two"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, JournalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, `{"seq":4,"ti`...), 0o644); err != nil {
		t.Fatal(err)
	}
	j, _, err = Open(disk.OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	gone.last = 2
	subscribe(t, j, &gone)
	subscribe(t, j, &third)
	mustAppend(t, j, note("three"))
	if err := j.Close(); err == nil || !strings.Contains(err.Error(), "event 2") {
		t.Errorf("Close says %v, want what went wrong in a subscriber", err)
	}
	all := readBack(t, dir)
	for name, test := range map[string]struct {
		told    upTo
		events  []Event
		replays int
	}{
		"before the start": {first, all[:3], 0}, "amidst": {second, all[:3], 2}, "another controller": {third, all, 4}, "one that breaks": {gone, all[:2], 2},
	} {
		if diff := cmp.Diff(test.events, test.told.events); diff != "" {
			t.Errorf("%s (-file +told):\n%s", name, diff)
		}
		if test.told.replays != test.replays {
			t.Errorf("%s: %d replays, want %d", name, test.told.replays, test.replays)
		}
		for i, seq := range test.told.seqs {
			if seq != test.told.events[i].Seq {
				t.Errorf("%s: event %d comes with the state after event %d", name, i+1, seq)
			}
		}
	}
}

// TestReplayThatFails: whoever can't be told of all is told so.
func TestReplayThatFails(t *testing.T) {
	dir := t.TempDir()
	j := mustCreate(t, dir)
	mustAppend(t, j, started)
	if err := os.Rename(filepath.Join(dir, JournalName), filepath.Join(dir, "elsewhere")); err != nil && runtime.GOOS == "windows" {
		t.Skip("Windows keeps the file of an open journal where it is: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := j.Subscribe(&upTo{}); err == nil {
		t.Error("a subscriber was not told of the start, and nobody says so")
	}
}

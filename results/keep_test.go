package results_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/disk"
	"wskharness/results"
	"wskharness/results/resultstest"
)

// told remembers what a journal tells its subscribers.
type told struct{ events []results.Event }

func (c *told) Handle(e results.Update) error {
	c.events = append(c.events, e.Event)
	return nil
}

// TestJournalKeepsEverything writes whole runs and reads the same events back; a subscriber sees
// just what is in the file.
func TestJournalKeepsEverything(t *testing.T) {
	for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun()} {
		dir := t.TempDir()
		j, err := results.Create(disk.OS(), dir)
		if err != nil {
			t.Fatal(err)
		}
		var seen told
		if err := j.Subscribe(&seen); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if err := j.Append(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		got := readFile(t, filepath.Join(dir, results.JournalName))
		if diff := cmp.Diff(events, got); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(got, seen.events); diff != "" {
			t.Errorf("the subscriber saw something else (-file +subscriber):\n%s", diff)
		}
	}
}

func readFile(t *testing.T, path string) []results.Event {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := results.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

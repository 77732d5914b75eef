package results_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/results/resultstest"

	"wskharness/results"
)

// FuzzRead: whatever is in the file, reading ends without a panic; what is accepted means the same
// when written and read again.
func FuzzRead(f *testing.F) {
	for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun()} {
		var text bytes.Buffer
		if err := writeJournal(&text, events); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
		f.Add(text.Bytes()[:text.Len()/2])
	}
	f.Add([]byte("\n"))
	f.Add([]byte(`{"seq":1,"time":"2026-11-23T18:45:30Z","kind":"run-started","run":{"format":3,"id":"r","plan":[{"name":"t","repeat":-1,"cases":[{"name":"."}]}]}}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := results.Read(bytes.NewReader(data))
		rec := results.Reduce(events)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeJournal(&again, events); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		reread, err := results.Read(&again)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(finals(rec), finals(results.Reduce(reread))); diff != "" {
			t.Errorf("written and read again it means something else:\n%s", diff)
		}
	})
}

func writeJournal(w io.Writer, events []results.Event) error {
	enc := json.NewEncoder(w)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

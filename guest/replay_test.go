package guest

import (
	"bytes"
	"testing"
)

// TestReadJournalOfAKilledController cuts a journal's copy at every byte: what is whole is taken, once, and
// the position is where the rest has to be fetched from.
func TestReadJournalOfAKilledController(t *testing.T) {
	lines := journalLines(2)
	whole := journalBytes(lines)
	for cut := range len(whole) + 1 {
		var taken int
		at, err := ReadJournal(bytes.NewReader(whole[:cut]), runID, func(r Record) {
			if taken++; r.Seq != uint64(taken) || string(r.Raw)+"\n" != lines[taken-1] {
				t.Fatalf("cut at %d: record %d is %q", cut, taken, r.Raw)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		end := bytes.LastIndexByte(whole[:cut], '\n') + 1
		if at.Offset != int64(end) || taken != bytes.Count(whole[:end], []byte("\n")) || at.Seq != uint64(taken) {
			t.Fatalf("cut at %d: %d records up to %+v; the last whole line ends at %d", cut, taken, at, end)
		}
	}
	at, err := ReadJournal(bytes.NewReader(whole), "another", func(Record) { t.Error("a record of another run was taken") })
	if err != nil || at != (Position{}) {
		t.Errorf("another run's journal: position %+v, %v", at, err)
	}
}

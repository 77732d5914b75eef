package journal

import (
	"bytes"
	"strings"
	"testing"
)

// TestReadOfAKilledController cuts a journal's copy at every byte: what is whole is taken, once, and
// the position is where the rest has to be fetched from.
func TestReadOfAKilledController(t *testing.T) {
	lines := journalLines(2)
	whole := journalBytes(lines)
	for cut := range len(whole) + 1 {
		var taken int
		at, err := Read(bytes.NewReader(whole[:cut]), runID, func(r Record) {
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
	at, err := Read(bytes.NewReader(whole), "another", func(Record) { t.Error("a record of another run was taken") })
	if err != nil || at != (Position{}) {
		t.Errorf("another run's journal: position %+v, %v; want no error and at == (Position{})", at, err)
	}
}

func TestCheckRunID(t *testing.T) {
	for _, id := range []string{"a", "20260801-101112-ab_c.1", strings.Repeat("x", 64)} {
		if err := CheckRunID(id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", ".", "..", "-a", "a b", `a\b`, "a/b", "ä", "nul", "a.", `a"b`, "a%b", strings.Repeat("x", 65)} {
		if CheckRunID(id) == nil {
			t.Errorf("the run id %q was taken; want CheckRunID(id) != nil", id)
		}
	}
}

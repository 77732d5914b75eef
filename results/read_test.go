package results

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestReadIsStrict: what cannot have been written by a journal is refused, with its line.
func TestReadIsStrict(t *testing.T) {
	const (
		start = `{"seq":1,"time":"2026-11-23T18:45:30Z","kind":"run-started","run":{"format":3,"id":"r","version":"v","command":"c","plan":[]}}` + "\n"
		note2 = `{"seq":2,"time":"2026-11-23T18:45:31Z","kind":"notice","notice":{"text":"x"}}` + "\n"
	)
	tests := []struct {
		name, text string
		events     int
		err        string
	}{
		{"nothing", "", 0, ""},
		{"two events", start + note2, 2, ""},
		{"a truncated last line", start + note2[:40], 1, ""},
		{"a last line without its end", start + strings.TrimSuffix(note2, "\n"), 1, ""},
		{"zeros at the end, after a power cut", start + strings.Repeat("\x00", 4096), 1, ""},
		{"a field of a newer version", start + strings.Replace(note2, `"kind"`, `"mood":"good","kind"`, 1), 2, ""},
		{"garbage between", start + "garbage\n" + note2, 1, "line 2: not an event"},
		{"an empty line", start + "\n" + note2, 1, "line 2: not an event"},
		{"two events in a line", start + strings.TrimSuffix(note2, "\n") + note2, 1, "line 2: not an event"},
		{"a line twice", start + note2 + note2, 2, "line 3: sequence number 2"},
		{"a line is missing", start + strings.Replace(note2, `"seq":2`, `"seq":3`, 1), 1, "line 2: sequence number 3"},
		{"no start", strings.Replace(note2, `"seq":2`, `"seq":1`, 1), 0, "run-started comes first"},
		{"no time", start + strings.Replace(note2, `"time":"2026-11-23T18:45:31Z",`, "", 1), 1, "line 2: no time"},
		{"an unknown kind", start + strings.Replace(note2, "notice", "poem", 1), 1, "unknown kind"},
		{"a newer format", strings.Replace(start, `"format":3`, `"format":4`, 1), 0, "reads format 3"},
		{"a plan with a guest of a kind that is none", strings.Replace(start, `[]`, `[{"name":"t","guest":{"kind":"a b"},"cases":[]}]`, 1), 0, "no kind of guest"},
		{"a case twice in the plan", strings.Replace(start, `[]`, `[{"name":"t","cases":[{"name":"a.b"},{"name":"a.b"}]}]`, 1), 0, "there twice"},
		{"a line without end", start + strings.Repeat("x", MaxLine+1), 1, "line 2: longer than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			events, err := Read(strings.NewReader(test.text))
			if len(events) != test.events {
				t.Errorf("%d events, want %d", len(events), test.events)
			}
			switch {
			case test.err == "" && err != nil:
				t.Errorf("unexpected error: %v", err)
			case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
				t.Errorf("error %v, want one with %q", err, test.err)
			}
		})
	}
}

func TestReadPassesErrorsOn(t *testing.T) {
	if _, err := Read(iotest.ErrReader(io.ErrNoProgress)); err == nil || !strings.Contains(err.Error(), io.ErrNoProgress.Error()) {
		t.Errorf("error %v, want that of the reader", err)
	}
}

package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"wskharness/testtime"
)

// metered notes done, in MiB of 100, at seconds.
func metered(notes ...[2]float64) *meter {
	m := &meter{begun: time.Unix(0, 0)}
	for _, n := range notes {
		m.note(time.Unix(0, 0).Add(time.Duration(n[0]*float64(time.Second))), int64(n[1]*(1<<20)), 100<<20)
	}
	return m
}

func TestMeter(t *testing.T) {
	t.Parallel()
	steady := func(from, to, perSecond float64) (notes [][2]float64) {
		for at := from; at < to; at += 0.01 {
			notes = append(notes, [2]float64{at, (at - from) * perSecond})
		}
		return notes
	}
	tests := map[string]struct {
		notes [][2]float64
		at    float64
		want  string
	}{
		"nothing known":           {nil, 3, "getting ready 0:03"},
		"too early for a rate":    {[][2]float64{{0, 0}, {0.1, 1}}, 0.2, "1.0 MiB of 100.0 MiB (1%)"},
		"steady":                  {steady(0, 4, 2), 4, "8.0 MiB of 100.0 MiB (7%), 2.0 MiB/s, 0:46 left"},
		"faster of late":          {[][2]float64{{0, 0}, {10, 10}, {20, 20}, {21, 24}, {23, 32}, {25, 40}}, 25, "40.0 MiB of 100.0 MiB (40%), 4.0 MiB/s, 0:15 left"},
		"what was there is no go": {[][2]float64{{0, 50}, {1, 51}, {2, 52}}, 2, "52.0 MiB of 100.0 MiB (52%), 1.0 MiB/s, 0:48 left"},
		"in great steps":          {[][2]float64{{0, 8}, {8, 16}, {16, 24}}, 16, "24.0 MiB of 100.0 MiB (24%), 1.0 MiB/s, 1:16 left"},
		"between two steps":       {[][2]float64{{0, 8}, {8, 16}, {16, 24}}, 24, "24.0 MiB of 100.0 MiB (24%), 512.0 KiB/s, 2:32 left"},
		"one step":                {[][2]float64{{0, 8}}, 10, "8.0 MiB of 100.0 MiB (8%)"},
		"stalled":                 {[][2]float64{{0, 8}, {8, 16}}, 98, "16.0 MiB of 100.0 MiB (16%), nothing new for 1:30"},
		"all there":               {[][2]float64{{0, 8}, {8, 100}}, 8, "100.0 MiB of 100.0 MiB (100%), checking"},
		"hours":                   {[][2]float64{{0, 0}, {10, 0.1}}, 10, "102.4 KiB of 100.0 MiB (0%), 10.2 KiB/s, 2:46:30 left"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := metered(test.notes...)
			got := strings.Join(m.figures(time.Unix(0, 0).Add(time.Duration(test.at*float64(time.Second)))), ", ")
			if got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
	if n := len(metered(steady(0, 60, 1)...).samples); n > 200 {
		t.Errorf("%d samples are kept", n)
	}
}

// The line fits into every terminal, and says at least how far it is.
func TestMeterLineFits(t *testing.T) {
	t.Parallel()
	m := metered([2]float64{0, 0}, [2]float64{1, 1}, [2]float64{2, 2})
	now := time.Unix(2, 0)
	for _, what := range []string{"push a", "push 世界世界世界世界世界世界世界世界世界世界.bin", "pull " + strings.Repeat("long", 50)} {
		for width := 40; width < 200; width++ {
			line := m.line(now, what, width, true)
			if columns(line) > width {
				t.Errorf("%d columns in %d: %q", columns(line), width, line)
			}
			if !strings.Contains(line, "2.0 MiB of") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
	for width, want := range map[int]string{
		50:  "  push big  2.0 MiB of 100.0 MiB (2%)  1.0 MiB/s",
		64:  "  push big  2.0 MiB of 100.0 MiB (2%)  1.0 MiB/s  1:38 left",
		80:  "  push big  ────────────────  2.0 MiB of 100.0 MiB (2%)  1.0 MiB/s  1:38 left",
		100: "  push big  ────────────────────  2.0 MiB of 100.0 MiB (2%)  1.0 MiB/s  1:38 left",
	} {
		if got := m.line(now, "push big", width, false); got != want {
			t.Errorf("width %d:\n%q, want\n%q", width, got, want)
		}
	}
}

// Elsewhere than on a terminal a short transfer says nothing, a long one lines.
func TestTransferInPlainLines(t *testing.T) {
	t.Parallel()
	var short bytes.Buffer
	v := NewTransfer(TransferOptions{Err: &short, What: "push x", Getenv: env()})
	v.Update(1, 2)
	v.Close()
	v.Close()
	if short.Len() > 0 {
		t.Errorf("a short one: %q", short.String())
	}
	for name, quiet := range map[string]bool{"shown": false, "quiet": true} {
		lines := make(chan string, 100)
		v = NewTransfer(TransferOptions{Err: lineWriter(lines), What: "push x\x1b[2J", Quiet: quiet, Getenv: env(), first: time.Millisecond, every: time.Millisecond})
		v.Update(1, 2)
		fmt.Fprintln(v, "of the log")
		seen := map[string]bool{}
		for ctx := testtime.Context(t); !seen["of the log\n"] || !quiet && !seen["push x\\x1b[2J: 1 bytes of 2 bytes (50%)\n"]; {
			select {
			case line := <-lines:
				seen[line] = true
			case <-ctx.Done():
				t.Fatalf("%s: %v", name, seen)
			}
		}
		v.Close()
		if quiet && len(seen) != 1 {
			t.Errorf("not quiet: %v", seen)
		}
	}
}

type lineWriter chan<- string

func (w lineWriter) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default: // enough of them
	}
	return len(p), nil
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// sample is one transfer, or one command.
type sample struct {
	took     time.Duration
	requests int64 // HTTP requests; 0: not counted
	wire     int64 // bytes of TCP in both directions, TLS and HTTP included; 0: not counted
	payload  int   // bytes; 0: there is none

	mebibytes float64 // peak memory of the program; 0: not looked at
}

// times is a sample of so many times the size.
func (s sample) times(n int) sample {
	return sample{took: s.took * time.Duration(n), requests: s.requests * int64(n), wire: s.wire * int64(n), payload: s.payload * n}
}

func (s sample) seconds() float64  { return s.took.Seconds() }
func (s sample) overhead() float64 { return float64(s.wire) / float64(s.payload) }

type row struct {
	name    string
	samples []sample
}

// median is the sample of median duration.
func (r *row) median() sample {
	sorted := slices.SortedFunc(slices.Values(r.samples), func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	return sorted[len(sorted)/2]
}

// table is the rows by their names, for the limits, and in order. A row that could not be measured is nil.
type table struct {
	runs  int
	rows  []*row
	notes []string

	whole, push, again, pull, raw, pywinrm, winrmcp, farPush, farPull, farRaw, hugePush, hugePull, noop, storm *row
}

// limit is something that is promised. One that does not hold yet is shown, and no failure.
type limit struct {
	what   string
	value  float64
	sign   string // ≤ or ≥
	bound  float64
	strict bool // breaking it is a failure
}

func (l limit) met() bool {
	if l.sign == "≤" {
		return l.value <= l.bound
	}
	return l.value >= l.bound
}

func (t *table) limits() []limit {
	push, winrmcp := t.push.median(), t.winrmcp.median()
	return []limit{
		{"push: HTTP requests", float64(push.requests), "≤", 40, true},
		{"push: bytes on the wire for each of the payload", push.overhead(), "≤", 1.40, true},
		{"push: times as fast as winrmcp", winrmcp.seconds() / push.seconds(), "≥", 50, true},
		{"the same file again: HTTP requests", float64(t.again.median().requests), "≤", 4, true},
		{"pull: times as fast as push", push.seconds() / t.pull.median().seconds(), "≥", 1, false},
		{"push with 20 ms more: times as fast as one shell", t.farRaw.median().seconds() / t.farPush.median().seconds(), "≥", 4, false},
		{"push of 1 GiB: peak memory of the controller, MiB", t.hugePush.median().mebibytes, "≤", 64, true},
		{"pull of 1 GiB: peak memory of the controller, MiB", t.hugePull.median().mebibytes, "≤", 64, true},
		{"a command that does nothing: HTTP requests", float64(t.noop.median().requests), "≤", 3, true},
	}
}

func (t *table) print() error {
	fmt.Printf("\n10 MiB that cannot be compressed, over HTTPS to one real Wine guest; medians\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seconds\tmin\tmax\tMiB/s\trequests\twire/payload\tx winrmcp\t  what")
	for _, r := range t.rows {
		m := r.median()
		least, most := m.took, m.took
		for _, s := range r.samples {
			least, most = min(least, s.took), max(most, s.took)
		}
		rate, requests, wire, ratio := "-", "-", "-", "-"
		if m.requests > 0 {
			requests = fmt.Sprint(m.requests)
		}
		if m.payload > 0 {
			rate = fmt.Sprintf("%.1f", float64(m.payload)/m.seconds()/(1<<20))
			ratio = fmt.Sprintf("%.1f", t.winrmcp.median().seconds()/m.seconds())
			if m.wire > 0 {
				wire = fmt.Sprintf("%.3f", m.overhead())
			}
		}
		fmt.Fprintf(w, "%.3f\t%.3f\t%.3f\t%s\t%s\t%s\t%s\t  %s\n", m.seconds(), least.Seconds(), most.Seconds(), rate, requests, wire, ratio, r.name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range t.notes {
		fmt.Println(note)
	}
	fmt.Println("\nlimits")
	broken := false
	for _, l := range t.limits() {
		verdict := "met"
		switch {
		case l.met():
		case l.strict:
			verdict, broken = "BROKEN", true
		default:
			verdict = "not met yet"
		}
		fmt.Printf("  %-12s %8.2f %s %-6g %s\n", verdict, l.value, l.sign, l.bound, l.what)
	}
	if broken {
		return errors.New("a limit of the transfers was broken")
	}
	return nil
}

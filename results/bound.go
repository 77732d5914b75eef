package results

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// What an event may hold of texts that can come from a guest. A guest that talks without end
// costs its own report some words, and nothing else.
const (
	maxText    = 16 << 10 // bytes in one text
	maxValues  = 64       // values of one step, capabilities of one guest
	maxTests   = 1000     // tests of programs of one verdict
	maxRecords = 256      // observations of one verdict
	maxWritten = 16       // outputs of one verdict
	maxOutput  = 8 << 10  // bytes of one
)

// bounded returns the event with every such text cut to size. What the caller holds is not changed.
func (e Event) bounded() Event {
	e.Guest = cut(e.Guest, func(g *Guest) []*string { return []*string{&g.Label, &g.OS} })
	if e.Guest != nil {
		e.Guest.Facts = e.Guest.Facts.bounded()
	}
	e.Phase = cut(e.Phase, func(p *Phase) []*string { return []*string{&p.Detail, &p.Error, &p.Kept} })
	e.DriverRun = cut(e.DriverRun, func(d *DriverRun) []*string { return []*string{&d.Boot, &d.Why} })
	e.Step = cut(e.Step, func(s *Step) []*string { return []*string{&s.Text, &s.Status, &s.Expected} })
	if e.Step != nil {
		e.Step.Values = first(e.Step.Values, maxValues, func(v *Value) []*string { return []*string{&v.Name, &v.Value} })
	}
	e.Verdict = e.Verdict.bounded()
	e.Evidence = cut(e.Evidence, func(v *Evidence) []*string { return []*string{&v.File, &v.Text, &v.Module} })
	e.Notice = cut(e.Notice, func(n *Notice) []*string { return []*string{&n.Text} })
	e.Finish = cut(e.Finish, func(f *Finish) []*string { return []*string{&f.Error} })
	return e
}

func (v *Verdict) bounded() *Verdict {
	b := cut(v, func(v *Verdict) []*string { return []*string{&v.Reason, &v.Rerun, &v.Guest.Label, &v.Guest.OS} })
	if b == nil {
		return nil
	}
	b.Guest.Facts = b.Guest.Facts.bounded()
	b.Deviation = cut(v.Deviation, func(d *Deviation) []*string { return []*string{&d.Text, &d.Expected, &d.Actual} })
	b.Tests, b.TestsLeft = boundedTests(v.Tests, v.TestsLeft)
	b.Wrote = first(v.Wrote, maxWritten, func(w *Written) []*string { return []*string{&w.Of} })
	for i := range b.Wrote {
		b.Wrote[i].Text = Clip(b.Wrote[i].Text, maxOutput)
	}
	b.Records = first(v.Records, maxRecords, func(r *Observation) []*string { return []*string{&r.Name, &r.Value} })
	return b
}

func (f *Facts) bounded() *Facts {
	b := cut(f, func(f *Facts) []*string {
		return []*string{&f.BootID, &f.Agent, &f.Wine, &f.Netio, &f.Arch, &f.Host, &f.User}
	})
	if b != nil {
		b.Verifier = cut(f.Verifier, func(s *string) []*string { return []*string{s} })
		b.Verified = first(f.Verified, maxValues, func(s *string) []*string { return []*string{s} })
		b.Capabilities = first(f.Capabilities, maxValues, func(s *string) []*string { return []*string{s} })
	}
	return b
}

// cut is a copy, where there is something, with those of its texts cut to size.
func cut[T any](p *T, texts func(*T) []*string) *T {
	if p == nil {
		return nil
	}
	c := *p
	for _, text := range texts(&c) {
		*text = Clip(*text, maxText)
	}
	return &c
}

// first are copies of the first few, cut like that.
func first[T any](all []T, limit int, texts func(*T) []*string) (kept []T) {
	for i := range all[:min(len(all), limit)] {
		kept = append(kept, *cut(&all[i], texts))
	}
	return kept
}

// boundedTests keeps some tests, with their texts cut to size: first of all those that failed, then the others, each in
// their order. Those that are left out are counted.
func boundedTests(tests []Test, left map[string]int) ([]Test, map[string]int) {
	var kept []Test
	counted := map[string]int{}
	for _, outcome := range slices.Sorted(maps.Keys(left)) {
		if len(counted) < maxValues {
			counted[Clip(outcome, maxText)] = left[outcome]
		}
	}
	stays := make(map[int]bool)
	for _, failed := range []bool{true, false} {
		for i, t := range tests {
			if len(stays) < maxTests && (t.Outcome == TestFailed) == failed {
				stays[i] = true
			}
		}
	}
	for i, t := range tests {
		t := cut(&t, func(t *Test) []*string { return []*string{&t.Name, &t.Outcome, &t.Detail} })
		if stays[i] {
			kept = append(kept, *t)
		} else {
			counted[t.Outcome]++
		}
	}
	if len(counted) == 0 {
		counted = nil
	}
	return kept, counted
}

// Clip cuts s to at most limit bytes of whole characters, and says how much is missing.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes)", s[:end], len(s)-end)
}

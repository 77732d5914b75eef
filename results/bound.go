package results

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// What an event may hold of texts that can come from a guest. A guest that talks without end
// costs its own report some words, and nothing else.
const (
	maxText    = 16 << 10 // bytes in one text
	maxValues  = 64       // values of one step, capabilities of one guest
	maxRecords = 256      // observations of one verdict
	maxWritten = 16       // outputs of one verdict
	maxOutput  = 8 << 10  // bytes of one
)

// bounded returns the event with every such text cut to size. What the caller holds is not changed.
func (e Event) bounded() Event {
	if e.Guest != nil {
		g := e.Guest.bounded()
		e.Guest = &g
	}
	if e.Phase != nil {
		p := *e.Phase
		p.Detail, p.Error, p.Kept = Clip(p.Detail, maxText), Clip(p.Error, maxText), Clip(p.Kept, maxText)
		e.Phase = &p
	}
	if e.DriverRun != nil {
		d := *e.DriverRun
		d.Boot, d.Why = Clip(d.Boot, maxText), Clip(d.Why, maxText)
		e.DriverRun = &d
	}
	if e.Step != nil {
		s := *e.Step
		s.Text, s.Status, s.Expected = Clip(s.Text, maxText), Clip(s.Status, maxText), Clip(s.Expected, maxText)
		s.Values = slices.Clone(s.Values[:min(len(s.Values), maxValues)])
		for i, v := range s.Values {
			s.Values[i] = Value{Name: Clip(v.Name, maxText), Value: Clip(v.Value, maxText)}
		}
		e.Step = &s
	}
	if e.Verdict != nil {
		e.Verdict = e.Verdict.bounded()
	}
	if e.Evidence != nil {
		v := *e.Evidence
		v.File, v.Text, v.Module = Clip(v.File, maxText), Clip(v.Text, maxText), Clip(v.Module, maxText)
		e.Evidence = &v
	}
	if e.Notice != nil {
		n := *e.Notice
		n.Text = Clip(n.Text, maxText)
		e.Notice = &n
	}
	if e.Finish != nil {
		f := *e.Finish
		f.Error = Clip(f.Error, maxText)
		e.Finish = &f
	}
	return e
}

func (v *Verdict) bounded() *Verdict {
	b := *v
	b.Reason, b.Rerun, b.Guest = Clip(b.Reason, maxText), Clip(b.Rerun, maxText), b.Guest.bounded()
	if b.Deviation != nil {
		d := *b.Deviation
		d.Text, d.Expected, d.Actual = Clip(d.Text, maxText), Clip(d.Expected, maxText), Clip(d.Actual, maxText)
		b.Deviation = &d
	}
	b.Tests, b.TestsLeft = boundedTests(v.Tests, v.TestsLeft)
	b.Wrote = slices.Clone(b.Wrote[:min(len(b.Wrote), maxWritten)])
	for i, w := range b.Wrote {
		b.Wrote[i] = Written{Step: w.Step, Of: Clip(w.Of, maxText), Text: Clip(w.Text, maxOutput)}
	}
	b.Records = slices.Clone(b.Records[:min(len(b.Records), maxRecords)])
	for i, r := range b.Records {
		b.Records[i] = Observation{Step: r.Step, Name: Clip(r.Name, maxText), Value: Clip(r.Value, maxText)}
	}
	return &b
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

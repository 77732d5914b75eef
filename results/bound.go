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
	maxValues  = 64       // values of one step
	maxRecords = 256      // observations of one verdict
	maxFacts   = 256      // facts of one target
	maxWritten = 16       // outputs of one verdict
	maxOutput  = 8 << 10  // bytes of one
)

// bounded returns the event with every such text cut to size. What the caller holds is not changed.
func (e Event) bounded() Event {
	if e.Facts != nil {
		e.Facts = boundedFacts(e.Facts)
	}
	if e.Phase != nil {
		p := *e.Phase
		p.Detail, p.Error, p.Kept = clip(p.Detail, maxText), clip(p.Error, maxText), clip(p.Kept, maxText)
		e.Phase = &p
	}
	if e.DriverRun != nil {
		d := *e.DriverRun
		d.Boot, d.Why = clip(d.Boot, maxText), clip(d.Why, maxText)
		e.DriverRun = &d
	}
	if e.Step != nil {
		s := *e.Step
		s.Text, s.Status, s.Expected = clip(s.Text, maxText), clip(s.Status, maxText), clip(s.Expected, maxText)
		s.Values = slices.Clone(s.Values[:min(len(s.Values), maxValues)])
		for i, v := range s.Values {
			s.Values[i] = Value{Name: clip(v.Name, maxText), Value: clip(v.Value, maxText)}
		}
		e.Step = &s
	}
	if e.Verdict != nil {
		e.Verdict = e.Verdict.bounded()
	}
	if e.Evidence != nil {
		v := *e.Evidence
		v.File, v.Text, v.Module = clip(v.File, maxText), clip(v.Text, maxText), clip(v.Module, maxText)
		e.Evidence = &v
	}
	if e.Notice != nil {
		n := *e.Notice
		n.Text = clip(n.Text, maxText)
		e.Notice = &n
	}
	if e.Finish != nil {
		f := *e.Finish
		f.Error = clip(f.Error, maxText)
		e.Finish = &f
	}
	return e
}

func (v *Verdict) bounded() *Verdict {
	b := *v
	b.Reason, b.Rerun, b.Guest = clip(b.Reason, maxText), clip(b.Rerun, maxText), clip(b.Guest, maxText)
	if b.Deviation != nil {
		d := *b.Deviation
		d.Text, d.Expected, d.Actual = clip(d.Text, maxText), clip(d.Expected, maxText), clip(d.Actual, maxText)
		b.Deviation = &d
	}
	b.Tests, b.TestsLeft = boundedTests(v.Tests, v.TestsLeft)
	b.Wrote = slices.Clone(b.Wrote[:min(len(b.Wrote), maxWritten)])
	for i, w := range b.Wrote {
		b.Wrote[i] = Written{Step: w.Step, Of: clip(w.Of, maxText), Text: clip(w.Text, maxOutput)}
	}
	b.Records = slices.Clone(b.Records[:min(len(b.Records), maxRecords)])
	for i, r := range b.Records {
		b.Records[i] = Observation{Step: r.Step, Name: clip(r.Name, maxText), Value: clip(r.Value, maxText)}
	}
	return &b
}

// boundedFacts keeps the first facts in the order of their names, so that what is kept does not
// depend on chance.
func boundedFacts(facts map[string]string) map[string]string {
	names := slices.Sorted(maps.Keys(facts))
	kept := make(map[string]string, min(len(names), maxFacts))
	for _, name := range names[:min(len(names), maxFacts)] {
		kept[clip(name, maxText)] = clip(facts[name], maxText)
	}
	return kept
}

// clip cuts s to at most limit bytes of whole characters, and says how much is missing.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes)", s[:end], len(s)-end)
}

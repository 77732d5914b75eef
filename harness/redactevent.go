package harness

import (
	"slices"

	"wskharness/remote"
	"wskharness/results"
)

// redactEvent takes the targets' passwords out of what a guest's programs have written: a script that was given one may
// well tell it. What the caller holds is not changed.
func redactEvent(known *remote.Redactor, e results.Event) results.Event {
	if e.Step != nil {
		s := *e.Step
		s.Values = slices.Clone(s.Values)
		for i := range s.Values {
			s.Values[i].Value = known.Text(s.Values[i].Value)
		}
		e.Step = &s
	}
	if e.Verdict == nil {
		return e
	}
	v := *e.Verdict
	if v.Deviation != nil {
		d := *v.Deviation
		d.Actual = known.Text(d.Actual)
		v.Deviation = &d
	}
	v.Tests, v.Wrote = slices.Clone(v.Tests), slices.Clone(v.Wrote)
	for i := range v.Tests {
		v.Tests[i].Name, v.Tests[i].Detail = known.Text(v.Tests[i].Name), known.Text(v.Tests[i].Detail)
	}
	for i := range v.Wrote {
		v.Wrote[i].Text = known.Text(v.Wrote[i].Text)
	}
	e.Verdict = &v
	return e
}

package report

import "wskharness/results"

// placed is a case with its target.
type placed struct {
	target *results.TargetRecord
	rec    *results.CaseRecord
}

// cases lists, in order, those that the reader asks for.
func cases(r *results.Record, wanted func(*results.CaseRecord) bool) []placed {
	var found []placed
	for i := range r.Targets {
		t := &r.Targets[i]
		for k := range t.Cases {
			if wanted(&t.Cases[k]) {
				found = append(found, placed{t, &t.Cases[k]})
			}
		}
	}
	return found
}

// observations are what the case recorded without judging it.
func observations(c *results.CaseRecord) []results.Observation {
	if a := c.Telling(); a != nil {
		return a.Verdict.Records
	}
	return nil
}

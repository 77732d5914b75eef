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

// The cases that reports list: those to look at, those that failed as declared, those that recorded something, and those
// that say nothing about the driver.
func isBad(c *results.CaseRecord) bool       { return c.Final.Bad() }
func isKnown(c *results.CaseRecord) bool     { return c.Final == results.KnownIssue }
func hasRecorded(c *results.CaseRecord) bool { return len(observations(c)) > 0 }
func isLeft(c *results.CaseRecord) bool {
	return c.Final == results.Skip || c.Final == results.NotRun || c.Final == results.Cancelled
}

// troubles are what kept targets from a verdict, each with the name of its own behind some words.
func troubles(rec *results.Record, words string) (told []string) {
	for i := range rec.Targets {
		if t := &rec.Targets[i]; t.Trouble != "" {
			told = append(told, words+targetLabel(t)+": "+t.Trouble)
		}
	}
	return told
}

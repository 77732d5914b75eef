package results

import (
	"fmt"
	"slices"
	"strings"
)

// Record is the run as far as events were applied, with everything judged as if none were to
// follow. It is a copy, and may be asked for again when more were applied.
func (f *Fold) Record() *Record {
	rec := f.whole
	rec.Counts = make(Counts)
	rec.Notices = slices.Clone(rec.Notices)
	rec.Phases = slices.Clone(rec.Phases)
	rec.Targets = make([]TargetRecord, 0, len(f.targets))
	for _, t := range f.targets {
		record := t.TargetRecord
		record.Phases = slices.Clone(t.Phases)
		record.Evidence = slices.Clone(t.Evidence)
		record.Cases = make([]CaseRecord, 0, len(t.extra)+len(t.planned))
		for _, c := range slices.Concat(t.told(), t.planned) {
			final := f.settle(t, c)
			rec.Counts[final.Final]++
			record.Cases = append(record.Cases, final)
		}
		rec.Targets = append(rec.Targets, record)
	}
	return &rec
}

// told are the cases that are not in the plan, without those that began only to begin anew as another attempt.
func (t *TargetState) told() []*caseState {
	return slices.DeleteFunc(slices.Clone(t.extra), func(c *caseState) bool {
		return len(c.attempts) > 0 && !slices.ContainsFunc(c.attempts, func(a *AttemptState) bool { return a.Void == "" })
	})
}

// settle gives a case its final outcome. Planned attempts that never were weigh as not run.
func (f *Fold) settle(t *TargetState, c *caseState) CaseRecord {
	rec := c.CaseRecord
	var counted int
	for _, a := range c.attempts {
		attempt := a.Attempt
		attempt.Steps = slices.Clone(a.Steps)
		if f.judged.attempt == a && f.judged.letsGo() {
			attempt.Steps = nil
		}
		attempt.Evidence = slices.Clone(a.Evidence)
		if !a.judged {
			attempt.Verdict = f.unjudged(t)
		} else if missing, proven := t.proof(a); !proven {
			attempt.Verdict = attempt.Verdict.Unproven(missing)
		}
		if a.Void == "" {
			counted++
		}
		rec.Attempts = append(rec.Attempts, attempt)
	}
	outcomes := rec.outcomes()
	if rec.Planned && counted < t.repeat {
		outcomes = append(outcomes, NotRun)
	}
	rec.Final = combine(outcomes)
	if rec.Final == NotRun {
		rec.Reason = f.whyNotRun(t, counted)
	}
	return rec
}

// unjudged is the verdict on an attempt that was started and has none.
func (f *Fold) unjudged(t *TargetState) Verdict {
	v := Verdict{Outcome: Lost, Guest: t.Guest.Naming(), Reason: "the record ends while this case was under way"}
	switch {
	case f.whole.Reason == Interrupted:
		v.Outcome, v.Reason = Cancelled, "the run was interrupted"
	case t.Trouble != "":
		v.Reason = t.Trouble
	}
	return v
}

func (f *Fold) whyNotRun(t *TargetState, counted int) string {
	var why string
	switch {
	case t.Trouble != "":
		why = t.Trouble
	case f.whole.Error != "":
		why, _, _ = strings.Cut(f.whole.Error, "\n") // a compiler's output need not be told with each case
	case f.whole.Reason == Interrupted:
		why = "the run was interrupted"
	case f.whole.Reason == "":
		why = "the record of the run has no end"
	default:
		why = "the run ended before it"
	}
	if counted > 0 {
		return fmt.Sprintf("%d of %d attempts were made: %s", counted, t.repeat, why)
	}
	return why
}

// proof reports whether an attempt's verdict counts as it stands: what was as expected does so only with the clean end of
// the driver run that it rests on, after it. Else it says what is missing.
func (t *TargetState) proof(a *AttemptState) (missing string, proven bool) {
	if !a.Verdict.Outcome.Expected() {
		return "", true
	}
	run, over := t.runs[a.Verdict.DriverRun]
	switch {
	case a.late:
		return "the verdict was recorded when its run of the driver was over", false
	case over && run.Clean:
		return "", true
	case over && run.Why != "":
		return run.Why, false
	}
	return "the record does not say that the driver was unloaded afterwards", false
}

package results

import (
	"strings"
	"time"
)

// Record is a whole run, as its journal tells it.
type Record struct {
	Run      Run            `json:"run"`
	Started  time.Time      `json:"started,omitzero"`
	Finished time.Time      `json:"finished,omitzero"` // zero where the journal has no end
	Reason   Reason         `json:"reason,omitempty"`  // empty where the journal has no end
	Error    string         `json:"error,omitempty"`   // why the harness could not go on
	Resumed  int            `json:"resumed,omitempty"` // how often another controller took over
	Counts   Counts         `json:"counts"`            // of cases, by their final outcomes
	Package  *Package       `json:"package,omitempty"`
	Phases   []PhaseRecord  `json:"phases,omitempty"` // of the run as a whole: build
	Targets  []TargetRecord `json:"targets"`
	Notices  []Noted        `json:"notices,omitempty"`

	last time.Time // of the last event, for a journal without an end
}

// Counts has the number of cases for each outcome that there is.
type Counts map[Outcome]int

// Total is the number of all cases.
func (c Counts) Total() int {
	var n int
	for _, count := range c {
		n += count
	}
	return n
}

// TargetRecord is a target's part in a run.
type TargetRecord struct {
	Name     string        `json:"name"`
	Guest    Guest         `json:"guest,omitzero"`
	Phases   []PhaseRecord `json:"phases,omitempty"`
	Trouble  string        `json:"trouble,omitempty"`       // why its first phase failed that did; infrastructure
	Troubled string        `json:"troubledPhase,omitempty"` // the name of that phase
	Kept     string        `json:"kept,omitempty"`          // the guest that was left up, by its name
	Cases    []CaseRecord  `json:"cases"`                   // in the order of the plan; first those that were not in it
	Evidence []Evidence    `json:"evidence,omitempty"`      // that belongs to no case
}

// PhaseRecord is one phase, once.
type PhaseRecord struct {
	Name    string        `json:"name"`
	Started time.Time     `json:"started,omitzero"`
	Elapsed time.Duration `json:"elapsedNs"`
	Inner   time.Duration `json:"innerNs,omitempty"` // what the phases inside it took of that: a guest is connected to anew amid its cases
	Detail  string        `json:"detail,omitempty"`
	Error   string        `json:"error,omitempty"`
	Ended   bool          `json:"ended"`
}

// CaseRecord is a case on one target.
type CaseRecord struct {
	PlanCase
	Planned  bool      `json:"planned"` // false: the harness's own, as deploy.start
	Final    Outcome   `json:"final"`
	Reason   string    `json:"reason,omitempty"` // why there is no attempt
	Attempts []Attempt `json:"attempts,omitempty"`
}

// Attempt is one try of a case.
type Attempt struct {
	Number   int        `json:"number"`
	Started  time.Time  `json:"started,omitzero"`
	Verdict  Verdict    `json:"verdict"`
	Steps    []Step     `json:"steps,omitempty"` // not of every attempt, where there are very many
	Ran      int        `json:"ran"`             // steps that came back
	Evidence []Evidence `json:"evidence,omitempty"`
	Void     string     `json:"void,omitempty"` // why the attempt does not count, and was made again
}

// Noted is a notice in its place.
type Noted struct {
	Time   time.Time `json:"time"`
	Target string    `json:"target,omitempty"`
	Case   string    `json:"case,omitempty"`
	Notice
}

// Elapsed is how long the run took, up to the last event where it has no end.
func (r *Record) Elapsed() time.Duration {
	end := r.Finished
	if end.IsZero() {
		end = r.last
	}
	return max(0, end.Sub(r.Started))
}

// Counts is the number of the target's cases by their final outcomes.
func (t *TargetRecord) Counts() Counts {
	counts := make(Counts)
	for i := range t.Cases {
		counts[t.Cases[i].Final]++
	}
	return counts
}

// Suite is the part of the case's name before the first dot.
func (c *PlanCase) Suite() string { return c.Name[:max(0, strings.Index(c.Name, "."))] }

// outcomes of the attempts that count.
func (c *CaseRecord) outcomes() []Outcome {
	var all []Outcome
	for _, a := range c.Attempts {
		if a.Void == "" {
			all = append(all, a.Verdict.Outcome)
		}
	}
	return all
}

// mixed reports whether attempts of the case disagree: flaky, even where something worse than
// that made the final outcome.
func (c *CaseRecord) mixed() bool { return mixed(c.outcomes()) }

// Telling is the attempt that explains the final outcome: the first that has it, and for a flaky
// case the first that failed. Nil where the case was never attempted.
func (c *CaseRecord) Telling() *Attempt {
	var first *Attempt
	for i := range c.Attempts {
		a := &c.Attempts[i]
		if a.Void != "" {
			continue
		}
		if a.Verdict.Outcome == c.Final || c.Final == Flaky && a.Verdict.Outcome.Failed() {
			return a
		}
		if first == nil {
			first = a
		}
	}
	return first
}

// Why is the text that goes with the final outcome: the reason of a skip, of a known issue, of an
// error, or why the case was not run.
func (c *CaseRecord) Why() string {
	a := c.Telling()
	switch {
	case a == nil:
		return c.Reason
	case a.Verdict.Known != nil && a.Verdict.Outcome == KnownIssue:
		return a.Verdict.Known.Reason
	case c.Final == NotRun && a.Verdict.Outcome != NotRun:
		return c.Reason
	}
	return a.Verdict.Reason
}

// Words are all that the record says of how the case came out: reasons, deviations and evidence.
func (c *CaseRecord) Words() string {
	var all []string
	for _, a := range c.Attempts {
		all = append(all, a.Verdict.Reason)
		if d := a.Verdict.Deviation; d != nil {
			all = append(all, "expected "+d.Expected, "got "+d.Actual)
		}
		for _, e := range a.Evidence {
			if e.Signature != "" {
				all = append(all, "signature "+e.Signature)
			}
			if e.Kind == "hang" || e.Kind == "under-way" || e.Kind == "event-log" {
				all = append(all, e.Text)
			}
		}
	}
	return strings.Trim(strings.Join(append(all, c.Reason), "; "), "; ")
}

// Elapsed is the time of all attempts.
func (c *CaseRecord) Elapsed() time.Duration {
	var sum time.Duration
	for _, a := range c.Attempts {
		sum += max(0, a.Verdict.Elapsed)
	}
	return sum
}

// Unproven is what is left of a verdict whose driver run did not end as it should: every step was as declared, and the
// driver may have broken anything all the same.
func (v Verdict) Unproven(why string) Verdict {
	v.Outcome, v.Known = Error, nil
	v.Reason = "not proven: every step was as declared, but " + why
	return v
}

package driverrun

import (
	"fmt"

	"wskharness/results"
)

func (s *State) write(e results.Event) {
	e.Target = s.plan.Target
	s.out.Write = append(s.out.Write, e)
}

func (s *State) warn(format string, args ...any) {
	s.write(results.Event{Kind: results.KindNotice, Notice: &results.Notice{Level: results.Warning, Text: fmt.Sprintf(format, args...)}})
}

func (s *State) slow(test, format string, args ...any) {
	s.out.Slow = append(s.out.Slow, Slow{test, fmt.Sprintf(format, args...)})
}

// begin records that an attempt is under way.
func (s *State) begin(a *attempt) {
	a.started = s.now
	s.write(results.Event{Kind: results.KindCaseStarted, Case: a.name(), Attempt: a.Number})
}

// judge records a verdict. A verdict only gets worse.
func (s *State) judge(a *attempt, v results.Verdict) {
	if a.verdict != nil && a.verdict.Outcome.Compare(v.Outcome) <= 0 {
		return
	}
	v.DriverRun = s.plan.N
	a.verdict = &v
	s.write(results.Event{Kind: results.KindCaseFinished, Case: a.name(), Attempt: a.Number, Verdict: &v})
}

// again makes an attempt void: what was begun of it does not count, and it begins anew.
func (s *State) again(a *attempt, why string) {
	a.void, a.verdict = true, nil
	s.write(results.Event{Kind: results.KindReplanned, Case: a.name(), Attempt: a.Number,
		Notice: &results.Notice{Level: results.Info, Text: a.name() + " " + why + ": it runs again"}})
}

// judgeHarness records a verdict on something that no suite has, such as deploy.start. Its attempt is the driver run.
func (s *State) judgeHarness(name string, v results.Verdict) {
	s.judged = true
	v.DriverRun = s.plan.N
	s.write(results.Event{Kind: results.KindCaseStarted, Case: name, Attempt: s.plan.N})
	s.write(results.Event{Kind: results.KindCaseFinished, Case: name, Attempt: s.plan.N, Verdict: &v})
}

// tell records evidence of an attempt, or, without one, of the target.
func (s *State) tell(a *attempt, all []results.Evidence) {
	for _, e := range all {
		event := results.Event{Kind: results.KindEvidence, Evidence: &e}
		if a != nil {
			event.Case, event.Attempt = a.name(), a.Number
		}
		s.write(event)
	}
}

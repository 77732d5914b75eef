package results

import (
	"errors"
	"fmt"
)

// check tells why an event is not one. It holds the writer and the reader to the same rules.
func (e *Event) check() error {
	switch e.Kind {
	case KindRunStarted:
		return e.checkRun()
	case KindRunResumed:
		return nil
	case KindTargetPhase:
		return e.checkPhase()
	case KindTargetFacts:
		if e.Target == "" || e.Guest == nil || e.Guest.Kind == "" {
			return need(false, e.Kind, "target and guest, with its kind")
		}
		return e.Guest.check()
	case KindPackage:
		return need(e.Package != nil, e.Kind, "package")
	case KindDriverRun:
		return e.checkDriverRun()
	case KindCaseStarted:
		return e.checkAttempt()
	case KindStep:
		return errors.Join(e.checkAttempt(), need(e.Step != nil, e.Kind, "step"))
	case KindCaseFinished:
		return errors.Join(e.checkAttempt(), e.checkVerdict())
	case KindReplanned:
		return errors.Join(e.checkAttempt(), need(e.Notice != nil, e.Kind, "notice"))
	case KindEvidence:
		return need(e.Target != "" && e.Evidence != nil, e.Kind, "target and evidence")
	case KindNotice:
		return need(e.Notice != nil, e.Kind, "notice")
	case KindRunFinished:
		return need(e.Finish != nil && e.Finish.Reason.valid(), e.Kind, "finish, with the reason done, interrupted or failed")
	}
	return fmt.Errorf("unknown kind %.40q", e.Kind)
}

func (e *Event) checkRun() error {
	if e.Run == nil || e.Run.ID == "" {
		return need(false, e.Kind, "run, with an id")
	}
	if e.Run.Format != Format {
		return fmt.Errorf("journal of format %d; this wskharness reads format %d", e.Run.Format, Format)
	}
	seen := make(map[string]bool)
	for _, t := range e.Run.Plan {
		if t.Name == "" || seen[t.Name] {
			return fmt.Errorf("plan: target name %.40q is empty or there twice", t.Name)
		}
		seen[t.Name] = true
		if err := t.Guest.check(); err != nil {
			return fmt.Errorf("plan of target %.40q: %w", t.Name, err)
		}
		cases := make(map[string]bool)
		for _, c := range t.Cases {
			if c.Name == "" || cases[c.Name] {
				return fmt.Errorf("plan of target %.40q: case name %.60q is empty or there twice", t.Name, c.Name)
			}
			cases[c.Name] = true
		}
	}
	return nil
}

func (e *Event) checkPhase() error {
	if e.Phase == nil || e.Phase.Name == "" {
		return need(false, e.Kind, "phase, with a name")
	}
	switch e.Phase.State {
	case PhaseStarted, PhaseDone, PhaseFailed:
		return nil
	}
	return fmt.Errorf("%s: unknown state %.40q", e.Kind, e.Phase.State)
}

func (e *Event) checkDriverRun() error {
	d := e.DriverRun
	if e.Target == "" || d == nil || d.N < 1 {
		return need(false, e.Kind, "target and driver run, with its number")
	}
	if d.State != DriverStarted && d.State != DriverEnded {
		return fmt.Errorf("%s: unknown state %.40q", e.Kind, d.State)
	}
	return nil
}

func (e *Event) checkAttempt() error {
	return need(e.Target != "" && e.Case != "" && e.Attempt >= 1, e.Kind, "target, case and attempt")
}

func (e *Event) checkVerdict() error {
	if e.Verdict == nil {
		return need(false, e.Kind, "verdict")
	}
	if !e.Verdict.Outcome.valid() {
		return fmt.Errorf("%s: unknown outcome %.40q", e.Kind, e.Verdict.Outcome)
	}
	if e.Verdict.Outcome == Skip && e.Verdict.Reason == "" {
		return need(false, e.Kind, "reason for a skip")
	}
	return e.Verdict.Guest.check()
}

func (r Reason) valid() bool { return r == Done || r == Interrupted || r == NotBuilt || r == Failed }

func need(ok bool, kind Kind, what string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s without its %s", kind, what)
}

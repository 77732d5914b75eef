package driverrun

import (
	"fmt"
	"slices"

	"wskharness/results"
	"wskharness/suites"
)

// diagnose judges what could not be judged while the guest was talking, by how the driver run ended:
//
//	ending      a case is under way       the driver is up, none is       it is being started
//	crashed     bugcheck                  deploy.stop bugcheck            deploy.start bugcheck
//	 … truncated lost, deploy.crash bugcheck (in all three)
//	rebooted    lost                      deploy.stop lost                deploy.start lost
//	unresponsive hang                       deploy.stop hang                deploy.start hang
//	killed      lost (error: full disk)   deploy.stop lost                deploy.start lost
//	gone        lost                      deploy.stop lost                deploy.start lost
//	untrusted   error                     deploy.stop error               deploy.start error
//	finished    lost (error: full disk)   deploy.stop error, unless the   (deploy.start says it)
//	                                      driver's end is clean
//	abandoned   runs again                runs again                      runs again
//	unheard     -                         -                               tried again
//
// and then, whatever the ending, what passed in it: see [State.prove].
func (s *State) diagnose() {
	if s.phase == Over {
		return
	}
	if s.hung != nil {
		s.judge(s.hung, s.hung.hang)
	}
	if s.ending == rebooted && (s.crash != nil || s.left("dump")) {
		s.sawCrash()
	}
	if s.open != nil {
		s.culprit = s.open
	}
	if s.ending != crashed && s.ending != abandoned {
		s.dispel()
	}
	switch {
	case s.ending == abandoned:
		s.abandon()
	case s.ending == crashed:
		s.judgeCrash()
	case s.open != nil && s.open.verdict == nil:
		s.judgeOpen()
	}
	if s.why != "" && s.ending != abandoned {
		s.taint(s.why)
	}
	if s.unwritten != "" {
		s.outcome.Why = s.unwritten
	}
	if s.plan.Resident && s.driver != notStarted {
		s.taint("the driver is never unloaded, and is still there")
	}
	s.prove()
	s.open, s.phase = nil, Over
}

// left reports whether the guest has left evidence of that kind.
func (s *State) left(kind string) bool {
	for _, e := range s.evidence {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// sawCrash makes a crash of a reboot that left a dump, or a stop code in the event log: that is as good as the machine's
// word, where nobody watched it.
func (s *State) sawCrash() {
	if s.crash == nil {
		s.crash = &Panicked{}
		s.crash.Event.Kind, s.crash.Event.Time = "panicked", s.now
	}
	s.ending, s.why = crashed, ""
}

// judgeCrash gives the crash to the case that was under way, with what the machine tells of it. It is given to a case only
// where the whole journal of that boot was read.
func (s *State) judgeCrash() {
	s.taint("the guest crashed")
	reason, a := s.describeCrash(), s.open
	if blamed := s.blamed(); blamed != nil {
		if a != nil && a != blamed {
			s.again(a, "had begun when the guest had crashed in "+blamed.name())
		}
		a, s.culprit = blamed, blamed
	}
	if a == nil {
		s.judgeIdleCrash(reason)
		return
	}
	if s.truncated {
		s.judgeHarness("deploy.crash", results.Verdict{Outcome: results.Bugcheck,
			Reason: reason + ": in " + a.name() + " or later, since the end of the guest's journal is missing"})
	}
	s.tell(a, s.evidence)
	where := a.underWay()
	if s.blamed() == a && s.doubt.step >= 0 {
		where = a.inStep(s.doubt.step)
	}
	v := results.Verdict{Outcome: results.Bugcheck, Elapsed: s.now.Sub(a.started), Reason: where + reason}
	if s.truncated {
		v.Outcome, v.Reason = results.Lost, "the guest crashed in this case or a later one: "+reason
	}
	s.judge(a, v)
}

// judgeIdleCrash judges a crash while no case was under way.
func (s *State) judgeIdleCrash(reason string) {
	name, when := s.where()
	if s.truncated {
		name, when = "deploy.crash", "in which case is not known, since the end of the guest's journal is missing"
	}
	reason = when + ": " + reason
	s.judgeHarness(name, results.Verdict{Outcome: results.Bugcheck, Reason: reason})
	s.tell(nil, s.evidence)
	if name == "deploy.start" {
		s.over("the guest crashed when the driver was started (deploy.start)")
	}
}

// judgeOpen judges a case that was under way when the guest stopped talking without a crash.
func (s *State) judgeOpen() {
	a := s.open
	s.tell(a, s.evidence)
	v := results.Verdict{Outcome: results.Lost, Elapsed: s.now.Sub(a.started), Reason: a.underWay()}
	switch {
	case s.ending == untrusted:
		v.Outcome, v.Reason = results.Error, s.why
	case s.ending == unresponsive:
		v = a.hang
	case s.cancelled && s.why == "" && s.limit != "":
		v.Outcome, v.Reason = results.NotRun, s.limit+" while it ran"
	case s.cancelled && s.why == "":
		v.Outcome, v.Reason = results.Cancelled, "the run was interrupted"
	case s.unwritten != "":
		v.Outcome = results.Error
		v.Reason += s.unwritten
	case s.why != "":
		v.Reason += s.why
	case s.ended != nil && s.ended.Why == "lease":
		v.Outcome = results.Error
		v.Reason += leaseLost
	case s.ended != nil && s.ended.Why == "plan":
		v.Outcome = results.Error
		v.Reason += "the guest had another plan after the reboot, so that the run was not resumed"
		s.taint("the run was not resumed after its reboot")
	case a.end != nil:
		v.Reason += fmt.Sprintf("the driver's device stopped answering (%s), and the machine did not say why", win32Text(a.end.Win32))
		s.taint("the driver's device stopped answering")
	default:
		v.Reason += "the guest's journal ended in the middle of the case"
		s.taint("the guest's journal ended in the middle of a case")
	}
	s.judge(a, v)
}

// abandon takes back what was begun and is not proven: nobody can be asked any more, and it begins anew.
func (s *State) abandon() {
	for _, a := range s.attempts {
		switch {
		case a.started.IsZero() || a.void:
		case a.verdict == nil:
			s.again(a, "was under way when the controller ended, and its guest is gone")
		case a.verdict.Outcome.Expected() && !s.proven():
			s.again(a, "passed, but the controller ended before its driver was unloaded, and its guest is gone")
		}
	}
}

// proven reports whether the driver ended as it should: it was unloaded (or is as it was left, where the configuration
// says that it is never unloaded), the guest said so, and its terminal record came after that, in the same boot. Only then
// does anything count as passed.
func (s *State) proven() bool {
	return s.driver == stoppedClean && s.ended != nil && s.ending == finished
}

// prove records how the driver ended. What was as expected without a clean end is not proven: a driver that can't be
// unloaded may have broken anything. Where a case is to blame for that, those that passed before it run again, once,
// without it; else they are errors, and so is the end itself.
func (s *State) prove() {
	if s.proven() {
		s.write(results.Event{Kind: results.KindDriverRun, DriverRun: &results.DriverRun{N: s.plan.N, State: results.DriverEnded, Clean: true}})
		return
	}
	why, again := s.unproven(), 0
	for _, a := range s.attempts {
		switch {
		case a.verdict == nil || a.void || !a.verdict.Outcome.Expected():
		case s.culprit != nil && !a.Again && s.ending != untrusted && !s.cancelled && s.outcome.Over == "":
			s.again(a, "passed, but "+why)
			if a.Case.Role == suites.RoleCase { // what a suite does once runs with whatever of it does
				again++
			}
		default:
			s.judge(a, a.verdict.Unproven(why))
		}
	}
	if again > 0 {
		s.warn("what had passed in it (%d of its %d cases) runs again: %s", again, len(s.attempts), why)
	}
	if s.culprit == nil && !s.judged && s.ending != abandoned && s.ending != unheard {
		s.judgeEnd()
	}
	s.write(results.Event{Kind: results.KindDriverRun, DriverRun: &results.DriverRun{N: s.plan.N, State: results.DriverEnded, Why: why}})
}

// unproven says why nothing of this driver run is proven.
func (s *State) unproven() string {
	switch {
	case s.driver == stoppedBad:
		return "the driver did not unload cleanly afterwards"
	case s.culprit != nil && s.culprit.verdict != nil:
		return fmt.Sprintf("its driver was not unloaded: %s (%s) ended that", s.culprit.name(), s.culprit.verdict.Outcome)
	case s.culprit != nil:
		return fmt.Sprintf("its driver was not unloaded: %s ended that", s.culprit.name())
	case s.ending == crashed:
		return "the guest crashed before it had said that the driver was unloaded"
	case s.why != "":
		return "the driver's unload is not proven: " + s.why
	case s.ended != nil && s.ended.Why == "lease":
		return "the driver's unload is not proven: " + leaseLost
	}
	return "the agent did not say that the driver was unloaded"
}

// judgeEnd gives a driver run a verdict of its own that ended without the clean end of its driver, and without a case that
// is to blame.
func (s *State) judgeEnd() {
	if s.driver == startFailure {
		return // said by deploy.start
	}
	name, when := s.where()
	v := results.Verdict{Outcome: results.Lost, Reason: s.why}
	switch {
	case s.ending == untrusted:
		v.Outcome = results.Error
	case s.ending == unresponsive:
		v.Outcome, v.Reason = results.Hang, "the guest did not answer "+when+", for longer than that may take"
	case s.ending == finished && s.unwritten != "":
		v.Outcome, v.Reason = results.Error, s.unwritten
	case s.ending == finished && s.ended.Why == "plan":
		return // what is wrong with it is the phase's error
	case s.ending == finished && s.ended.Why == "lease":
		v.Outcome, v.Reason = results.Error, leaseLost
	case s.ending == finished:
		v.Outcome, v.Reason = results.Error, fmt.Sprintf("the agent ended the run (%s) without saying that the driver was unloaded", s.ended.Why)
		s.taint("the driver was not unloaded")
	default:
		v.Reason = when + ": " + v.Reason
	}
	s.judgeHarness(name, v)
}

// where is the name of what a driver run was at that has come to its end without a case being under way, and when that was.
func (s *State) where() (name, when string) {
	name, when = "deploy.stop", "while the driver was being unloaded"
	switch {
	case s.driver == notStarted || s.driver == startFailure && s.doubt != nil:
		return "deploy.start", "while the driver was being started"
	case s.driver == startFailure:
		when = "when the driver had failed to start"
	case s.driver == stoppedClean && s.ended != nil:
		when += ", or just after that"
	case s.driver == stoppedClean:
		when += ", before the run's final record"
	case s.driver == running && !s.cancelled && slices.ContainsFunc(s.attempts, func(a *attempt) bool { return a.started.IsZero() }):
		when = "before the next case began"
	}
	return name, when
}

package driverrun

import (
	"fmt"
	"time"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/winerr"
)

// record takes in one record of the guest's journal.
func (s *State) record(r journal.Record) {
	if s.phase == Over || s.ending == untrusted {
		return
	}
	if a := s.blamed(); s.ending == crashed && a != nil && a.end != nil {
		s.wasRead(Read{}) // what comes behind is of a machine that had crashed already
		return
	}
	if err := s.grammar.Accept(r); err != nil {
		s.distrust(err.Error())
		return
	}
	s.at = journal.Position{Offset: r.Offset + int64(len(r.Raw)) + 1, Seq: r.Seq}
	switch r.Ev {
	case journal.EvRunStart:
		s.runStart(r)
	case journal.EvDriverStart:
		s.driverStart(r)
	case journal.EvCaseStart:
		a := s.attempts[r.N]
		s.open, a.begun, a.steps, a.kept, a.end, s.rebootBy = a, r.At, nil, 0, nil, time.Time{}
		s.begin(a)
	case journal.EvOutput:
		s.attempts[r.N].output(r)
	case journal.EvStep:
		a := s.attempts[r.N]
		result := a.step(r)
		s.rebootBy = time.Time{} // the one that this step was is over
		if !r.OK && a.Case.Steps[r.Step].ManagesDriver() {
			s.suspect(a, r.Step)
		}
		s.write(results.Event{Kind: results.KindStep, Case: a.name(), Attempt: a.Number, Step: a.event(r, result)})
	case journal.EvBoot:
		s.boot = r.Boot
	case journal.EvCaseEnd:
		s.caseEnd(s.attempts[r.N], r)
	case journal.EvDriverStop, journal.EvDriverLeft:
		s.driverEnd(r)
	case journal.EvRunEnd:
		s.runEnd(r)
	}
}

// distrust ends a driver run whose journal has a record that can't be there: nothing in it can be believed.
func (s *State) distrust(why string) {
	s.finish(untrusted, "the guest's journal can't be believed: "+why)
	s.phase, s.collect = Collecting, nil
	s.diagnose()
}

func (s *State) runStart(r journal.Record) {
	s.unanswered = false
	if r.Boot == s.boot {
		return
	}
	s.warn("the guest rebooted between the probe and the run (boot id %s, before %s)", r.Boot, s.boot)
	s.boot = r.Boot
}

// driverStart judges the start of the driver. A driver whose own DriverEntry fails, or does not come back, has a verdict;
// a machine that does not let it start is infrastructure.
func (s *State) driverStart(r journal.Record) {
	if r.OK {
		s.driver, s.startedAt = running, r.At
		return
	}
	s.driver = startFailure
	if r.Why == "start" && r.Entry == 0 && hostGone(r.Win32) {
		s.suspect(nil, -1)
	}
	s.over("the driver did not start (deploy.start)")
	v := results.Verdict{Outcome: results.Error}
	start := &results.Deviation{Step: -1, Text: "start " + s.plan.Service, Expected: winerr.StatusSuccess.Name()}
	switch {
	case r.Why == "hash":
		v.Reason = fmt.Sprintf("the driver in the guest has SHA-256 %s, not the deployed %s: nothing was started; "+
			"something changed it on the way or in the guest", orNone(r.SHA256), s.plan.SHA256)
	case r.Why == "hang":
		v.Outcome, v.Reason = results.Hang, "DriverEntry did not return in time: "+r.Win32.String()
		s.taint("the driver's DriverEntry hangs")
	case r.Entry != 0:
		v.Outcome, v.Reason, v.Deviation = results.Fail, "DriverEntry failed", start
		start.Actual = r.Entry.String()
		if loaderSays(r.Entry) {
			v.Reason = "what the driver imports could not be loaded, or DriverEntry failed"
		}
	case r.Why == "start" && !startRefused(r.Win32):
		// The service manager passes on DriverEntry's status as a Win32 error.
		v.Outcome, v.Reason, v.Deviation = results.Fail, "DriverEntry failed", start
		start.Expected, start.Actual = winerr.ErrorSuccess.Name(), win32Text(r.Win32)
		if r.Win32 == 0 {
			start.Actual = "a failure without an error code"
		}
	default:
		v.Reason = notStartedSince(r.Why, r.Win32)
	}
	v.Reason += askedAgain(r.Why, r.Entry, r.Again)
	if r.Again != nil && *r.Again == 0 {
		s.taint("the driver started when its DriverEntry was run a second time")
	}
	s.judgeHarness("deploy.start", v)
}

// caseEnd judges a case that ended, as far as it can be judged before the driver's end.
func (s *State) caseEnd(a *attempt, r journal.Record) {
	a.end, a.elapsed = &r, r.At-a.begun
	if r.Why == "io" {
		return // the device went away under the case: it stays open, since whether the machine crashed is its own to say
	}
	s.open = nil
	if r.Why == "hang" || r.Why == "timeout" {
		s.slow(a.name(), "%s exceeded a limit in the guest", a.name())
	}
	s.spent[a.Case.Suite] += s.now.Sub(a.started)
	switch {
	case r.Why == "cancelled" && s.limit != "":
		s.outOfTime(a)
		return
	case r.Why == "cancelled" && s.plan.Resumed && !s.cancelled:
		s.again(a, "was ended by a controller that did not get to say why")
		return
	}
	deviations := a.Case.Judge(a.steps)
	if unhealthy(deviations) {
		s.taint("the health check behind " + a.name() + " failed")
		s.sick = a
	}
	v := a.judge(s.plan.Version, deviations, s.setUpOf(a))
	if v.Outcome == results.Cancelled && s.outcome.Over != "" {
		v.Reason = s.outcome.Over // it was not the user
	}
	a.forgetOutputs()
	if r.Back != "" {
		s.taint("the driver could not be brought back after " + a.name())
		s.suspect(a, -1)
	}
	if r.Back != "" || !r.After.Zero() || s.plan.External && r.Driver != "running" {
		s.culprit = a
	}
	switch {
	case v.Outcome == results.Hang:
		s.taint("a step hung")
		s.hung, s.culprit, a.hang = a, a, v
	case s.blamed() == a:
		a.held = &v
	default:
		s.judge(a, v)
	}
	if v.Outcome.Bad() && s.plan.FailFast && s.outcome.Over == "" {
		s.over("stopped at the first failure (" + a.name() + "), as --fail-fast asks")
		s.cancel()
	}
	if s.blamed() == a && s.phase == Following {
		s.phase = Doubting // before the next case, which would be taken for the one that crashed
	}
}

// setUpOf is the set-up of the attempt's suite in this run of the driver; nil: it has none.
func (s *State) setUpOf(a *attempt) *attempt {
	setUp := a.Case.SetUp()
	if setUp == nil {
		return nil
	}
	for _, other := range s.attempts {
		if other.Case == setUp {
			return other
		}
	}
	return nil
}

// suspect notes that something may have been a crash. The first time counts: whatever comes behind it may come of that. Of a
// step no status rules it out: a start is tried again where the service manager has lost the driver's host, and it is the second
// one's that is told, which may be anything that a driver comes to over what the first has left behind.
func (s *State) suspect(a *attempt, step int) {
	if s.doubt == nil {
		s.doubt = &doubt{a, step}
	}
}

// blamed is the attempt that a crash is given to, whichever the machine tells of; nil: that under way.
func (s *State) blamed() *attempt {
	if s.doubt == nil {
		return nil
	}
	return s.doubt.of
}

// dispel ends a doubt: it was no crash, and what was held back for it counts.
func (s *State) dispel() {
	if a := s.blamed(); a != nil && a.held != nil {
		s.judge(a, *a.held)
	}
	s.doubt = nil
}

// outOfTime judges a case that the agent ended because a limit was up. One of another suite than that whose limit
// it was had only just begun: it runs again.
func (s *State) outOfTime(a *attempt) {
	if s.suiteUp != "" && s.suiteUp != a.Case.Suite {
		s.again(a, "had begun when "+s.limit)
		return
	}
	s.judge(a, results.Verdict{Outcome: results.NotRun, Elapsed: a.elapsed,
		Reason: fmt.Sprintf("%s after %d of %d steps", s.limit, len(a.steps), len(a.Case.Steps))})
}

// driverEnd takes the proof that the driver went, or is as it was left.
func (s *State) driverEnd(r journal.Record) {
	if r.OK {
		s.driver = stoppedClean
		return
	}
	s.driver = stoppedBad
	if r.Why == "stop" && hostGone(r.Win32) {
		s.suspect(nil, -1)
	}
	if r.Why == "timeout" {
		s.slow("deploy.stop", "the driver did not unload in time")
	}
	outcome, reason := stopFailed(r.Why, r.Win32, s.startedAt)
	s.judgeHarness("deploy.stop", results.Verdict{Outcome: outcome, Elapsed: r.StopTook, Reason: reason})
	s.taint(reason)
}

// runEnd takes the terminal record.
func (s *State) runEnd(r journal.Record) {
	s.ended = &r
	if r.Win32 != 0 {
		s.unwritten = "the agent could not write its journal: " + win32Text(r.Win32)
	}
	s.setUpsKept(r.Kept)
	switch {
	case r.Why == "tainted":
		s.taint("a case left something behind that the driver could not tidy up")
		if s.culprit == nil && s.driver != stoppedBad {
			s.culprit = s.sick // the agent goes no further then, and leaves the driver as it is
		}
	case r.Why == "plan":
		s.over("the agent refused the plan")
	case r.Why == "lease":
		s.over(leaseLost)
	case r.Why == "cancelled" && (s.cancelled || !s.plan.Resumed) && s.suiteUp == "":
		why := s.limit
		if why == "" {
			why = "the run was interrupted"
		}
		s.over(why)
	}
	switch {
	case s.phase == Reading && s.ending != ongoing:
		return // what ended it is known already
	case s.doubt != nil || s.open != nil && s.open.end != nil:
		// The driver or its device went away and the agent lived to tell: the machine's word may still come.
		s.finish(finished, "")
		s.phase = Awaiting
	default:
		s.finish(finished, "")
		s.gather()
	}
}

// setUpsKept blames the set-ups of the suites for what they have changed in the guest, and could not be undone when all was over.
func (s *State) setUpsKept(n uint64) {
	if n == 0 {
		return
	}
	why := "what the set-up of a suite has changed in the guest could not be undone"
	s.warn("%s: %d files, folders and registry values", why, n)
	s.taint(why)
	for _, a := range s.attempts {
		if a.Case.Role == suites.RoleSetUp && a.verdict != nil {
			v := *a.verdict
			v.Outcome, v.Known, v.Reason = results.Fail, nil, notUndone("a set-up", n)
			s.judge(a, v)
		}
	}
}

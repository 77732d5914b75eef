package driverrun

import (
	"fmt"

	"wskharness/guest/journal"
	"wskharness/results"
)

// What decides what became of a guest whose journal broke off is the machine's own word of a crash, and then the boot id:
// never that the guest can be reached again.

// question is what a guest is asked that is being reconnected to.
type question string

const (
	isThere    question = ""            // in which boot it is
	resume     question = "resume"      // for the journal, from behind its last record
	startAgain question = "start again" // to start the run, which nobody has answered
)

// contactLost begins to find out why the journal broke off.
func (s *State) contactLost(in Broke) {
	if s.phase == Over {
		return
	}
	s.broke, s.asking = in, isThere
	if !s.unanswered && !s.plan.Resumed && s.at == (journal.Position{}) && s.mayResume() {
		s.unanswered, s.askedAt = true, s.now // whoever was to start the run may have ended with the contact
	}
	s.countCut()
	declared := in.Cause != Ended && s.reboots()
	switch {
	case in.Cause == Absent && s.at == (journal.Position{}) && s.plan.Resumed:
		s.outcome.Unheard = true
		s.finish(unheard, "the controller ended when it was about to start the run, and there is no journal")
		s.gather()
	case s.unanswered && in.Cause == Absent && s.now.Sub(s.askedAt) > s.plan.UnheardAfter:
		s.outcome.Unheard = true
		s.finish(unheard, "the answer to the start of the run was lost, and there is no journal: whether it was started is not known")
		s.gather()
	case in.Cause != Ended && !declared && !s.mayResume():
		s.finish(gone, in.Text)
		s.gather()
	case s.cancelled:
		s.phase = Awaiting // whoever interrupted the run does not want to wait for the guest to come back
	case declared && !s.inTimeToReboot():
		s.away(Away{in.Text})
	default:
		s.phase = Reconnecting
	}
}

// reconnect is what is asked of the guest next.
func (s *State) reconnect() Action {
	switch s.asking {
	case resume:
		return Follow{From: s.at}
	case startAgain:
		return StartAgain{}
	}
	if s.broke.Cause == Ended || !s.reboots() {
		return Reconnect{}
	}
	r := Reconnect{Declared: true, Within: s.rebootBy.Sub(s.now)}
	if s.grammar.Phase() == journal.PhaseReboot {
		r.Not = s.boot
	}
	return r
}

// back decides what to do with a guest that is there.
func (s *State) back(in Back) {
	if s.phase == Confirming {
		s.confirmed(in.Boot, "")
		return
	}
	if s.phase != Reconnecting {
		return
	}
	s.answered = in.Boot
	switch {
	case s.broke.Cause != Ended && s.reboots():
		s.asking = resume // whether it has rebooted, the journal says
	case s.broke.Cause == Ended || in.Boot != s.boot:
		s.phase = Awaiting
	case s.notThereYet():
		s.asking = resume
		if s.tries++; s.tries%2 == 1 { // the agent starts it once, whichever request comes first
			s.asking = startAgain
		}
	default:
		s.asking = resume
		s.warn("contact with the guest was lost, and restored: %s", s.broke.Text)
	}
}

// away gives a guest up that is not there.
func (s *State) away(in Away) {
	if s.phase == Confirming {
		s.confirmed("", in.Text)
		return
	}
	if s.reboots() && s.broke.Cause != Ended {
		in.Text = "the guest did not come back from the reboot that the step asked for: " + in.Text
	}
	s.broke.Text, s.answered = in.Text, ""
	s.phase = Awaiting
}

// calm decides how it ended, of a machine that told of no crash.
func (s *State) calm(in Calm) {
	if s.phase == Confirming {
		s.confirmed("", "")
		return
	}
	if s.phase != Awaiting && s.phase != Doubting {
		return
	}
	s.slow("deploy.crash", "the machine told of no crash within %s", in.Within)
	s.dispel()
	switch {
	case s.phase == Doubting:
		s.phase = Following
	case s.ending == finished:
		s.gather()
	case s.answered != "" && s.answered != s.boot:
		s.finish(rebooted, fmt.Sprintf("the guest rebooted unexpectedly (boot id %s, before %s), without a sign of a crash", s.answered, s.boot))
		s.phase = Reading
	case s.answered != "" && s.broke.Cause == Ended:
		s.finish(killed, "the agent's run in the guest was ended from outside, in the same boot: "+s.broke.Text)
		s.gather()
	default:
		s.finish(gone, s.broke.Text)
		s.gather()
	}
}

// reboots reports whether the guest reboots as the plan has it, or may be about to.
func (s *State) reboots() bool {
	if s.grammar.Phase() == journal.PhaseReboot {
		return true
	}
	a := s.open
	if a == nil || a.end != nil {
		return false
	}
	n := a.next()
	return n < len(a.Case.Steps) && a.Case.Steps[n].Reboots()
}

// inTimeToReboot reports whether a reboot may still be under way. Its time begins when the contact is first lost.
func (s *State) inTimeToReboot() bool {
	if s.rebootBy.IsZero() {
		s.rebootBy = s.now.Add(s.open.Case.Longest() + s.plan.UnheardAfter)
	}
	return s.now.Before(s.rebootBy)
}

// mayResume reports whether the run may well go on in the guest, after its journal broke off.
func (s *State) mayResume() bool {
	switch s.broke.Cause {
	case Lost:
		return true
	case Absent:
		return s.notThereYet()
	case Cut: // whoever printed the journal ended in the middle of it: the next one may tell why
		return s.cuts <= maxCuts
	}
	return false
}

// countCut counts how often whoever printed the journal has ended in the middle of it at one place.
func (s *State) countCut() {
	if s.broke.Cause != Cut {
		return
	}
	if s.cutAt != s.at {
		s.cutAt, s.cuts = s.at, 0
	}
	s.cuts++
}

// notThereYet reports a journal that there is not yet, of a run whose start was not answered.
func (s *State) notThereYet() bool {
	return s.broke.Cause == Absent && s.unanswered && s.at == journal.Position{}
}

// timedOut ends a driver run whose guest has said nothing for longer than anything may take.
func (s *State) timedOut(in TimedOut) {
	if s.phase != Following {
		return
	}
	why := "the guest did not answer for longer than anything in the plan may take"
	switch {
	case s.limit != "":
		why = fmt.Sprintf("%s, and the agent did not end the run within %s", s.limit, in.ResponseTimeout)
	case s.cancelled:
		s.finish(gone, fmt.Sprintf("the agent did not end the run within %s of the interrupt", in.ResponseTimeout))
		s.gather()
		return
	}
	s.finish(unresponsive, why)
	if s.open == nil {
		s.slow("", "%s", why)
		s.gather()
		return
	}
	s.slow(s.open.name(), "%s", why)
	if s.limit == "" {
		longest := s.open.Case.Longest()
		why = fmt.Sprintf("the guest did not answer within the %s that the case may take and %s more", longest, in.ResponseTimeout-longest)
	}
	s.open.hang = results.Verdict{Outcome: results.Hang, Elapsed: s.now.Sub(s.open.started), Reason: s.open.underWay() + why}
	s.gather()
}

package driverrun

import "time"

// ending is how a driver run came to its end.
type ending string

const (
	ongoing      ending = ""
	finished     ending = "finished"     // run-end arrived
	crashed      ending = "crashed"      // the machine says so, or what it left
	rebooted     ending = "rebooted"     // another boot, which nobody has ordered
	unresponsive ending = "unresponsive" // the guest says nothing, for longer than anything may take
	killed       ending = "killed"       // the run's process is gone, in the same boot
	gone         ending = "gone"         // contact is lost for good
	unheard      ending = "unheard"      // not a word came of it, though it may have been started
	untrusted    ending = "untrusted"    // a record that can't be there
	abandoned    ending = "abandoned"    // the guest is gone with an earlier controller
)

// Outcome is what whoever runs the next cases has to know of a driver run.
type Outcome struct {
	Tainted string // why nothing may run on the target before it was reverted; empty: it may
	Over    string // why no other driver run can do better; empty: one may
	Unheard bool   // not a word came of it, though it may have been started
	Why     string // for the cases that are left
	Spent   map[string]time.Duration
}

// finish notes how the driver run ended. The first word stands, but for a crash, which explains everything else.
func (s *State) finish(e ending, why string) {
	if s.ending == ongoing || e == crashed {
		s.ending = e
	}
	if s.why == "" {
		s.why = why
	}
}

// interrupted asks the agent to stop after the step that is under way.
func (s *State) interrupted(in Interrupted) {
	if s.cancelled || s.phase == Over {
		return
	}
	s.limit = in.Limit
	s.cancel()
}

func (s *State) cancel() { s.cancelled, s.out.Cancel = true, true }

// suiteSpent gives up what is left of the suite under way.
func (s *State) suiteSpent(in SuiteUp) {
	if s.open == nil || s.cancelled {
		return
	}
	s.spent[s.open.Case.Suite] = s.plan.SuiteLimit
	s.limit, s.suiteUp = in.Limit, s.open.Case.Suite
	s.cancel()
}

// panicked takes the machine's word of a crash.
func (s *State) panicked(in Panicked) {
	if s.phase == Over || s.ending == crashed {
		return
	}
	if s.ending == finished && s.phase != Awaiting && s.phase != Confirming {
		return // it is of what came after this driver run
	}
	s.crash = &in
	s.finish(crashed, "")
	s.collect = []Evidence{CrashFault, CrashDumps}
	s.phase = Reading
	if s.ended != nil {
		s.phase = Collecting
	}
}

// describeCrash is the machine's word, with the place in the sources.
func (s *State) describeCrash() string {
	reason := s.crash.Event.Describe()
	if s.crash.Where != "" {
		reason += " in " + s.crash.Where
	}
	return reason
}

// Outcome is what it came to; of use when the phase is Over.
func (s *State) Outcome() Outcome {
	o := s.outcome
	o.Spent = s.spent
	return o
}

func (s *State) taint(why string) {
	if s.outcome.Tainted == "" {
		s.outcome.Tainted = why
	}
	if s.outcome.Why == "" {
		s.outcome.Why = why
	}
}

// over says why no other driver run can do better.
func (s *State) over(why string) {
	if s.outcome.Over == "" {
		s.outcome.Over = why
	}
}

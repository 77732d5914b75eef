package driverrun

import "fmt"

// gather begins to collect what explains the ending, or concludes where nothing does.
func (s *State) gather() {
	s.collect = nil
	reachable := s.ending == finished || s.ending == unresponsive
	if reachable && (s.hung != nil || s.ending == unresponsive && s.open != nil) {
		s.collect = append(s.collect, HangReport)
	}
	if s.unwritten != "" || s.ending == killed {
		s.collect = append(s.collect, FullDisk)
	}
	s.phase = Collecting
	switch {
	case len(s.collect) > 0:
	case s.proven():
		s.phase = Confirming
	default:
		s.diagnose()
	}
}

// confirmed goes on when the machine was looked at once more behind the driver's end: one that is in another boot has
// crashed behind it, or because of it.
func (s *State) confirmed(boot, missing string) {
	switch {
	case missing != "":
		s.ending, s.why = gone, "the guest could not be asked any more whether it had survived the unload: "+missing
	case boot != "" && boot != s.boot:
		s.ending = rebooted
		s.why = fmt.Sprintf("the guest rebooted unexpectedly after the unload (boot id %s, before %s), without a sign of a crash", boot, s.boot)
		s.phase, s.collect = Collecting, []Evidence{CrashDumps, EventLog}
		return
	}
	s.diagnose()
}

// wasRead goes on when the journal of a boot that is over was read.
func (s *State) wasRead(in Read) {
	if s.phase != Reading {
		return
	}
	if in.Truncated != "" && s.ended == nil && s.blamed() == nil {
		s.truncated = true
		s.warn("the end of the guest's journal could not be fetched: %s", in.Truncated)
	}
	if s.ending == rebooted && s.answered == s.boot {
		s.ordered(in)
		return
	}
	s.collect = []Evidence{CrashFault, CrashDumps}
	if s.ending == rebooted {
		s.collect = []Evidence{CrashDumps, EventLog}
	}
	s.phase = Collecting
}

// ordered goes on when the rest of the journal has told that the boot in which the guest was found again is one that a step
// had ordered, after the contact was lost.
func (s *State) ordered(in Read) {
	s.ending, s.why = ongoing, ""
	switch {
	case s.ended != nil:
		s.finish(finished, "")
	case in.Truncated != "":
		s.finish(gone, in.Truncated)
	default:
		s.finish(killed, "the agent's run in the guest was ended from outside, in the boot that a step had ordered")
	}
	s.gather()
}

// told takes what a collector has gathered.
func (s *State) told(in Told) {
	if s.phase != Collecting || len(s.collect) == 0 {
		return
	}
	what := s.collect[0]
	s.collect = s.collect[1:]
	switch what {
	case HangReport:
		s.tell(s.guilty(), in.Evidence)
	case FullDisk:
		s.diskIsFull(in.Says)
	default:
		s.evidence = append(s.evidence, in.Evidence...)
		if in.Crash != nil && s.crash == nil {
			s.crash = &Panicked{Event: *in.Crash}
		}
		if in.Says != "" {
			s.why += "; " + in.Says
		}
	}
	if len(s.collect) == 0 {
		s.diagnose()
	}
}

// diskIsFull notes why the agent could not write its journal to the end.
func (s *State) diskIsFull(says string) {
	if says == "" {
		return
	}
	if s.unwritten == "" {
		s.unwritten = "the agent's run in the guest ended without its final record"
	}
	s.unwritten += "; " + says
	if s.why != "" {
		s.why += "; " + says
	}
}

package driverrun

import (
	"maps"
	"time"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

// Phase is where a driver run has got to, seen from the controller: package doc has the picture.
type Phase string

const (
	Following    Phase = "following"
	Doubting     Phase = "doubting"
	Reconnecting Phase = "reconnecting"
	Awaiting     Phase = "awaiting"
	Reading      Phase = "reading"
	Collecting   Phase = "collecting"
	Confirming   Phase = "confirming"
	Over         Phase = "over"
)

// maxCuts is how often whoever prints the journal may end in the middle of it at one place.
const maxCuts = 3

// State is a driver run as far as it is known. Use it from one goroutine.
type State struct {
	plan     Plan
	grammar  *journal.Grammar
	attempts []*attempt
	phase    Phase
	ending   ending
	now      time.Time
	out      *Effects // of the input that is being applied

	// What the journal says.
	at        journal.Position
	boot      string
	open      *attempt // begun, not ended
	hung      *attempt // hangs, as the agent found out: it is judged when all is gathered that can still be learnt
	driver    driverPhase
	startedAt time.Duration   // since the run's first record; 0 before that
	ended     *journal.Record // run-end
	truncated bool            // its end is missing

	// What is known of the contact.
	unanswered bool      // nobody has answered the order to start …
	askedAt    time.Time // … that was given, or missed, then
	broke      Broke
	asking     question  // of the guest that is being reconnected to
	answered   string    // the boot that it was found in; empty: it was not
	rebootBy   time.Time // when a reboot that the plan has should be over; zero: none is under way
	cutAt      journal.Position
	cuts       int // how often whoever printed the journal has ended in the middle of it, there
	tries      int // how often a run that has no journal was started again, or looked for

	// What ends it.
	crash     *Panicked
	why       string // of the ending
	unwritten string // why the agent could not write its journal to the end
	cancelled bool
	limit     string // that is up; empty: the user wanted it
	suiteUp   string // the suite whose limit it was
	spent     map[string]time.Duration

	doubt   *doubt   // that something may have been a crash: the machine's word may still come; nil: there is none
	culprit *attempt // the case that ended it, or left the driver in a state that it can't be unloaded in
	sick    *attempt // the last case that has lost something, by the health check behind it; nil: none has
	judged  bool     // something of the harness's own was: deploy.start, deploy.stop, deploy.crash

	collect  []Evidence // that is still to be gathered
	evidence []results.Evidence

	outcome Outcome
}

// doubt is about a driver that did not start, or stop, as it should: it may have taken what hosts it along, as Wine has a process
// for each driver. That is a crash, which the machine may tell of later than the agent goes on.
type doubt struct {
	of   *attempt // whose step it was, or whose driver could not be brought back; nil: the driver run's own start or stop
	step int      // of it; -1: none
}

// driverPhase is what is proven of the driver.
type driverPhase string

const (
	notStarted   driverPhase = ""
	startFailure driverPhase = "failed to start"
	running      driverPhase = "running"
	stoppedClean driverPhase = "ended clean"
	stoppedBad   driverPhase = "ended badly"
)

// New is a driver run that is about to be started.
func New(p Plan) *State {
	s := &State{plan: p, grammar: journal.NewGrammar(p.shape()), phase: Following, boot: p.Boot, spent: maps.Clone(p.Spent)}
	if s.spent == nil {
		s.spent = map[string]time.Duration{}
	}
	for _, a := range p.Attempts {
		s.attempts = append(s.attempts, &attempt{Attempt: a, external: p.External, pages: p.Pages})
	}
	return s
}

// Apply takes in what happened at a time, and returns what follows.
func (s *State) Apply(now time.Time, in Input) Effects {
	s.now, s.out = now, &Effects{}
	s.apply(in)
	s.out.Next = s.next()
	return *s.out
}

func (s *State) apply(in Input) {
	switch in := in.(type) {
	case Recorded:
		s.record(in.Record)
	case Broke:
		s.contactLost(in)
	case Panicked:
		s.panicked(in)
	case Interrupted:
		s.interrupted(in)
	case SuiteUp:
		s.suiteSpent(in)
	case TimedOut:
		s.timedOut(in)
	case Opened:
		s.phase = Following
	case Back:
		s.back(in)
	case Away:
		s.away(in)
	case Calm:
		s.calm(in)
	case Read:
		s.wasRead(in)
	case Told:
		s.told(in)
	case Abandoned:
		if s.phase != Over {
			s.finish(abandoned, "")
			s.collect = nil
			s.diagnose()
		}
	}
}

// Phase is where it has got to.
func (s *State) Phase() Phase { return s.phase }

// Position is in the guest's journal, behind the last record that was taken in.
func (s *State) Position() journal.Position { return s.at }

// Boot is the boot id of the guest that runs it.
func (s *State) Boot() string { return s.boot }

// Cancelled reports whether the agent is to stop the run.
func (s *State) Cancelled() bool { return s.cancelled }

// UnderWay is the attempt that is under way; empty where none is.
func (s *State) UnderWay() (test string, number int) {
	if s.open == nil {
		return "", 0
	}
	return s.open.name(), s.open.Number
}

// Crash is the machine's word that it crashed, for the collectors.
func (s *State) Crash() vm.Event {
	if s.crash == nil {
		return vm.Event{}
	}
	return s.crash.Event
}

// Case is a case of the plan, as the guest names it.
func (s *State) Case(n int) (*suites.Case, bool) {
	if n < 0 || n >= len(s.attempts) {
		return nil, false
	}
	return s.attempts[n].Case, true
}

// next is the action of the phase; nil when everything is judged.
func (s *State) next() Action {
	switch s.phase {
	case Following:
		return s.listen()
	case Reconnecting:
		return s.reconnect()
	case Awaiting, Doubting:
		return AwaitCrash{}
	case Reading:
		rest := ReadRest{From: s.at}
		if s.ending == crashed {
			rest.Not = s.boot
		}
		return rest
	case Collecting:
		return Collect{What: s.collect[0], Hang: s.hangs()}
	case Confirming:
		return Confirm{}
	}
	return nil
}

// listen says how long the guest may say nothing.
func (s *State) listen() Action {
	l := Listen{Kind: ForService, Suite: s.suiteLeft()}
	if s.open != nil {
		l.Case, l.Least, l.Kind = s.open.name(), s.open.Case.Longest(), ForCase
	}
	if s.cancelled {
		l.Kind = ForCancel
		if l.Least = 0; s.open != nil {
			l.Least = s.open.Case.TearDown
		}
	}
	return l
}

// suiteLeft is what the suite of the case that is under way has left of its time on this target; 0 where nothing limits it.
func (s *State) suiteLeft() time.Duration {
	if s.open == nil || s.plan.SuiteLimit <= 0 || s.cancelled {
		return 0
	}
	return max(1, s.plan.SuiteLimit-s.spent[s.open.Case.Suite]-s.now.Sub(s.open.started))
}

func (s *State) hangs() Hang {
	h := Hang{Seq: s.at.Seq}
	if t := s.guilty(); t != nil {
		h.Case, h.Attempt, h.Steps, h.Total = t.name(), t.Number, len(t.steps), len(t.Case.Steps)
	}
	return h
}

// guilty is the attempt that was under way when the driver run came to its end, or that hangs.
func (s *State) guilty() *attempt {
	if s.hung != nil {
		return s.hung
	}
	return s.open
}

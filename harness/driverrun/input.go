package driverrun

import (
	"time"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/vm"
)

// Input is something that happened: a [Recorded], [Broke], [Panicked], [Interrupted], [TimedOut], [SuiteUp], or the answer to
// an [Action]: [Opened], [Back], [Away], [Calm], [Read], [Told], [Abandoned].
type Input interface{ input() }

type (
	// Recorded is the next record of the guest's journal.
	Recorded struct{ Record journal.Record }
	// Broke says that the journal broke off, or could not be opened.
	Broke struct {
		Cause Cause
		Text  string
	}
	// Panicked is the machine's own word that it crashed.
	Panicked struct {
		Event vm.Event
		Where string // in the sources of the driver; empty where that is not known
	}
	// Interrupted ends the run from outside: a limit that was up, or, without one, the user.
	Interrupted struct{ Limit string }
	// TimedOut says that the guest has said nothing for as long as it was listened to.
	TimedOut struct{ ResponseTimeout time.Duration }
	// SuiteUp says that the time of the suite that is under way is used up.
	SuiteUp struct{ Limit string }

	// Opened answers Follow and StartAgain: the journal comes.
	Opened struct{}
	// Back answers Reconnect: the guest is there, in this boot.
	Back struct{ Boot string }
	// Away answers Reconnect: the guest is not there.
	Away struct{ Text string }
	// Calm answers AwaitCrash: the machine told of none.
	Calm struct{ Within time.Duration }
	// Read answers ReadRest: the journal was read to its end, but for what Truncated says.
	Read struct{ Truncated string }
	// Told answers Collect.
	Told struct {
		Evidence []results.Evidence
		Crash    *vm.Event // what the evidence says of a crash that nobody watched
		Says     string    // what is to be said of the ending besides
	}
	// Abandoned says that the guest is gone with the controller that had it: nobody can be asked any more.
	Abandoned struct{}
)

func (Recorded) input()    {}
func (Broke) input()       {}
func (Panicked) input()    {}
func (Interrupted) input() {}
func (TimedOut) input()    {}
func (SuiteUp) input()     {}
func (Opened) input()      {}
func (Back) input()        {}
func (Away) input()        {}
func (Calm) input()        {}
func (Read) input()        {}
func (Told) input()        {}
func (Abandoned) input()   {}

// Cause is why a journal broke off.
type Cause string

const (
	Lost   Cause = "lost"   // contact: the run may well go on
	Ended  Cause = "ended"  // the run's process is gone, and has not said why
	Cut    Cause = "cut"    // whoever printed it ended in the middle, or it makes no sense
	Absent Cause = "absent" // there is none
	Failed Cause = "failed" // the guest refused, or the controller could not go on: asking again is no use
)

// Effects are what follows from an input, in their order: first what is to be written down, then an order, then the next
// action.
type Effects struct {
	Write  []results.Event // without their run's time and number
	Cancel bool            // ask the agent to stop after the step that is under way
	Slow   []Slow          // times that were up, which may mean no more than that the machine is slow
	Next   Action
}

// Slow is a time that was up: of a case, one of the harness's own, or, without a name, all.
type Slow struct{ Case, Text string }

// Action is the one thing that a driver run waits for; nil when everything is judged.
type Action interface{ action() }

type (
	// Listen is answered by what happens first: a record, the journal's end, the machine's word, an interrupt, or the response timeout.
	Listen struct {
		Case  string        // under way; empty: none
		Least time.Duration // what is under way may take so long by the plan, without a word
		Kind  Waiting       // and this is what the rest of the response timeout is for
		Suite time.Duration // what its suite has left; 0: no limit
	}
	// Follow opens the journal once more, behind its last record.
	Follow struct{ From journal.Position }
	// StartAgain gives the order to start once more: it was not answered, and there is no journal.
	StartAgain struct{}
	// Reconnect opens the guest, in another boot than Not where that is given.
	Reconnect struct {
		Not      string
		Declared bool          // a reboot that the plan has: it may take Within
		Within   time.Duration // as long as the step may take
	}
	// AwaitCrash waits for the machine to tell that it crashed.
	AwaitCrash struct{}
	// ReadRest reads the journal of a boot that is over, from behind its last record. The guest may have to boot for that.
	ReadRest struct {
		From journal.Position
		Not  string // the boot that is over
	}
	// Collect gathers evidence.
	Collect struct {
		What Evidence
		Hang Hang // with HangReport
	}
	// Confirm looks at the machine once more, when all has ended well: it has not crashed, and is in the same boot. It is
	// answered by Calm, Back, Away, or the machine's word.
	Confirm struct{}
)

func (Listen) action()     {}
func (Follow) action()     {}
func (StartAgain) action() {}
func (Reconnect) action()  {}
func (AwaitCrash) action() {}
func (ReadRest) action()   {}
func (Collect) action()    {}
func (Confirm) action()    {}

// Waiting is what a guest that is listened to has time for beyond its plan.
type Waiting string

const (
	ForCase    Waiting = "case"    // to tell of a step
	ForService Waiting = "service" // to start the driver, or to stop it
	ForCancel  Waiting = "cancel"  // to end the run, as it was asked to
)

// Evidence is what a collector gathers.
type Evidence string

const (
	HangReport Evidence = "hang"      // what the agent beside the run, and the driver, still tell; a forced dump
	CrashFault Evidence = "fault"     // what the machine tells of its crash, its console included
	CrashDumps Evidence = "dumps"     // what is new among the guest's dumps
	EventLog   Evidence = "event-log" // what is new in the guest's event log
	FullDisk   Evidence = "full-disk" // whether the guest's disk is full
)

// Hang is where a guest hangs.
type Hang struct {
	Seq          uint64 // of the last record of the journal
	Case         string // that hangs
	Attempt      int
	Steps, Total int // of the case: those that are back
}

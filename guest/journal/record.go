// Package journal is the journal that a run writes in the guest: its records, how they are read, and the order that they have to
// be in. docs/protocol.md, "The journal of a run", has the format. It reads what it is given, and asks no guest: guest.Stream
// brings it here.
package journal

import (
	"time"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

// Event is the kind of a record in a run's journal.
type Event string

// The events, in the order in which a run has them (docs/protocol.md, "The journal of a run").
const (
	EvRunStart    Event = "run-start"
	EvDriverStart Event = "driver-start"
	EvCaseStart   Event = "case-start"
	EvOutput      Event = "output"
	EvStep        Event = "step"
	EvReboot      Event = "reboot"
	EvBoot        Event = "boot"
	EvCaseEnd     Event = "case-end"
	EvDriverStop  Event = "driver-stop"
	EvDriverLeft  Event = "driver-left" // in the place of driver-stop: a driver that is never unloaded
	EvRunEnd      Event = "run-end"
)

// Residue is what a case has left behind (WSKT_RESIDUE).
type Residue struct {
	Registrations, Captures, Threads, PoolBlocks, Sockets, Irps uint32
}

// Zero reports whether nothing was left.
func (r Residue) Zero() bool { return r == Residue{} }

// Failure says in which run of a repeated or parallel unit a step deviated.
type Failure struct {
	Thread, Iteration uint64
}

// StepRange is some steps of a case that follow one another.
type StepRange struct {
	First int // index in the case
	Count int // at least 1
}

// Record is one record of a run's journal. Which fields an event has is in docs/protocol.md; the
// others are zero.
type Record struct {
	Ev  Event
	Seq uint64        // from 1, without gaps
	At  time.Duration // since run-start, by the guest's monotonic clock

	// run-start
	ABI      int
	Run      string
	Boot     string           // boot id; in boot: of the boot that goes on with the run
	Agent    string           // SHA-256 of the agent's image
	Started  time.Time        // by the guest's clock, which may be wrong
	Cases    int              // in the plan; in run-end, those that were run
	OK       bool             // driver-start: it worked; driver-stop, driver-left: that is proven; step: as the plan expects
	Why      string           // driver-start, driver-stop, driver-left, case-end, run-end: a fixed word
	Win32    winerr.Win32     // driver-start, driver-stop, driver-left, case-end with "io" or Back: Win32 error; run-end: why records are missing before it
	Entry    winerr.NTStatus  // driver-start, case-end with Back: NTSTATUS that DriverEntry returned, 0 where unknown
	Again    *winerr.NTStatus // with Entry: to learn it DriverEntry was run a second time, which came to this NTSTATUS; nil: it was not
	SHA256   string           // driver-start, driver-stop, driver-left: of the driver's file as it was read in the guest, then
	Base     uint64           // driver-start: where the image was loaded
	Size     uint64           // driver-start: of the loaded image
	StopTook time.Duration

	// case-start, step, reboot, case-end
	N    int // index of the case in the plan
	Step int // index of the step in the case

	// step
	Status winerr.NTStatus
	Origin uint32 // WSKT_ORIGIN_*: who says so
	Runs   uint64
	Took   time.Duration    // the run that Status is of
	Most   time.Duration    // the longest run
	P      [3]time.Duration // half, 95% and 99% of the runs took no longer; zero for a step that ran once
	V      [abi.MaxValues]uint64
	It     *Failure // nil unless a unit of several threads or repetitions failed part-way

	// case-end
	Ran         int        // steps that were run
	Left, After Residue    // before and after the driver tidied up
	Kept        uint64     // case-end: changes of the case outside of its own folder that could not be undone; run-end: likewise, of the suites' set-ups
	Driver      string     // of a driver that can't be asked what is left: what its service is doing, such as running; so in driver-left
	Back        string     // not empty: the driver, which the case had unloaded, did not start again; a word of driver-start
	Under       *StepRange // with "io", "hang" and "timeout": the steps that were under way and are not back; nil where none was

	// output: a piece of what the step, whose record follows, wrote
	Of    string // stdout, stderr or report
	Total uint64 // bytes of all of it
	Last  bool   // it is of the end of one of which not all is kept
	Data  []byte

	Raw    []byte // the line, without its line break; the caller's
	Offset int64  // of the line in the journal
}

package results

import "time"

// Step is one step of an attempt, as it came back from the guest.
type Step struct {
	Index    int           `json:"index"` // from 0, within the case
	Text     string        `json:"text"`  // as written in the suite
	Status   string        `json:"status"`
	Code     uint32        `json:"code"`               // the NTSTATUS that Status names
	Origin   string        `json:"origin,omitempty"`   // who says so: call, refused, timeout, async, skipped
	Expected string        `json:"expected,omitempty"` // where it says more than STATUS_SUCCESS
	Elapsed  time.Duration `json:"elapsedNs"`
	Values   []Value       `json:"values,omitempty"`
	Loop     *Loop         `json:"loop,omitempty"` // where it ran more than once
	OK       bool          `json:"ok"`
}

// Value is something that a step brought back, besides its status.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Verdict is what an attempt came to.
type Verdict struct {
	Outcome   Outcome       `json:"outcome"`
	Reason    string        `json:"reason,omitempty"` // of a skip; text of an error; what was left behind
	Deviation *Deviation    `json:"deviation,omitempty"`
	Known     *Known        `json:"known,omitempty"`
	Elapsed   time.Duration `json:"elapsedNs"`
	Rerun     string        `json:"rerun,omitempty"`   // the exact command
	Records   []Observation `json:"records,omitempty"` // what was noted, not judged
	Effort    *Effort       `json:"effort,omitempty"`  // of its loops, where it has some
	Tests     []Test        `json:"tests,omitempty"`   // of programs that it ran, as far as they are kept
	// TestsLeft is how many tests of each outcome are not among Tests.
	TestsLeft map[string]int `json:"testsLeft,omitempty"`
	Wrote     []Written      `json:"wrote,omitempty"` // by programs of steps that were not as declared
	Guest     Guest          `json:"guest,omitzero"`
	// DriverRun is the run of the driver that it rests on; 0: none. What was as expected counts only with its clean end.
	DriverRun int `json:"driverRun,omitempty"`
}

// Written is the end of what a step's program wrote to one of its streams.
type Written struct {
	Step int    `json:"step"` // index from 0
	Of   string `json:"of"`   // stdout, stderr
	Text string `json:"text"` // its last lines
}

// Deviation is the first thing that was not as declared.
type Deviation struct {
	Step     int           `json:"step"`            // index from 0; -1: not of one step
	Text     string        `json:"text,omitempty"`  // the step as written in the suite
	Place    string        `json:"place,omitempty"` // file:line in the suite
	Expected string        `json:"expected"`
	Actual   string        `json:"actual"` // a status by name, with its number
	Elapsed  time.Duration `json:"elapsedNs,omitempty"`
	In       *Place        `json:"in,omitempty"` // in a loop: where
}

// Known is the declared issue that a deviation matches, or that an unexpected pass did not.
type Known struct {
	Reason string `json:"reason"`
	Source string `json:"source,omitempty"` // who says so
}

// Observation is a value that a case recorded without judging it.
type Observation struct {
	Step  int    `json:"step"` // index from 0
	Name  string `json:"name"`
	Value string `json:"value"` // a status by name, or a number
}

// Loop is how the runs of a step went that ran more than once.
type Loop struct {
	Runs    uint64        `json:"runs"`           // of all threads
	Threads int           `json:"threads"`        // that ran it side by side
	Seed    uint32        `json:"seed,omitempty"` // by which steps were chosen; 0: all ran in their order
	P50     time.Duration `json:"p50Ns"`          // half of the runs took no longer; within an eighth, as the next two
	P95     time.Duration `json:"p95Ns"`
	P99     time.Duration `json:"p99Ns"`
	Max     time.Duration `json:"maxNs"`
}

// Effort is what the loops of an attempt came to, all steps together.
type Effort struct {
	Runs    uint64 `json:"runs"`
	Threads int    `json:"threads"` // at most, side by side
	Seed    uint32 `json:"seed,omitempty"`
}

// Place is where in a loop something happened; both count from 0.
type Place struct {
	Thread    uint32 `json:"thread"`
	Iteration uint32 `json:"iteration"`
	Seed      uint32 `json:"seed,omitempty"`
}

// Test is one test of a program that a case has run, as the program itself reported on it. The case is judged by them.
type Test struct {
	Step    int    `json:"step"` // that ran the program; index from 0
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // ok, not ok, skip, todo
	Detail  string `json:"detail,omitempty"`
}

// TestFailed is the outcome of a test that failed.
const TestFailed = "not ok"

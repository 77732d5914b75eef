package suites

import (
	"fmt"

	"wskharness/suites/output"
	"wskharness/winerr"
)

// StepResult is what a guest reports of one step, as in the agent's journal. It is not trusted: a
// step that does not exist, or values that are missing, are deviations.
type StepResult struct {
	Step   int
	Status winerr.NTStatus
	Origin uint32
	Runs   uint64 // how often the step ran
	NS     uint64 // of the run that Status belongs to
	MaxNS  uint64 // of the slowest run
	Values []uint64
	output.Outputs
	// Half, 95% and 99% of the runs took no longer, in ns; zero for a step that ran once.
	Percentiles [3]uint64
	Failed      *Iteration // in a loop: where it failed
	Refuted     bool       // the agent did not find it as the plan has it
}

// Iteration is a place in a loop; both count from 0.
type Iteration struct{ Thread, Iteration uint32 }

// DeviationKind says in which respect a step was not as expected.
type DeviationKind string

const (
	KindStatus  DeviationKind = "status"  // it returned another status
	KindValue   DeviationKind = "value"   // a reported value is not as demanded
	KindTime    DeviationKind = "time"    // it took too long, or not long enough
	KindTimeout DeviationKind = "timeout" // it did not return
	KindRefused DeviationKind = "refused" // the driver refused it: WSK was not called
	KindRuns    DeviationKind = "runs"    // it did not run as often as it should
	KindMissing DeviationKind = "missing" // there is no result
	KindOutput  DeviationKind = "output"  // what it wrote is not as demanded
	KindReport  DeviationKind = "report"  // the guest's report makes no sense
)

// Deviation is a difference between what a case expects and what happened.
type Deviation struct {
	Step     int    // index, from 0
	StepText string // "capture a, no wait"
	Expected string // "STATUS_DEVICE_NOT_READY", "major 1"
	Actual   string // "STATUS_SUCCESS (0x00000000)", "major 0"
	Message  string // both in a sentence
	Kind     DeviationKind
	Part     Part // of the case
	Status   winerr.NTStatus
	Origin   uint32
	Values   []uint64
	Value    string     // of KindValue: the value's name, as known issues call it
	Failed   *Iteration // in a loop: where
	Tests    []string   // of KindOutput: the program's tests that failed, all of them, where its report has no other fault
}

// ControllerOnly reports a deviation that the agent does not look for: it goes on after it.
func (d Deviation) ControllerOnly() bool {
	return d.Kind == KindOutput || d.Kind == KindReport || d.Kind == KindRuns || d.Kind == KindMissing
}

func (d Deviation) failures() int {
	if d.Failed == nil {
		return 0
	}
	return 1
}

func (d Deviation) String() string {
	return fmt.Sprintf("step %d (%s): %s", d.Step+1, d.StepText, d.Message)
}

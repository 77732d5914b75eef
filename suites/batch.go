package suites

import (
	"fmt"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// batch is a list of steps that the driver runs in one go.
type batch struct {
	first    int
	count    int
	repeat   int
	parallel int
	stride   int
	sockets  int           // stride of sockets, or of handles
	duration time.Duration // no list of steps begins after it; 0 for repeat alone
	groups   int           // of which one at a time is chosen at random; 0 for all in order
	seed     uint32        // of the choice; 0: the run's
	timeout  time.Duration
	agent    bool // the agent runs it, and not the driver
	listed   bool // written as a list of steps, not as a step of its own
	atStart  bool // DriverEntry runs it, when the step before starts the driver
}

func (b batch) loop() bool { return b.repeats() || b.count > 1 }

// repeats reports whether its steps may run more than once.
func (b batch) repeats() bool { return b.repeat > 1 || b.parallel > 1 }

// counted reports whether it is certain how many passes there are.
func (b batch) counted() bool { return b.duration == 0 && b.groups == 0 }

func (u batch) times() string {
	if u.atStart {
		return "in DriverEntry"
	}
	text := fmt.Sprintf("%d times", u.repeat)
	switch {
	case u.repeat == 1:
		text = "once"
	case u.duration > 0:
		text = "for " + strictyaml.ShortDuration(u.duration)
		if u.repeat != endless {
			text += fmt.Sprintf(", but at most %d times", u.repeat)
		}
	}
	if u.parallel > 1 {
		text += fmt.Sprintf(" on each of %d threads", u.parallel)
		things := "clients"
		if u.agent {
			things = "handles"
		}
		if u.stride == 0 && u.sockets == 0 {
			text += ", with the same " + things
		} else {
			text += ", each with " + things + " of its own"
		}
	}
	if u.groups > 0 {
		text += fmt.Sprintf(", one of %d choices at a time", u.groups)
		if u.seed != 0 {
			text += fmt.Sprintf(" by seed %d", u.seed)
		}
	}
	return text
}

// tearDownBatches counts the batches at the end that run whatever became of the others: no batch has steps of two parts.
func (c *Case) tearDownBatches(batches []batch) int {
	count := 0
	for _, b := range batches {
		if c.Steps[b.first].Part.After() {
			count++
		}
	}
	return count
}

// A case of more steps than eagerSteps is sent to the driver requestSteps at a time: a request costs more than most
// steps do. A shorter one goes step by step, so that the journal has each step before the next one begins, and
// tells how far the case got where that ends the machine.
const (
	eagerSteps   = 100
	requestSteps = abi.MaxSteps
)

// requests are the batches of a case as the driver is given them.
func (c *Case) requests() []batch {
	if len(c.Steps) <= eagerSteps {
		return c.batches
	}
	var batches []batch
	var waits time.Duration // of the steps of the last batch
	for _, b := range c.batches {
		wait := c.Steps[b.first].wait
		if n := len(batches); n > 0 && c.single(b) && c.single(batches[n-1]) && c.Steps[b.first].Part == c.Steps[batches[n-1].first].Part && batches[n-1].count < requestSteps && waits+wait < maxStepTime {
			batches[n-1].count++
			batches[n-1].timeout = min(batches[n-1].timeout+b.timeout, longestBatch, c.Timeout-caseMargin)
			waits += wait
			continue
		}
		batches, waits = append(batches, b), wait
	}
	return batches
}

// BatchFrom is the step, and how many from it on, that the driver is given in one request when the steps before it are
// back: which of them is under way nobody outside the driver knows.
func (c *Case) BatchFrom(step int) (first, count int) {
	for _, b := range c.requests() {
		if step >= b.first && step < b.first+b.count {
			return step, b.first + b.count - step
		}
	}
	return step, 1
}

// single reports whether the batch is of steps of the driver that run once, each as if it were alone.
func (c *Case) single(b batch) bool {
	return !b.listed && !b.repeats() && c.Steps[b.first].executor == byDriver
}

func (b batch) flags(part Part) uint32 {
	switch {
	case b.atStart:
		return abi.PlanBatchAtStart
	case part == Health:
		return abi.PlanBatchHealth
	}
	return 0
}

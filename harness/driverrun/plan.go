package driverrun

import (
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/suites"
	"wskharness/suites/output"
)

// Plan is what a guest is given to run: one start of the driver, and the cases on it.
type Plan struct {
	N        int    // of the driver run on its target, from 1
	ID       string // what the guest knows it by
	Target   string
	Boot     string // boot id of the guest that it is given to
	SHA256   string // of the deployed driver, lower-case hexadecimal
	Service  string // of the driver
	Attempts []Attempt

	External bool             // the driver is not the sample: it can't be asked what is left, but has to be there
	Resident bool             // and it is never unloaded
	Version  string           // of the guest, as known issues call it
	Pages    output.CodePages // of the guest
	FailFast bool             // stop at the first case that is not as expected
	Resumed  bool             // an earlier controller began it: what it gave up is still to do

	// UnheardAfter is how long a run whose start was not answered may take to have a journal.
	UnheardAfter time.Duration

	SuiteLimit time.Duration            // of all cases of a suite on the target; 0: none
	Spent      map[string]time.Duration // of it, by suite, before this driver run
}

// Attempt is one attempt at a case.
type Attempt struct {
	Case   *suites.Case
	Number int    // from 1
	Seed   uint32 // the run's
	Known  []*suites.KnownIssue
	Again  bool // it has passed before, in a driver run that did not end well
}

// shape is what the plan lets the guest's journal hold.
func (p *Plan) shape() journal.Shape {
	shape := journal.Shape{Run: p.ID, ABI: abi.ABI, SHA256: p.SHA256, Resident: p.Resident}
	for _, a := range p.Attempts {
		c := journal.CaseShape{Steps: len(a.Case.Steps)}
		for i := range a.Case.Steps {
			if a.Case.Steps[i].Reboots() {
				c.Reboots = append(c.Reboots, i)
			}
		}
		shape.Cases = append(shape.Cases, c)
	}
	return shape
}

package suites

import (
	"fmt"
	"slices"
	"strings"
)

// Unloads reports whether the case unloads the driver, other than by a reboot, and in which step: file:line.
func (c *Case) Unloads() (place string, unloads bool) {
	for _, s := range c.Steps {
		if s.op.life != 0 && !s.Reboots() {
			return fmt.Sprintf("%s:%d", c.File, s.Line), true
		}
	}
	return "", false
}

// NeedsSample reports whether the case can only be run with the sample driver: what it does, or looks at, no other
// driver offers.
func (c *Case) NeedsSample() bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool {
		switch {
		case s.op.sample != nil:
			return s.op.sample(&s)
		case s.op.sampleCheck != nil:
			return slices.ContainsFunc(s.Checks, func(check Check) bool { return s.op.sampleCheck(&s, check) })
		}
		return s.executor == byDriver && (!s.op.either || c.batches[s.batch].loop())
	})
}

// SampleChecks lists the checks that no driver but the sample can answer: "FILE:LINE: reload: blocks 0". A case that looks at
// another driver with them would look at nothing.
func (c *Case) SampleChecks() []string {
	var all []string
	for i := range c.Steps {
		s := &c.Steps[i]
		for _, check := range s.Checks {
			if s.op.sampleCheck == nil || !s.op.sampleCheck(s, check) {
				continue
			}
			why := "only the sample driver counts that"
			if strings.HasPrefix(check.value.name, "pool_") {
				why = "pool_tags: […] has to say which tags the driver's pool has"
			}
			all = append(all, fmt.Sprintf("%s:%d: %s: %s: %s", c.File, s.Line, s.Op, check.Name, why))
		}
	}
	return all
}

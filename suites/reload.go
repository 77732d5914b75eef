package suites

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

const maxPoolTags = 16

// poolTag is a tag as tools show it, in memory order: one to four printable characters. One '*' may be at its end.
var poolTag = regexp.MustCompile(`^([!-)+-~]{1,4}|[!-)+-~]{1,3}\*)$`)

// poolTags reads whose pool a reload looks at.
func (p *caseParser) poolTags(s *Step, n *node) {
	if n == nil {
		return
	}
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 || len(n.Items) > maxPoolTags {
		p.r.At(n, fmt.Sprintf("a list of 1 to %d tags", maxPoolTags), "reload: pool_tags is %s", n.CountOrKind())
		return
	}
	for _, item := range n.Items {
		switch {
		case item.Kind == strictyaml.ScalarKind && !p.r.Sure(item, "an entry of pool_tags", "text"): // which says it
		case item.Kind != strictyaml.ScalarKind || !poolTag.MatchString(item.Text):
			p.r.At(item, "one to four characters, of which the last may be *", "reload: pool_tags has %s", item.Describe())
		case slices.Contains(s.poolTags, item.Text):
			p.r.At(item, "each tag once", "reload: pool_tags has %q twice", item.Text)
		default:
			s.poolTags = append(s.poolTags, item.Text)
		}
	}
}

// reloadChecks holds the checks of a reload against what it does.
func (p *caseParser) reloadChecks(s *Step, body *node) {
	for _, c := range s.Checks {
		cond := c.conds[0]
		if c.value.name == "cycles" && (cond.compare == abi.EQ && cond.want != s.args[0] || cond.compare == abi.GE && cond.want > s.args[0]) {
			p.r.At(body, fmt.Sprintf("times: %d beside it", cond.want), "reload: %s, of a driver that is loaded anew %d times", c.Text, s.args[0])
		}
	}
}

// samples reports whether only the sample driver can answer the check, of a step that unloads a driver.
func (s *Step) samples(check Check) bool {
	switch check.value.name {
	case "slowest", "cycles":
		return false
	case "pool_growth", "pool_counted":
		return len(s.poolTags) == 0
	}
	return check.conds[0].value < abi.MaxValues
}

// SampleChecks lists the checks that no driver but the sample can answer: "FILE:LINE: reload: blocks 0". A case that looks at
// another driver with them would look at nothing.
func (c *Case) SampleChecks() []string {
	var all []string
	for i := range c.Steps {
		s := &c.Steps[i]
		if s.op.code != abi.PlanOpUnload && s.op.code != abi.PlanOpReload {
			continue
		}
		for _, check := range s.Checks {
			if !s.samples(check) {
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

// unjudged says which check of the step was not judged, since the guest has nothing to judge it by; empty where all were.
func (s *Step) unjudged(r StepResult) string {
	if s.op.code != abi.PlanOpReload || r.Status != statusSuccess || len(r.Values) <= abi.PlanValueUnloadPoolCounted || r.Values[abi.PlanValueUnloadPoolCounted] != 0 {
		return ""
	}
	for _, c := range s.Checks {
		if c.value.name == "pool_growth" {
			return c.Text + ": not judged, the guest's kernel counts no pool by tag"
		}
	}
	return ""
}

package harness

import (
	"fmt"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/suites"
)

// trial is one attempt of one case. What the guest says of it is gathered while its journal is
// read; it becomes a verdict once, by judge, from nothing but what is gathered here.
type trial struct {
	test    *suites.Case
	attempt int           // from 1
	seed    uint32        // the run's
	started time.Time     // by the controller's clock
	begun   time.Duration // by the guest's, since the run began there
	steps   []suites.StepResult
	end     *guest.Record // case-end
	elapsed time.Duration
	verdict *results.Verdict
}

func (t *trial) judged() bool { return t.verdict != nil }

func (t *trial) key() attemptKey { return attemptKey{t.test.Name(), t.attempt} }

// judge is the positive-proof rule for a case that ended: the declared number of steps ran, each
// as declared, and nothing was left behind. What is known only later, a clean unload, is judged
// by conclude.
func (t *trial) judge(known []*suites.KnownIssue) results.Verdict {
	c, end := t.test, t.end
	v := results.Verdict{Elapsed: t.elapsed, Records: t.observations(), Effort: t.effort()}
	deviations := c.Judge(t.steps)
	if len(deviations) > 0 {
		v.Deviation = t.deviation(deviations[0])
	}
	switch end.Why {
	case "hang":
		v.Outcome, v.Reason = results.Hang, "a step did not come back within its own limit"
		return v
	case "cancelled":
		v.Outcome, v.Reason, v.Deviation = results.Cancelled, "the run was interrupted", nil
		return v
	case "timeout":
		v.Outcome = results.Fail
		v.Reason = fmt.Sprintf("the case's time of %s was up after %d of %d steps", c.Timeout, len(t.steps), len(c.Steps))
		return v
	}
	switch left, after := leftBehind(end.Left), leftBehind(end.After); {
	case end.After.Threads > 0:
		v.Outcome, v.Reason = results.Hang, "the case is over, and still there is "+after
	case after != "":
		v.Outcome, v.Reason = results.Fail, "the case left something behind that could not be tidied up: "+after
	case len(deviations) > 0:
		return t.deviating(v, deviations[0], known)
	case end.Why != "done":
		v.Outcome = results.Error
		v.Reason = fmt.Sprintf("the agent ended the case (%s), but every step is as declared: agent and controller disagree", end.Why)
	case end.Ran != len(c.Steps):
		v.Outcome = results.Error
		v.Reason = fmt.Sprintf("the agent says that %d of %d steps ran: not proven", end.Ran, len(c.Steps))
	case left != "":
		v.Outcome, v.Reason = results.Fail, "the case left something behind: "+left
	case len(known) > 0:
		v.Outcome, v.Known = results.UnexpectedPass, knownIssue(known[0])
		v.Reason = "declared as a known issue, but it passed: if that is right, remove the declaration"
	default:
		v.Outcome = results.Pass
	}
	return v
}

// deviating judges a case in which a step was not as declared.
func (t *trial) deviating(v results.Verdict, d suites.Deviation, known []*suites.KnownIssue) results.Verdict {
	for _, k := range known {
		if suites.MatchKnown(d, k) {
			v.Outcome, v.Known = results.KnownIssue, knownIssue(k)
			return v
		}
	}
	v.Outcome = results.Fail
	if len(known) > 0 {
		v.Reason = fmt.Sprintf("not the declared known issue, which is %s at step %d", known[0].Actual(), known[0].Step+1)
	}
	return v
}

func knownIssue(k *suites.KnownIssue) *results.Known {
	return &results.Known{Reason: k.Reason, Source: k.Source}
}

func (t *trial) deviation(d suites.Deviation) *results.Deviation {
	deviation := &results.Deviation{
		Step: d.Step, Text: d.StepText, Place: fmt.Sprintf("%s:%d", t.test.File, t.test.Line),
		Expected: d.Expected, Actual: d.Actual,
	}
	if d.Step >= 0 && d.Step < len(t.test.Steps) {
		deviation.Place = fmt.Sprintf("%s:%d", t.test.File, t.test.Steps[d.Step].Line)
	}
	if d.Failed != nil && d.Step >= 0 && d.Step < len(t.test.Steps) {
		deviation.In = &results.Place{Thread: d.Failed.Thread, Iteration: d.Failed.Iteration}
		if loop, ok := t.test.Loop(&t.test.Steps[d.Step]); ok {
			deviation.In.Seed = loop.SeedOf(t.seed, t.attempt)
		}
	}
	for _, s := range t.steps {
		if s.Step == d.Step {
			deviation.Elapsed = time.Duration(s.NS)
		}
	}
	return deviation
}

// effort adds up what the loops did; nil where there are none.
func (t *trial) effort() *results.Effort {
	var e *results.Effort
	for _, s := range t.steps {
		if s.Step < 0 || s.Step >= len(t.test.Steps) {
			continue
		}
		loop, ok := t.test.Loop(&t.test.Steps[s.Step])
		if !ok {
			continue
		}
		if e == nil {
			e = &results.Effort{}
		}
		e.Runs += s.Runs
		e.Threads = max(e.Threads, loop.Threads)
		e.Seed = max(e.Seed, loop.SeedOf(t.seed, t.attempt))
	}
	return e
}

// observations are what the case recorded without judging it.
func (t *trial) observations() []results.Observation {
	var all []results.Observation
	for _, note := range t.test.Notes(t.steps) {
		all = append(all, results.Observation{Step: note.Step, Name: note.StepText, Value: note.Text})
	}
	return all
}

// leftBehind says in words what a residue has that is not zero; "" when it has nothing.
func leftBehind(r guest.Residue) string {
	var parts []string
	for _, one := range []struct {
		count uint64
		what  string
	}{
		{uint64(r.Registrations), "registration"},
		{uint64(r.Captures), "provider capture not released"},
		{uint64(r.Threads), "thread with a call that has not returned"},
		{uint64(r.PoolBlocks), "pool block"},
		{uint64(r.Sockets), "socket not closed"},
		{uint64(r.Irps), "IRP of a socket operation not completed"},
	} {
		if one.count > 0 {
			parts = append(parts, fmt.Sprintf("%d × %s", one.count, one.what))
		}
	}
	return strings.Join(parts, ", ")
}

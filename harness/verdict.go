package harness

import (
	"fmt"
	"slices"
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
	own     bool          // the driver is the user's own: it can't be asked what is left, but has to be there
	attempt int           // from 1
	seed    uint32        // the run's
	started time.Time     // by the controller's clock
	begun   time.Duration // by the guest's, since the run began there
	steps   []suites.StepResult
	pending pendingOutputs
	end     *guest.Record // case-end
	elapsed time.Duration
	verdict *results.Verdict
}

// pendingOutputs is what was written by the step whose record comes next.
type pendingOutputs struct {
	step    int
	outputs suites.Outputs
}

// output takes a piece of what a step wrote. What is more than the agent keeps of one is left out, and missed when
// it is judged.
func (t *trial) output(r guest.Record) {
	if t.pending.step != r.Step {
		t.pending = pendingOutputs{step: r.Step}
	}
	o := &t.pending.outputs
	part, total := &o.Out, &o.OutBytes
	switch r.Of {
	case "stderr":
		part, total = &o.Err, &o.ErrBytes
	case "report":
		part, total = &o.Report, &o.ReportBytes
	}
	*part, *total = append(*part, r.Data[:min(len(r.Data), suites.MaxOutput-len(*part))]...), r.Total
}

// forgetOutputs lets go of what its steps wrote, once it is judged.
func (t *trial) forgetOutputs() {
	for i := range t.steps {
		t.steps[i].Outputs = suites.Outputs{}
	}
}

func (t *trial) judged() bool { return t.verdict != nil }

func (t *trial) key() attemptKey { return attemptKey{t.test.Name(), t.attempt} }

// judge is the positive-proof rule for a case that ended: the declared number of steps ran, each
// as declared, and nothing was left behind. What is known only later, a clean unload, is judged
// by conclude. The known issues are those that hold for the guest, which is of this version.
func (t *trial) judge(known []*suites.KnownIssue, version string) results.Verdict {
	c, end := t.test, t.end
	v := results.Verdict{Elapsed: t.elapsed, Records: t.observations(), Effort: t.effort(), Tests: t.tests()}
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
		if n := t.next(); n < len(c.Steps) && c.Steps[n].Part == suites.TearDown {
			v.Reason = fmt.Sprintf("the time of its tear-down, %s, was up", c.TearDown)
		}
		return v
	}
	switch left, after := leftBehind(end.Left), leftBehind(end.After); {
	case end.After.Threads > 0:
		v.Outcome, v.Reason = results.Hang, "the case is over, and still there is "+after
	case after != "":
		v.Outcome, v.Reason = results.Fail, "the case left something behind that could not be tidied up: "+after
	case len(deviations) > 0:
		return t.deviating(v, deviations, known, version)
	case end.Why != "done":
		v.Outcome = results.Error
		v.Reason = fmt.Sprintf("the agent ended the case (%s), but every step is as declared: agent and controller disagree", end.Why)
	case t.own && end.Driver != "running":
		v.Outcome, v.Reason = results.Fail, "the driver was not loaded any more when the case was over: its service is "+orNone(end.Driver)
	case end.Ran != len(c.Steps):
		v.Outcome = results.Error
		v.Reason = fmt.Sprintf("the agent says that %d of %d steps ran: not proven", end.Ran, len(c.Steps))
	case left != "":
		v.Outcome, v.Reason = results.Fail, "the case left something behind: "+left
	case len(known) > 0:
		v.Outcome, v.Known = results.UnexpectedPass, knownIssue(known[0])
		v.Reason = passedAnyway(known[0], version)
	default:
		v.Outcome = results.Pass
	}
	return v
}

// deviating judges a case in which a step was not as declared. A tear-down that fails after that is told, too, and no
// known issue excuses it.
func (t *trial) deviating(v results.Verdict, all []suites.Deviation, known []*suites.KnownIssue, version string) results.Verdict {
	d := all[0]
	undone := slices.IndexFunc(all[1:], func(d suites.Deviation) bool { return d.Part == suites.TearDown })
	if d.Part == suites.TearDown {
		undone = -1 // said by the deviation itself
	}
	for _, k := range known {
		if undone < 0 && suites.MatchKnown(d, k) {
			v.Outcome, v.Known = results.KnownIssue, knownIssue(k)
			return v
		}
	}
	v.Outcome = results.Fail
	var reasons []string
	switch {
	case d.Part == suites.SetUp:
		reasons = append(reasons, "its set-up failed: what the case is about did not run")
	case d.Part == suites.TearDown:
		reasons = append(reasons, "its tear-down failed: the case itself was as expected")
	}
	if undone >= 0 {
		reasons = append(reasons, "its tear-down failed, too: "+all[1+undone].String())
	} else if len(known) > 0 {
		reasons = append(reasons, fmt.Sprintf("not the declared known issue, which is %s at step %d%s", known[0].Actual(), known[0].Step+1,
			newerThan(known[0], version)))
	}
	v.Reason = strings.Join(reasons, "; ")
	return v
}

// next is the index of the step that comes after those that are back: after one that deviated, the tear-down's first.
func (t *trial) next() int {
	if len(t.steps) == 0 {
		return 0
	}
	next, steps := max(0, t.steps[len(t.steps)-1].Step+1), t.test.Steps
	if !t.deviated() {
		return next
	}
	for next < len(steps) && steps[next].Part != suites.TearDown {
		next++
	}
	return next
}

// deviated reports whether one of the steps that are back was not as declared.
func (t *trial) deviated() bool {
	return slices.ContainsFunc(t.test.Judge(t.steps), func(d suites.Deviation) bool { return d.Kind != suites.KindMissing })
}

func passedAnyway(k *suites.KnownIssue, version string) string {
	todo := "remove the declaration"
	if k.Versions.Beyond(version) {
		todo = "say in the declaration in which version it was mended (fixed:)"
	}
	return fmt.Sprintf("declared as a known issue%s, but it passed: if that is right, %s", newerThan(k, version), todo)
}

// newerThan says that a guest is newer than any on which the declared deviation was seen, where it is.
func newerThan(k *suites.KnownIssue, version string) string {
	if !k.Versions.Beyond(version) {
		return ""
	}
	return fmt.Sprintf(" of %s %s (this one, %s, is newer than the declaration)", k.Guest, k.Versions, version)
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

// tests are what the case's programs reported on.
func (t *trial) tests() []results.Test {
	var all []results.Test
	for _, one := range t.test.SubResults(t.steps) {
		all = append(all, results.Test{Step: one.Step, Name: one.Name, Outcome: one.Outcome, Detail: one.Detail})
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

package driverrun

import (
	"fmt"
	"slices"
	"time"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/suites/output"
)

// attempt gathers what the guest says of one attempt, and what it came to.
type attempt struct {
	Attempt
	external bool
	pages    output.CodePages
	started  time.Time     // by the controller's clock
	begun    time.Duration // by the guest's, since the run began there
	steps    []suites.StepResult
	pending  pendingOutputs
	kept     int             // bytes of outputs, of all its steps
	end      *journal.Record // case-end
	elapsed  time.Duration
	verdict  *results.Verdict
	void     bool             // it runs again
	hang     results.Verdict  // of one that hangs, until all is gathered
	held     *results.Verdict // of one that may have crashed the guest, until the machine had its time to tell; nil: there is none
}

// pendingOutputs is what was written by the step whose record comes next.
type pendingOutputs struct {
	step    int
	outputs output.Outputs
}

// maxOutputs bounds what all steps of an attempt may have written.
const maxOutputs = 16 * output.Max

// output takes a piece of what a step wrote. What is more than the agent keeps of one, or a case may have, is left out, and
// missed when it is judged.
func (a *attempt) output(r journal.Record) {
	if a.pending.step != r.Step {
		a.pending = pendingOutputs{step: r.Step}
	}
	o := &a.pending.outputs
	part, total := &o.Out, &o.OutBytes
	switch r.Of {
	case "stderr":
		part, total = &o.Err, &o.ErrBytes
	case "report":
		part, total = &o.Report, &o.ReportBytes
	}
	if r.Last {
		part = o.End(r.Of)
	}
	room := max(0, min(len(r.Data), output.Max-len(*part), maxOutputs-a.kept))
	*part, *total = append(*part, r.Data[:room]...), r.Total
	a.kept += room
}

// step takes a step's result, with what it wrote.
func (a *attempt) step(r journal.Record) suites.StepResult {
	result := suites.StepResult{Step: r.Step, Status: r.Status, Origin: r.Origin, Runs: r.Runs,
		NS: uint64(r.Took), MaxNS: uint64(r.Most), Values: r.V[:],
		Percentiles: [3]uint64{uint64(r.P[0]), uint64(r.P[1]), uint64(r.P[2])}, Refuted: !r.OK}
	if a.pending.step == r.Step {
		result.Outputs = a.pending.outputs
	}
	result.Pages = a.pages
	a.pending = pendingOutputs{}
	if r.It != nil {
		result.Failed = &suites.Iteration{Thread: uint32(r.It.Thread), Iteration: uint32(r.It.Iteration)}
	}
	a.steps = append(a.steps, result)
	return result
}

// forgetOutputs lets go of what its steps wrote, once it is judged.
func (a *attempt) forgetOutputs() {
	for i := range a.steps {
		a.steps[i].Outputs = output.Outputs{}
	}
	a.kept = 0
}

func (a *attempt) name() string { return a.Case.Name() }

// next is the index of the step that comes after those that are back: after one that deviated, the tear-down's first.
func (a *attempt) next() int {
	if len(a.steps) == 0 {
		return 0
	}
	next, steps := a.steps[len(a.steps)-1].Step+1, a.Case.Steps
	if !a.deviated() {
		return next
	}
	for next < len(steps) && !steps[next].Part.After() {
		next++
	}
	return next
}

// deviated reports whether one of the steps that are back was not as declared.
func (a *attempt) deviated() bool {
	return slices.ContainsFunc(a.Case.Judge(a.steps), func(d suites.Deviation) bool { return d.Kind != suites.KindMissing })
}

// unhealthy reports whether the health check behind a case was not as declared.
func unhealthy(deviations []suites.Deviation) bool {
	return slices.ContainsFunc(deviations, func(d suites.Deviation) bool { return d.Part == suites.Health && d.Kind != suites.KindMissing })
}

// underWay names the steps that may have been under way when the guest stopped answering: by the agent's own word where it
// lived to say it, else those that it would have sent to the driver together.
func (a *attempt) underWay() string {
	first, count := a.next(), 1
	switch {
	case a.end != nil && a.end.Under != nil:
		first, count = a.end.Under.First, a.end.Under.Count
	case a.end != nil && a.end.Why != "io":
		return "after the last step: "
	case first < len(a.Case.Steps):
		first, count = a.Case.BatchFrom(first)
	}
	switch steps := a.Case.Steps; {
	case first >= len(steps):
		return "after the last step: "
	case count <= 1 || first+1 >= len(steps):
		return a.inStep(first)
	default:
		last := min(first+count, len(steps)) - 1
		return fmt.Sprintf("in one of the steps %d to %d, from %s to %s: ", first+1, last+1, steps[first].Text, steps[last].Text)
	}
}

// inStep names one of its steps.
func (a *attempt) inStep(n int) string {
	return fmt.Sprintf("in step %d (%s): ", n+1, a.Case.Steps[n].Text)
}

func (a *attempt) deviation(d suites.Deviation) *results.Deviation {
	deviation := &results.Deviation{
		Step: d.Step, Text: d.StepText, Place: fmt.Sprintf("%s:%d", a.Case.File, a.Case.Line),
		Expected: d.Expected, Actual: d.Actual,
	}
	if d.Step >= 0 && d.Step < len(a.Case.Steps) {
		deviation.Place = fmt.Sprintf("%s:%d", a.Case.File, a.Case.Steps[d.Step].Line)
	}
	if d.Failed != nil && d.Step >= 0 && d.Step < len(a.Case.Steps) {
		deviation.In = &results.Place{Thread: d.Failed.Thread, Iteration: d.Failed.Iteration}
		if loop, ok := a.Case.Loop(&a.Case.Steps[d.Step]); ok {
			deviation.In.Seed = loop.SeedOf(a.Seed, a.Number)
		}
	}
	for _, s := range a.steps {
		if s.Step == d.Step {
			deviation.Elapsed = time.Duration(s.NS)
		}
	}
	return deviation
}

// effort adds up what the loops did; nil where there are none.
func (a *attempt) effort() *results.Effort {
	var e *results.Effort
	for _, s := range a.steps {
		if s.Step < 0 || s.Step >= len(a.Case.Steps) {
			continue
		}
		loop, ok := a.Case.Loop(&a.Case.Steps[s.Step])
		if !ok {
			continue
		}
		if e == nil {
			e = &results.Effort{}
		}
		e.Runs += s.Runs
		e.Threads = max(e.Threads, loop.Threads)
		e.Seed = max(e.Seed, loop.SeedOf(a.Seed, a.Number))
	}
	return e
}

// observations are what the case recorded without judging it.
func (a *attempt) observations() []results.Observation {
	var all []results.Observation
	for _, note := range a.Case.Notes(a.steps) {
		all = append(all, results.Observation{Step: note.Step, Name: note.StepText, Value: note.Text})
	}
	return all
}

// tests are what the case's programs reported on, and how many of each outcome are left out.
func (a *attempt) tests() (all []results.Test, left map[string]int) {
	kept, left := a.Case.SubResults(a.steps)
	for _, one := range kept {
		all = append(all, results.Test{Step: one.Step, Name: one.Name, Outcome: one.Outcome, Detail: one.Detail})
	}
	return all, left
}

// wrote is the end of what the programs wrote whose steps were not as declared.
func (a *attempt) wrote(deviations []suites.Deviation) []results.Written {
	var all []results.Written
	told := map[int]bool{}
	for _, d := range deviations {
		i := slices.IndexFunc(a.steps, func(s suites.StepResult) bool { return s.Step == d.Step })
		if i < 0 || d.Step < 0 || d.Step >= len(a.Case.Steps) || told[d.Step] {
			continue
		}
		told[d.Step] = true
		for _, w := range a.Case.Steps[d.Step].LastLines(a.steps[i].Outputs) {
			all = append(all, results.Written{Step: d.Step, Of: w.Name, Text: w.Text})
		}
	}
	return all
}

// event is a step as the record of the run has it.
func (a *attempt) event(r journal.Record, result suites.StepResult) *results.Step {
	step := &a.Case.Steps[r.Step]
	e := &results.Step{
		Index: r.Step, Text: step.Text, Status: r.Status.Name(), Code: uint32(r.Status),
		Origin: suites.OriginName(r.Origin), Expected: step.Expected(), Elapsed: r.Took, OK: r.OK,
	}
	// What was expected is what is not so: a status that is right, beside a value that is not, says nothing. The agent looks
	// at everything but what a program wrote.
	if d, wrong := step.Wrong(result); wrong && (!r.OK || d.Kind == suites.KindOutput) {
		e.OK, e.Expected = false, d.Expected
	}
	if loop, ok := a.Case.Loop(step); ok {
		e.Loop = &results.Loop{Runs: r.Runs, Threads: loop.Threads, Seed: loop.SeedOf(a.Seed, a.Number),
			P50: r.P[0], P95: r.P[1], P99: r.P[2], Max: r.Most}
	}
	values := step.Wrote(result.Outputs)
	if sample := !a.external || step.Generic(); sample && (e.Loop == nil || !e.OK) { // of many runs, what the last one reported says nothing
		values = append(step.Reported(r.V[:]), values...)
	}
	for _, v := range values {
		e.Values = append(e.Values, results.Value{Name: v.Name, Value: v.Text})
	}
	return e
}

package suites

import (
	"cmp"
	"fmt"
	"slices"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// Judge compares the results of an attempt with what the case expects. No deviation means that
// every step ran and was as expected. Results that are missing after a deviation are not reported
// again: the agent ends a case at the first one. Then only its tear-down runs, all of it; what that could not undo
// because it was never done is no deviation of its own.
func (c *Case) Judge(results []StepResult) []Deviation {
	var deviations []Deviation
	seen := make([]bool, len(c.Steps))
	known := map[int][]uint64{} // what steps reported that were as expected, for those that take it
	for _, r := range results {
		if r.Step < 0 || r.Step >= len(c.Steps) {
			deviations = append(deviations, Deviation{Step: r.Step, StepText: "no such step", Kind: KindReport,
				Expected: fmt.Sprintf("steps 1 to %d", len(c.Steps)), Actual: fmt.Sprintf("step %d", r.Step+1),
				Message: fmt.Sprintf("the guest reported a step that this case does not have: it has %d", len(c.Steps))})
			continue
		}
		j := judgement{step: &c.Steps[r.Step], result: r, known: known}
		if seen[r.Step] {
			j.add(KindReport, "", "one result", "another one", "the guest reported the step twice")
		} else {
			seen[r.Step] = true
			j.judge()
			if c.Steps[r.Step].keep != 0 && r.Origin == abi.OriginCall && len(j.found) == 0 {
				known[r.Step] = r.Values
			}
		}
		if len(deviations) > 0 && r.Origin == abi.OriginRefused && c.Steps[r.Step].Part == TearDown {
			continue
		}
		deviations = append(deviations, j.found...)
	}
	if len(deviations) == 0 {
		if first := slices.Index(seen, false); first >= 0 {
			ran := len(results)
			j := judgement{step: &c.Steps[first], result: StepResult{Step: first}}
			j.add(KindMissing, "", fmt.Sprintf("%d steps", len(c.Steps)), fmt.Sprintf("%d ran", ran),
				fmt.Sprintf("expected %d steps to run, %d did", len(c.Steps), ran))
			deviations = j.found
		}
	}
	if len(deviations) == 0 {
		deviations = c.judgeLoops(results)
	}
	// In a loop several steps may deviate, on several threads: what failed first is what ended it.
	slices.SortStableFunc(deviations, func(a, b Deviation) int { return cmp.Compare(b.failures(), a.failures()) })
	return deviations
}

// Wrong is in what the result of one step is first not as declared; ok is false where it is as declared.
func (s *Step) Wrong(r StepResult) (d Deviation, ok bool) {
	j := judgement{step: s, result: r}
	j.judge()
	if len(j.found) == 0 {
		return Deviation{}, false
	}
	return j.found[0], true
}

type judgement struct {
	step   *Step
	result StepResult
	known  map[int][]uint64
	found  []Deviation
}

func (j *judgement) add(kind DeviationKind, value, expected, actual, message string) {
	if f := j.result.Failed; f != nil {
		message += fmt.Sprintf(" (thread %d, iteration %d)", f.Thread, f.Iteration)
	}
	j.found = append(j.found, Deviation{
		Step: j.step.Index, StepText: j.step.Text, Part: j.step.Part, Kind: kind, Value: value,
		Expected: expected, Actual: actual, Message: message,
		Status: j.result.Status, Origin: j.result.Origin, Values: j.result.Values, Failed: j.result.Failed,
	})
}

func (j *judgement) judge() {
	s, r := j.step, j.result
	if !j.origin() {
		return
	}
	if s.async() || s.Record {
		j.runs()
		return
	}
	if slices.Contains(s.Next, r.Status) {
		j.runs()
		return // its values mean nothing
	}
	if !slices.Contains(s.Expect, r.Status) {
		j.wrongStatus()
		return // its values mean nothing
	}
	for i := range s.Checks {
		if !s.Checks[i].inGuest {
			j.check(&s.Checks[i])
		}
	}
	before := len(j.found)
	j.outputs()
	for i := range s.Checks {
		if s.Checks[i].inGuest && len(j.found) == before {
			j.check(&s.Checks[i]) // else it has been said, and better
		}
	}
	j.runs()
}

// outputs judges what a step wrote.
func (j *judgement) outputs() {
	g := j.step.demands()
	if g == nil {
		return
	}
	for _, c := range g.outputs {
		if expected, actual, message := c.Judge(j.result.Outputs); message != "" {
			j.add(KindOutput, "", expected, actual, message)
		}
	}
	if g.registry != nil {
		j.registry(*g.registry)
	}
	j.report()
}

// origin judges where the status comes from, and reports whether the status can be judged too.
func (j *judgement) origin() bool {
	s, r := j.step, j.result
	switch r.Origin {
	case abi.OriginCall:
		if s.async() {
			j.add(KindReport, "", "the step to start on thread "+s.Thread, r.Status.String(),
				fmt.Sprintf("expected the step to start on thread %s; it returned %s", s.Thread, r.Status.String()))
			return false
		}
		return true
	case abi.OriginAsync:
		if s.async() {
			return true
		}
	case abi.OriginRefused:
		if s.Record {
			return true
		}
		by, without := "driver", "did not call WSK"
		if s.executor == byAgent {
			by, without = "agent", "did nothing"
		}
		j.add(KindRefused, "", j.wanted(), "refused by the "+by+", "+r.Status.String(),
			fmt.Sprintf("expected %s; the %s refused the step (%s) and %s", j.wanted(), by, r.Status.String(), without))
		return false
	case abi.OriginTimeout:
		j.timedOut()
		return false
	case abi.OriginSkipped:
		j.add(KindMissing, "", j.wanted(), "not run", fmt.Sprintf("expected %s; the step did not run", j.wanted()))
		return false
	}
	j.add(KindReport, "", "an origin that fits the step", fmt.Sprintf("origin %d", r.Origin),
		fmt.Sprintf("the guest reported an origin that does not fit the step: %d", r.Origin))
	return false
}

// wanted is the expectation in words.
func (j *judgement) wanted() string {
	s := j.step
	switch {
	case s.async():
		return "the step to start on thread " + s.Thread
	case s.Record:
		return "any status"
	case s.op.wanted != nil:
		return s.op.wanted(s)
	}
	return statusList(slices.Concat(s.Expect, s.Next))
}

// about is the object of a step about a thread: "thread t1".
func (s *Step) about() string { return "thread " + s.target }

func (j *judgement) timedOut() {
	s := j.step
	if s.op.inTime != nil {
		expected := s.op.inTime(s)
		j.add(KindTimeout, "", expected, "still blocked", fmt.Sprintf("expected %s; it is still blocked", expected))
		return
	}
	j.add(KindTimeout, "", j.wanted(), fmt.Sprintf("no return within %s", strictyaml.ShortDuration(s.Timeout)),
		fmt.Sprintf("expected %s; the call did not return within %s", j.wanted(), strictyaml.ShortDuration(s.Timeout)))
}

func (j *judgement) wrongStatus() {
	s, r := j.step, j.result
	if s.op.failed != nil {
		if why := s.op.failed(j); why != "" {
			j.add(KindStatus, "", j.wanted(), why, fmt.Sprintf("expected %s; %s", j.wanted(), why))
			return
		}
	}
	j.add(KindStatus, "", j.wanted(), r.Status.String(), fmt.Sprintf("expected %s, got %s", j.wanted(), r.Status.String()))
}

// runs judges how often the step ran: a loop that ended early passes nowhere else.
func (j *judgement) runs() {
	want := uint64(j.step.Runs)
	switch {
	case want == 0 && j.result.Runs == 0:
		j.add(KindRuns, "", "at least 1 run", "0 runs", "expected the step to run, it never did")
	case want != 0 && j.result.Runs != want:
		j.add(KindRuns, "", fmt.Sprintf("%d runs", want), fmt.Sprintf("%d runs", j.result.Runs),
			fmt.Sprintf("expected the step to run %d times, it ran %d times", want, j.result.Runs))
	}
}

// judgeLoops compares how often the steps of a loop ran where time or chance decide that. Each ran as often as
// the one before it in its list, or less often where either may end a pass. Every step has a result.
func (c *Case) judgeLoops(results []StepResult) []Deviation {
	ran := make([]uint64, len(c.Steps))
	for _, r := range results {
		ran[r.Step] = r.Runs
	}
	for i := 1; i < len(c.Steps); i++ {
		s, before := &c.Steps[i], &c.Steps[i-1]
		if s.Runs != 0 || s.batch != before.batch || s.group != before.group {
			continue
		}
		fewer := s.Yields || len(before.Next) > 0
		if ran[i] == ran[i-1] || fewer && ran[i] < ran[i-1] {
			continue
		}
		j := judgement{step: s, result: StepResult{Step: i, Runs: ran[i]}}
		j.add(KindRuns, "", fmt.Sprintf("%d runs, as many as of the step before", ran[i-1]), fmt.Sprintf("%d runs", ran[i]),
			fmt.Sprintf("expected the step to run as often as the one before it, %d times; it ran %d times", ran[i-1], ran[i]))
		return j.found
	}
	return nil
}

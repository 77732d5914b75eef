package driverrun

import (
	"strings"
	"testing"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/suites"
	"wskharness/suites/output"
)

// TestNothingIsExpectedThatCame: whatever kind of failure a step has, what was expected is said to be something else than
// what came.
func TestNothingIsExpectedThatCame(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(`suite: s
doc: d
cases:
  - id: c
    doc: d
    steps:
      - register: {client: a}
      - capture: {client: a, wait: none, captures: 1}
        within: 1s
      - run: {program: a.exe, stdout: {equals: hello}}
      - release: {client: a}
      - deregister: {client: a, thread: t}
      - blocked: {thread: t, for: 100ms}
      - join: {thread: t, within: 2s}
`)})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	a := &attempt{Attempt: Attempt{Case: c, Number: 1}}
	good := func(step int) suites.StepResult {
		r := suites.StepResult{Step: step, Runs: 1, Values: make([]uint64, 10), Outputs: output.Outputs{Out: []byte("hello"), OutBytes: 5}}
		switch step {
		case 1:
			r.Values = []uint64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
		case 4:
			r.Status, r.Origin = 0x103, abi.OriginAsync
		case 5:
			r.Status = c.Steps[5].Expect[0]
		}
		return r
	}
	for name, test := range map[string]struct {
		step     int
		change   func(*suites.StepResult)
		expected string
	}{
		"a status":       {0, func(r *suites.StepResult) { r.Status = 0xC0000001 }, "STATUS_SUCCESS"},
		"a value":        {1, func(r *suites.StepResult) { r.Values = []uint64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2} }, "captures 1"},
		"no value":       {1, func(r *suites.StepResult) { r.Values = nil }, "captures 1"},
		"a time":         {1, func(r *suites.StepResult) { r.NS = 5e9 }, "at most 1s"},
		"runs":           {0, func(r *suites.StepResult) { r.Runs = 3 }, "1 runs"},
		"an output":      {2, func(r *suites.StepResult) { r.Out = []byte("help!") }, `stdout "hello"`},
		"an exit code":   {2, func(r *suites.StepResult) { r.Values[0] = 7 }, "exit 0"},
		"a refusal":      {3, func(r *suites.StepResult) { r.Origin = abi.OriginRefused }, "STATUS_SUCCESS"},
		"a timeout":      {3, func(r *suites.StepResult) { r.Origin = abi.OriginTimeout }, "STATUS_SUCCESS"},
		"never run":      {3, func(r *suites.StepResult) { r.Origin = abi.OriginSkipped }, "STATUS_SUCCESS"},
		"not started":    {4, func(r *suites.StepResult) { r.Status, r.Origin = 0, abi.OriginCall }, "the step to start on thread t"},
		"not blocked":    {5, func(r *suites.StepResult) { r.Status = 0 }, "thread t to be blocked for 100ms"},
		"never returned": {6, func(r *suites.StepResult) { r.Origin = abi.OriginTimeout }, "thread t to return within 2s"},
		"only the agent": {0, func(r *suites.StepResult) { r.Refuted = true }, "STATUS_SUCCESS"},
	} {
		r := good(test.step)
		if e := a.event(journal.Record{Step: test.step, Status: r.Status, Origin: r.Origin, OK: true}, r); !e.OK {
			t.Errorf("%s: the step is wrong to begin with: %+v", name, e)
		}
		test.change(&r)
		e := a.event(journal.Record{Step: test.step, Status: r.Status, Origin: r.Origin, OK: name == "an output"}, r)
		if e.OK || e.Expected != test.expected {
			t.Errorf("%s: ok %v, expected %q, want %q", name, e.OK, e.Expected, test.expected)
		}
		if d, wrong := c.Steps[test.step].Wrong(r); wrong && strings.HasPrefix(d.Actual+" ", d.Expected+" ") {
			t.Errorf("%s: expected %s, actual %s", name, d.Expected, d.Actual)
		}
	}
	s := New(Plan{Service: "own"})
	s.out = &Effects{}
	s.driverStart(journal.Record{Ev: journal.EvDriverStart, Why: "start"}) // without an error code, which is no success
	for _, e := range s.out.Write {
		if e.Verdict != nil && e.Verdict.Deviation != nil && strings.HasPrefix(e.Verdict.Deviation.Actual, e.Verdict.Deviation.Expected) {
			t.Errorf("deploy.start: %+v", e.Verdict.Deviation)
		}
	}
}

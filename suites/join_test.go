package suites

import (
	"encoding/binary"
	"strings"

	"testing"

	"wskharness/driver/abi"
	"wskharness/suites/output"
	"wskharness/winerr"
)

// joinedRequest has a request to a device on a thread of its own.
func joinedRequest(t *testing.T) *Case {
	return oneCase(t,
		"ioctl: {device: D, code: 1, room: 8, thread: t}",                         // 0
		"blocked: {thread: t, for: 300ms}",                                        // 1
		"join: {thread: t, within: 5s, out: {text: ab}, bytes: 2}",                // 2
		"ioctl: {device: D, code: 2, thread: t}",                                  // 3
		"join: {thread: t}\n        expect: [STATUS_CANCELLED, STATUS_NOT_FOUND]", // 4
	)
}

// TestJoinedRequest: what a request on a thread came to is judged where the thread is joined, and only there.
func TestJoinedRequest(t *testing.T) {
	results := func() []StepResult {
		return []StepResult{
			{Step: 0, Runs: 1, Status: winerr.StatusPending, Origin: abi.OriginAsync},
			{Step: 1, Runs: 1, Status: winerr.StatusTimeout, Values: make([]uint64, 10)},
			{Step: 2, Runs: 1, Values: []uint64{0, 1, 5e8, 2, 0, 0, 0, 0, 0, 0}, Outputs: output.Outputs{Out: []byte("ab"), OutBytes: 2}},
			{Step: 3, Runs: 1, Status: winerr.StatusPending, Origin: abi.OriginAsync},
			{Step: 4, Runs: 1, Status: 0xC0000120, Values: []uint64{0xC0000120, 1, 5e8, 0, 0, 0, 0, 0, 0, 0}},
		}
	}
	for name, test := range map[string]struct {
		change func(r []StepResult)
		want   string // of the one deviation; empty: none
	}{
		"all is well":     {func([]StepResult) {}, ""},
		"other output":    {func(r []StepResult) { r[2].Out = []byte("ax") }, "expected the output 6162, got 6178"},
		"no output":       {func(r []StepResult) { r[2].Outputs = output.Outputs{} }, "expected the output 6162, got no bytes"},
		"longer output":   {func(r []StepResult) { r[2].OutBytes = 3 }, "expected the output 6162"},
		"other count":     {func(r []StepResult) { r[2].Values[3] = 3 }, "bytes: expected 2, got 3"},
		"not cancelled":   {func(r []StepResult) { r[4].Status = 0 }, "expected STATUS_CANCELLED or STATUS_NOT_FOUND, got STATUS_SUCCESS"},
		"still under way": {func(r []StepResult) { r[4].Origin = abi.OriginTimeout }, "expected thread t to return within 10s; it is still blocked"},
		"refused":         {func(r []StepResult) { r[4].Origin = abi.OriginRefused }, "the agent refused the step"},
		"came back":       {func(r []StepResult) { r[1].Status, r[1].Values = 0, []uint64{0, 1, 2e6} }, "it returned STATUS_SUCCESS"},
	} {
		t.Run(name, func(t *testing.T) {
			r := results()
			test.change(r)
			found := joinedRequest(t).Judge(r)
			switch {
			case test.want == "" && len(found) > 0:
				t.Error(found)
			case test.want != "" && (len(found) != 1 || !strings.Contains(found[0].Message, test.want)):
				t.Errorf("got %v, want %s", found, test.want)
			}
		})
	}
}

// TestJoinedOnTheWire: the agent is told to check the value at its place behind those of every join.
func TestJoinedOnTheWire(t *testing.T) {
	c := joinedRequest(t)
	plan, err := Compile([]Entry{{Case: c}}, PlanOptions{RunID: "r", Service: "own", DriverPath: `C:\d.sys`})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	join := d.steps[2]
	if join.Step.CheckCount != 1 || join.Step.Check[0] != (abi.Check{Value: abi.PlanValueJoined + abi.PlanValueRequestBytes, Compare: abi.EQ, Want: 2}) {
		t.Errorf("the join checks %+v", join.Step.Check[:join.Step.CheckCount])
	}
	if join.Text != 0 || executor(join.Executor) != byAgent || binary.Size(join) != 200 {
		t.Errorf("the join has the text at %d, of executor %d", join.Text, join.Executor)
	}
}

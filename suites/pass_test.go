package suites

import (
	"testing"

	"wskharness/driver/abi"
)

// TestConditions: a number fulfils what a suite demands of it, or does not, at and beside each limit.
func TestConditions(t *testing.T) {
	for name, test := range map[string]struct {
		compare uint16
		want    map[uint64]bool // of a demand for 6
	}{
		"equal":       {abi.EQ, map[uint64]bool{5: false, 6: true, 7: false}},
		"not equal":   {abi.NE, map[uint64]bool{5: true, 6: false, 7: true}},
		"at least":    {abi.GE, map[uint64]bool{5: false, 6: true, 7: true}},
		"at most":     {abi.LE, map[uint64]bool{5: true, 6: true, 7: false}},
		"these bits":  {abi.Has, map[uint64]bool{2: false, 4: false, 6: true, 7: true, 8: false}},
		"no such one": {0xFFFF, map[uint64]bool{6: false}},
	} {
		for got, want := range test.want {
			if holds := (condition{compare: test.compare, want: 6}).holds(got); holds != want {
				t.Errorf("%s, of 6: %d holds: %t", name, got, holds)
			}
		}
	}
}

// TestJudgedSteps spoils one clause of a step that is as declared after the other; a step that is recorded has fewer of them.
func TestJudgedSteps(t *testing.T) {
	c := waits(t)
	const judged, recorded, started, looped = 1, 5, 2, 6
	for name, test := range map[string]struct {
		step   int
		change func(*StepResult)
		kind   DeviationKind // "": it is as declared
	}{
		"as declared":                {judged, func(*StepResult) {}, ""},
		"its status":                 {judged, func(r *StepResult) { r.Status = notReady }, KindStatus},
		"its value":                  {judged, func(r *StepResult) { r.Values[0] = 0x0200 }, KindValue},
		"its value is missing":       {judged, func(r *StepResult) { r.Values = r.Values[:0] }, KindReport},
		"its time":                   {judged, func(r *StepResult) { r.NS = 1e9 }, KindTime},
		"its runs":                   {judged, func(r *StepResult) { r.Runs = 2 }, KindRuns},
		"it did not return":          {judged, func(r *StepResult) { r.Origin = abi.OriginTimeout }, KindTimeout},
		"it was refused":             {judged, func(r *StepResult) { r.Origin = abi.OriginRefused }, KindRefused},
		"it was skipped":             {judged, func(r *StepResult) { r.Origin = abi.OriginSkipped }, KindMissing},
		"it was started":             {judged, func(r *StepResult) { r.Origin = abi.OriginAsync }, KindReport},
		"its origin is unknown":      {judged, func(r *StepResult) { r.Origin = 99 }, KindReport},
		"recorded":                   {recorded, func(*StepResult) {}, ""},
		"recorded: its status":       {recorded, func(r *StepResult) { r.Status = notReady }, ""},
		"recorded: it was refused":   {recorded, func(r *StepResult) { r.Origin = abi.OriginRefused }, ""},
		"recorded: its runs":         {recorded, func(r *StepResult) { r.Runs = 0 }, KindRuns},
		"recorded: no return":        {recorded, func(r *StepResult) { r.Origin = abi.OriginTimeout }, KindTimeout},
		"started":                    {started, func(*StepResult) {}, ""},
		"started: it returned":       {started, func(r *StepResult) { r.Origin = abi.OriginCall }, KindReport},
		"started: its runs":          {started, func(r *StepResult) { r.Runs = 0 }, KindRuns},
		"in a loop":                  {looped, func(*StepResult) {}, ""},
		"in a loop: one run missing": {looped, func(r *StepResult) { r.Runs = 2 }, KindRuns},
	} {
		result := asExpected()[test.step]
		test.change(&result)
		d, wrong := c.Steps[test.step].Wrong(result)
		if wrong != (test.kind != "") || d.Kind != test.kind {
			t.Errorf("%s: %q, want %q", name, d.Kind, test.kind)
		}
	}
}

// TestRefusedTearDown: what a tear-down could not undo, since it was never done, deviates only where nothing has before.
func TestRefusedTearDown(t *testing.T) {
	c := load(t, `suite: s
doc: d
cases:
  - {id: c, doc: d, steps: [register: {client: a}, sleep: 1ms], tear_down: [deregister: {client: a}]}
`).All()[0]
	for name, test := range map[string]struct {
		change func([]StepResult)
		want   int
	}{
		"all is as declared":                       {func([]StepResult) {}, 0},
		"refused":                                  {func(r []StepResult) { r[2].Origin = abi.OriginRefused }, 1},
		"refused behind a deviation":               {func(r []StepResult) { r[0].Status, r[2].Origin = notReady, abi.OriginRefused }, 1},
		"failed behind a deviation":                {func(r []StepResult) { r[0].Status, r[2].Status = notReady, notReady }, 2},
		"another step is refused behind deviation": {func(r []StepResult) { r[0].Status, r[1].Origin = notReady, abi.OriginRefused }, 2},
	} {
		results := []StepResult{{Step: 0, Runs: 1}, {Step: 1, Runs: 1}, {Step: 2, Runs: 1}}
		test.change(results)
		if got := c.Judge(results); len(got) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

package suites

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
)

const stressText = `suite: s
doc: d
cases:
  - id: race
    doc: d
    steps:
      - register: {client: a}
      - loop:
          for: 1s
          parallel: 32
          shared: true
          choose:
            - weight: 50
              steps:
                - capture: {client: a, wait: none, client_set: true}
                  next_on: [STATUS_DEVICE_NOT_READY, refused]
                - release: {client: a}
                  within: 1s
            - steps:
                - deregister: {client: a}
                  next_on: refused
                - register: {client: a}
      - deregister: {client: a}
  - id: fixed
    doc: d
    steps:
      - loop:
          repeat: 10
          seed: 7
          choose:
            - steps: [{sleep: 1ms}]
            - steps: [{sleep: 2ms}]
`

func TestCompileChoice(t *testing.T) {
	d := compile(t, load(t, stressText).All()...)
	want := []abi.PlanBatch{
		{FirstStep: 1, StepCount: 4, Repeat: endless, Parallel: 32, TimeoutMs: 29500, ForMs: 1000, Groups: 2},
		{FirstStep: 6, StepCount: 2, Repeat: 10, Parallel: 1, TimeoutMs: 29500, Groups: 2, Seed: 7},
	}
	if diff := cmp.Diff(want, []abi.PlanBatch{d.batches[1], d.batches[3]}); diff != "" {
		t.Error(diff)
	}
	steps := []abi.Step{
		{Op: abi.OpCapture, TimeoutMs: 5000, Flags: abi.StepYield, Weight: 50, ExpectCount: 2, NextCount: 1,
			Expect: [4]uint32{0, 0xC00000A3}, CheckCount: 1, Check: [6]abi.Check{{Value: abi.ValueNPIClientSet, Compare: abi.EQ, Want: 1}}},
		{Op: abi.OpRelease, TimeoutMs: 5000, Weight: 50, CheckCount: 1, Check: [6]abi.Check{{Value: abi.ValueMaxNS, Compare: abi.LE, Want: 1e9}}},
		{Op: abi.OpDeregister, TimeoutMs: 5000, Flags: abi.StepYield, Group: 1, Weight: 1},
		{Op: abi.OpRegister, TimeoutMs: 5000, Group: 1, Weight: 1, Arg: [6]uint64{0, 0x0100}},
	}
	for i, want := range steps {
		if diff := cmp.Diff(want, d.steps[1+i].Step); diff != "" {
			t.Error(diff)
		}
	}
}

// TestSeeds: attempts of a case differ by one, a loop's own seed stays, and equal ones share their steps.
func TestSeeds(t *testing.T) {
	cases := load(t, stressText).All()
	entries := []Entry{{cases[0], 1}, {cases[0], 2}, {cases[1], 1}, {cases[1], 2}, {cases[0], 2}}
	plan, err := Compile(entries, PlanOptions{RunID: "r", Service: "s", Seed: 99})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	var seeds []uint32
	for i, c := range d.cases {
		for _, u := range d.batches[c.FirstBatch : c.FirstBatch+c.BatchCount] {
			if u.Groups > 0 {
				seeds = append(seeds, u.Seed)
				loop, _ := entries[i].Case.Loop(&entries[i].Case.Steps[1])
				if told := loop.SeedOf(99, entries[i].Attempt); told != u.Seed {
					t.Errorf("entry %d is told to have seed %d, and has %d", i, told, u.Seed)
				}
			}
		}
	}
	if diff := cmp.Diff([]uint32{99, 100, 7, 7, 100}, seeds); diff != "" {
		t.Error(diff)
	}
	if len(d.batches) != 7 {
		t.Errorf("%d batches, want two times three and one", len(d.batches))
	}
}

func TestLasting(t *testing.T) {
	c := load(t, stressText).All()[0]
	long, err := c.Lasting(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	before, after := compile(t, c), compile(t, long)
	if u, v := before.batches[1], after.batches[1]; v.ForMs != 60000 || v.TimeoutMs != u.TimeoutMs+59000 || u.ForMs != 1000 {
		t.Errorf("for %d, limit %d; before %d, %d", v.ForMs, v.TimeoutMs, u.ForMs, u.TimeoutMs)
	}
	if long.Timeout != c.Timeout+59*time.Second {
		t.Errorf("timeout %s, before %s", long.Timeout, c.Timeout)
	}
	if _, err := c.Lasting(time.Hour); err == nil || !strings.Contains(err.Error(), "s.race can't run its loops for 1h") {
		t.Errorf("an hour: %v", err)
	}
}

// TestLongCasesAreBatched: the steps of a long case travel many at a time, those of a short one singly.
func TestLongCasesAreBatched(t *testing.T) {
	plain := func(n int) (steps []string) {
		for range n / 2 {
			steps = append(steps, "register: {client: a}", "deregister: {client: a}")
		}
		return steps
	}
	counts := func(steps ...string) (counts []uint32) {
		d := compile(t, load(t, caseText("    timeout: 20m\n", steps...)).All()[0])
		for _, u := range d.batches {
			counts = append(counts, u.StepCount)
		}
		return counts
	}
	if got := counts(plain(100)...); len(got) != 100 {
		t.Errorf("100 steps travel in %d requests", len(got))
	}
	if got := counts(plain(1000)...); len(got) != 16 || got[15] != 1000-15*abi.MaxSteps {
		t.Errorf("1000 steps travel in %v", got)
	}
	mixed := append(plain(60), "loop: {repeat: 2, steps: [{sleep: 1ms}]}", "sleep: 60s", "sleep: 50s", "sleep: {for: 1ms}\n        repeat: 2")
	if diff := cmp.Diff([]uint32{60, 1, 1, 1, 1, 60}, counts(append(mixed, plain(60)...)...)); diff != "" {
		t.Error(diff)
	}
}

// TestJudgeChance: how often the steps of a loop ran must make sense, even where nobody could know it before.
func TestJudgeChance(t *testing.T) {
	c := load(t, stressText).All()[0]
	results := func(runs ...uint64) (all []StepResult) {
		for i, n := range runs {
			all = append(all, StepResult{Step: i, Runs: n, Values: []uint64{0, 0, 1, 1, 0, 1, 0, 0, 0, 0}})
		}
		return all
	}
	notReady := results(1, 10, 9, 2, 2, 1)
	notReady[1].Status, notReady[1].Values = 0xC00000A3, make([]uint64, 10)
	refused := results(1, 10, 9, 2, 2, 1)
	refused[1].Origin = abi.OriginRefused
	for name, test := range map[string]struct {
		results []StepResult
		want    string
	}{
		"all":            {results(1, 10, 10, 2, 2, 1), ""},
		"fewer releases": {results(1, 10, 9, 2, 2, 1), ""},
		"not ready":      {notReady, ""},
		"more releases":  {results(1, 10, 11, 2, 2, 1), "as often as the one before it, 10 times; it ran 11 times"},
		"not registered": {results(1, 10, 9, 2, 1, 1), "as often as the one before it, 2 times; it ran 1 times"},
		"never chosen":   {results(1, 10, 9, 0, 0, 1), "expected the step to run, it never did"},
		"plain step":     {results(1, 10, 9, 2, 2, 2), "expected the step to run 1 times, it ran 2 times"},
		"refused":        {refused, "the driver refused the step"},
	} {
		var got string
		if d := c.Judge(test.results); len(d) > 0 {
			got = d[0].Message
		}
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestDescribeChoice(t *testing.T) {
	var b strings.Builder
	for _, c := range load(t, stressText).All() {
		if err := c.Describe(&b); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"  for 1s on each of 32 threads, with the same clients, one of 2 choices at a time:\n    choice of weight 50:\n    2. capture a, no wait, client_set true → STATUS_SUCCESS; next on STATUS_DEVICE_NOT_READY or refused\n",
		"  10 times, one of 2 choices at a time by seed 7:\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s\nlacks\n%s", b.String(), want)
		}
	}
}

package suites

import (
	"encoding/binary"
	"io"
	"slices"

	"testing"

	"wskharness/suites/output"
	"wskharness/winerr"
)

// FuzzLoad feeds the loader anything. Whatever it accepts must describe, compile to a plan within
// the bounds of driver and agent, and judge.
func FuzzLoad(f *testing.F) {
	for _, s := range Builtin() {
		f.Add([]byte(matrix))
		f.Add([]byte("suite: s\ndoc: d\ncases:\n  - {id: c, doc: d, steps: [{run: {program: a, thread: t, env: {A: b, B: ~}, stdin: {hex: 00ff}, tap: r.tap}}, {join: {thread: t, within: 1h, exit: [0, -3]}}, {registry: {key: HKLM\\a, name: b, set: {qword: 5}}}, {registry: {parameter: c, equals: [a, b]}}, {reload: {times: 2, cycles: 2, pool_tags: ['A*'], pool_growth_at_most: 1KiB}}, {upload: {file: x, to: 'C:\\y', replace: true}}]}\n"))
		f.Add([]byte("suite: s\ndoc: d\ncases:\n  - {id: c, doc: d, with: {x: [a, b]}, set_up: [{upload: $x}], steps: [{run: {program: a, args: [$x], stdout: {matches: '(a|b)*'}, tap: stdout}}, {ioctl: {device: D, code: 1, in: {hex: 00}, out: {text: b}}}], tear_down: [{collect: $x}]}\n"))
		f.Add(s.Data)
	}
	for _, s := range exampleSuites(f) {
		f.Add(s.Data)
	}
	for _, test := range slices.Concat(mistakeTable(), deviceMistakes(), takenMistakes()) {
		f.Add([]byte(test.text))
	}
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		catalog, err := Load(Source{Name: "f", Data: data})
		if err != nil {
			if catalog != nil || err.Error() == "" {
				t.Fatalf("a catalog beside %q", err)
			}
			return
		}
		var entries []Entry
		for _, c := range catalog.All() {
			entries = append(entries, Entry{Case: c})
			if err := c.Describe(io.Discard); err != nil {
				t.Fatal(err)
			}
			if len(c.Judge(nil)) == 0 {
				t.Fatalf("%s passes without a result", c.Name())
			}
		}
		if len(entries) == 0 {
			return
		}
		plan, err := Compile(entries, PlanOptions{RunID: "r", Service: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodePlan(plan); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzJudge feeds the judge results that no honest guest reports.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 0})
	f.Add([]byte{3, 0, 0, 0, 1, 3, 2, 0, 0, 0, 0, 9})
	catalog, err := Load(append(Builtin(), exampleSuites(f)...)...)
	if err != nil {
		f.Fatal(err)
	}
	cases := catalog.All()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		c := cases[int(data[0])%len(cases)]
		var results []StepResult
		for data = data[1:]; len(data) >= 8; data = data[8:] {
			number := binary.LittleEndian.Uint32(data)
			results = append(results, StepResult{
				Step: int(int8(data[4])), Status: winerr.NTStatus(number), Origin: uint32(data[5]), Runs: uint64(data[6]),
				NS: uint64(number) << 20, Values: make([]uint64, data[7]%12), Outputs: output.Outputs{Out: data[:number%8], OutBytes: uint64(data[6])},
			})
		}
		deviations := c.Judge(results)
		if len(deviations) == 0 && len(results) < len(c.Steps) {
			t.Fatalf("%s passes with %d of %d results", c.Name(), len(results), len(c.Steps))
		}
		c.Notes(results)
		for _, d := range deviations {
			for _, k := range catalog.Known("wine", "10.0", c) {
				MatchKnown(d, k)
			}
		}
	})
}

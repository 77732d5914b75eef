package driver

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostBatch is the driver's batch.c and what belongs to it, compiled for this machine with steps that do as they are
// told: testdata/host/batch.c says how. What the driver counts can be known exactly only there.
type hostBatch struct{ program string }

func TestBatch(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler for this machine: what the driver counts is left to the tests on a guest")
	}
	b := hostBatch{filepath.Join(t.TempDir(), "batch")}
	args := []string{"-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-fsanitize=address,undefined",
		"-DWSKT_KERNEL", "-I", "testdata/host", "-I", "include", "-I", "kernel", "-I", "probe", "-I", "shared", "-o", b.program, "testdata/host/batch.c"}
	args = append(args, "probe/batch.c", "probe/kept.c", "shared/choice.c", "shared/stepstats.c", "shared/histogram.c")
	if out, err := exec.CommandContext(t.Context(), cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("percentiles", b.percentiles)
	t.Run("choices", b.choices)
	t.Run("counts exactly", b.countsExactly)
	t.Run("chooses", b.chooses)
	t.Run("notices at once", b.noticesAtOnce)
	t.Run("runs for a time", b.runsForATime)
	t.Run("refuses", b.refuses)
	t.Run("takes", b.takes)
}

func (b hostBatch) output(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("batch %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func numbers(t *testing.T, text string) (all []uint64) {
	t.Helper()
	for _, word := range strings.Fields(text) {
		var n uint64
		if _, err := fmt.Sscan(word, &n); err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// percentiles compares every percentile with the exact one of known distributions: it is never below, and at
// most an eighth above.
func (b hostBatch) percentiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	many := func(n int, next func(i int) uint64) (all []uint64) {
		for i := range n {
			all = append(all, next(i))
		}
		return all
	}
	for name, times := range map[string][]uint64{
		"one":         {12345},
		"none but 0":  many(100, func(int) uint64 { return 0 }),
		"small":       many(1000, func(i int) uint64 { return uint64(i % 16) }), // buckets of their own: exact
		"uniform":     many(10000, func(i int) uint64 { return uint64(i) }),
		"exponential": many(10000, func(int) uint64 { return uint64(random.ExpFloat64() * 5000) }),
		"powers":      many(41, func(i int) uint64 { return 1 << i }),
		"before them": many(41, func(i int) uint64 { return 1<<i - 1 }),
		"two humps":   many(1000, func(i int) uint64 { return []uint64{100, 100_000_000}[min(i/990, 1)] }),
		"an hour":     {3_600_000_000_000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Trim(fmt.Sprint(times), "[]")
			got := numbers(t, b.output(t, text, "percentiles"))
			slices.Sort(times)
			for i, reported := range got {
				percent := i + 1
				exact := times[(len(times)*percent+99)/100-1]
				if reported < exact || reported > exact+exact/8 {
					t.Errorf("p%d is %d, reported as %d", percent, exact, reported)
				}
				if name == "small" && reported != exact {
					t.Errorf("p%d is %d, reported as %d, and small ones are exact", percent, exact, reported)
				}
			}
			if got[99] != times[len(times)-1] {
				t.Errorf("the longest is %d, reported as %d", times[len(times)-1], got[99])
			}
		})
	}
}

// chosen is SplitMix64, and the choice by weight, once more and on its own.
func chosen(seed, thread uint32, count int, weights ...uint64) (all []uint64) {
	state := uint64(seed) + uint64(thread)<<32
	var sum uint64
	for _, w := range weights {
		sum += w
	}
	for range count {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		at := (z >> 33) % sum
		group := 0
		for at >= weights[group] {
			at -= weights[group]
			group++
		}
		all = append(all, uint64(group))
	}
	return all
}

// choices: a seed chooses the same each time and on every machine, each thread otherwise, and by weight.
func (b hostBatch) choices(t *testing.T) {
	choose := func(seed, thread, count string, weights ...string) []uint64 {
		return numbers(t, b.output(t, "", append([]string{"choose", seed, thread, count}, weights...)...))
	}
	first := choose("4711", "0", "20000", "6", "3", "1")
	if diff := cmp.Diff(chosen(4711, 0, 20000, 6, 3, 1), first); diff != "" {
		t.Errorf("not what its own seed and weights choose: %s", diff)
	}
	if diff := cmp.Diff(first, choose("4711", "0", "20000", "6", "3", "1")); diff != "" {
		t.Errorf("the same seed chooses otherwise: %s, want %q", diff, "")
	}
	for _, other := range [][]uint64{choose("4711", "1", "20000", "6", "3", "1"), choose("4712", "0", "20000", "6", "3", "1")} {
		if cmp.Equal(first, other) {
			t.Error("another thread, or another seed, chooses the same")
		}
	}
	var counts [3]int
	for _, group := range first {
		counts[group]++
	}
	for i, share := range []int{12000, 6000, 2000} {
		if counts[i] < share*95/100 || counts[i] > share*105/100 {
			t.Errorf("choice %d came %d times of 20000, about %d by its weight", i, counts[i], share)
		}
	}
}

// batchAnswer is what a unit on this machine came to.
type batchAnswer struct {
	Refused   uint32
	Completed int
	Step      int
	Thread    int
	Iteration int
	Steps     []batchStep
	Blocks    int // of memory that were not given back
}

type batchStep struct {
	Status, Origin uint32
	Runs, NS, Max  uint64
	P              [3]uint64
	V, W           uint64
}

func (b hostBatch) run(t *testing.T, args ...string) (a batchAnswer) {
	t.Helper()
	if err := json.Unmarshal([]byte(b.output(t, "", append([]string{"run"}, args...)...)), &a); err != nil {
		t.Fatal(err)
	}
	if a.Blocks != 0 {
		t.Errorf("%d blocks of memory were not freed", a.Blocks)
	}
	return a
}

// countsExactly: every run of every thread is counted once, and its time too.
func (b hostBatch) countsExactly(t *testing.T) {
	a := b.run(t, "16", "1000", "0", "60000", "1", "0", "0:0:good:0", "0:0:next:1000000", "0:0:good:5")
	want := []batchStep{
		{Runs: 16000, NS: 999, Max: 999, P: [3]uint64{511, 959, 999}},
		{Runs: 16000, NS: 1000999, Max: 1000999, P: [3]uint64{1000999, 1000999, 1000999}},
		{Runs: 16 * 667, NS: 671, Max: 671, P: [3]uint64{351, 639, 671}}, // every third pass ended before it
	}
	for i := range a.Steps {
		a.Steps[i].V, a.Steps[i].W = 0, 0
	}
	if a.Completed != 16 || a.Step != -1 || !cmp.Equal(a.Steps, want) {
		t.Errorf("%+v\nwant all 16 threads, and %+v", a, want)
	}

	one := b.run(t, "1", "1", "0", "60000", "1", "0", "0:0:good:100", "0:0:good:200")
	for i, s := range one.Steps {
		if s.Runs != 1 || s.P != [3]uint64{} || s.NS != uint64(i+1)*100 {
			t.Errorf("a list that runs once: step %d is %+v", i, s)
		}
	}
}

// chooses: what ran, and how often, is what the seed says.
func (b hostBatch) chooses(t *testing.T) {
	a := b.run(t, "8", "500", "0", "60000", "77", "3", "0:5:good:1", "0:5:good:1", "1:2:yield:1", "2:1:good:1")
	var want [3]uint64
	for thread := range uint32(8) {
		var yields uint64
		for _, group := range chosen(77, thread, 500, 5, 2, 1) {
			if group == 1 {
				yields++
				continue
			}
			want[group]++
		}
		want[1] += (yields + 1) / 2 // every second one is refused, and does not count
	}
	got := []uint64{a.Steps[0].Runs, a.Steps[1].Runs, a.Steps[2].Runs, a.Steps[3].Runs}
	if diff := cmp.Diff([]uint64{want[0], want[0], want[1], want[2]}, got); diff != "" || a.Completed != 8 || a.Step != -1 {
		t.Errorf("%+v: %s", a, diff)
	}
}

// noticesAtOnce: a loop ends at the first run that is not as expected, and says where it was.
func (b hostBatch) noticesAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want batchAnswer // of its steps the failing one
	}{
		"status": {[]string{"1", "1000", "0", "60000", "1", "0", "0:0:good:1", "0:0:bad:1000:0:313", "0:0:good:1"},
			batchAnswer{Step: 1, Iteration: 313, Steps: []batchStep{{Status: 0xC0000001, Runs: 314, NS: 1313, Max: 1313, V: 7}}}},
		"value": {[]string{"1", "1000", "0", "60000", "1", "0", "0:0:good:1", "0:0:value:1000:0:20", "0:0:good:1"},
			batchAnswer{Step: 1, Iteration: 20, Steps: []batchStep{{Runs: 21, NS: 1020, Max: 1020, V: 8}}}},
		"first run": {[]string{"1", "1000", "0", "60000", "1", "0", "0:0:bad:1000:0:0", "0:0:good:1"},
			batchAnswer{Step: 0, Iteration: 0, Steps: []batchStep{{Status: 0xC0000001, Runs: 1, NS: 1000, Max: 1000, V: 7}}}},
		"on a thread": {[]string{"16", "1000000", "0", "60000", "1", "0", "0:0:good:1", "0:0:value:1:11:17"},
			batchAnswer{Step: 1, Thread: 11, Iteration: 17}},
		"stuck": {[]string{"4", "100", "0", "300", "1", "0", "0:0:good:1", "0:0:stuck:1:2:50"},
			batchAnswer{Step: 1, Thread: 2, Iteration: 50, Completed: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.run(t, test.args...)
			failed := got.Steps[got.Step]
			failed.P = [3]uint64{}
			if got.Step != test.want.Step || got.Thread != test.want.Thread || got.Iteration != test.want.Iteration {
				t.Fatalf("got %+v, want %+v", got, test.want)
			}
			switch name {
			case "on a thread":
				if failed.V != 8 || got.Completed != 0 || failed.Runs >= 16*1000000 {
					t.Errorf("%+v: want the value that was wrong, and every thread to end", got)
				}
			case "stuck":
				if failed.Status != 0x102 || failed.Origin != 2 || got.Completed != 3 || failed.Runs < 51 || got.Steps[0].Runs < failed.Runs {
					t.Errorf("%+v: want a timeout", got)
				}
			default:
				if !cmp.Equal(failed, test.want.Steps[0]) || got.Completed != 0 {
					t.Errorf("%+v, want %+v", got, test.want.Steps[0])
				}
			}
		})
	}
}

// runsForATime: each thread begins lists until the time is up, and no longer. A step takes a microsecond.
func (b hostBatch) runsForATime(t *testing.T) {
	a := b.run(t, "4", "4294967295", "100", "60000", "1", "0", "0:0:good:1", "0:0:good:1")
	if lists := a.Steps[0].Runs; a.Completed != 4 || a.Step != -1 || a.Steps[1].Runs != lists || lists < 50_000 || lists > 50_003 {
		t.Errorf("%+v: want as many lists as fill the time, and those that the other threads are at then", a)
	}
	// By chance alone the second choice would hardly come within a millisecond.
	rare := b.run(t, "1", "4294967295", "1", "60000", "1", "2", "0:60000:good:1", "1:1:good:1")
	if rare.Completed != 1 || rare.Step != -1 || rare.Steps[1].Runs != 1 {
		t.Errorf("%+v: want each choice to have its turn", rare)
	}
	bounded := b.run(t, "4", "3", "30000", "60000", "1", "0", "0:0:good:1", "0:0:good:1")
	if bounded.Completed != 4 || bounded.Steps[0].Runs != 12 {
		t.Errorf("%+v, want three passes on each of 4 threads", bounded)
	}
}

// refuses: what is not well formed is refused, and nothing runs.
func (b hostBatch) refuses(t *testing.T) {
	for name, args := range map[string][]string{
		"a group without weight": {"1", "1", "0", "1000", "1", "2", "0:1:good:1", "1:0:good:1"},
		"groups out of order":    {"1", "1", "0", "1000", "1", "2", "1:1:good:1", "0:1:good:1"},
		"a group too few":        {"1", "1", "0", "1000", "1", "3", "0:1:good:1", "1:1:good:1"},
		"a group missing":        {"1", "1", "0", "1000", "1", "2", "0:1:good:1", "2:1:good:1"},
		"groups of no choice":    {"1", "1", "0", "1000", "1", "0", "0:1:good:1", "1:1:good:1"},
		"a time over its limit":  {"1", "1", "2000", "1000", "1", "0", "0:0:good:1"},
		"no thread":              {"0", "1", "0", "1000", "1", "0", "0:0:good:1"},
		"too many threads":       {"65", "1", "0", "1000", "1", "0", "0:0:good:1"},
		"a limit over all":       {"1", "1", "0", "3600001", "1", "0", "0:0:good:1"},
		"kept twice":             {"1", "2", "0", "1000", "1", "0", "0:0:keep:1"},
		"kept on two threads":    {"2", "1", "0", "1000", "1", "0", "0:0:keep:1"},
		"kept by chance":         {"1", "1", "0", "1000", "1", "2", "0:1:keep:1", "1:1:good:1"},
		"taken from nowhere":     {"1", "1", "0", "1000", "1", "0", "0:0:keep:1", "0:0:beyond:1"},
	} {
		if a := b.run(t, args...); a.Refused != 0xC000000D {
			t.Errorf("%s: got %+v, want it refused with 0xC000000D", name, a)
		}
	}
}

// takes: a step gets what an earlier one of its case reported, is judged by it, and does not run without it.
func (b hostBatch) takes(t *testing.T) {
	a := b.run(t, "1", "1", "0", "60000", "1", "0", "0:0:keep:4711", "0:0:good:1", "0:0:take:1", "0:0:keep:12", "0:0:take:1")
	if a.Step != -1 || a.Completed != 1 || a.Steps[2].W != 4711 || a.Steps[4].W != 12 {
		t.Errorf("%+v: want 4711 taken, and then 12", a)
	}
	wrong := b.run(t, "1", "1", "0", "60000", "1", "0", "0:0:keep:4711", "0:0:take:1:0:0", "0:0:good:1")
	if wrong.Step != 1 || wrong.Steps[1].W != 4712 || wrong.Steps[2].Runs != 0 {
		t.Errorf("%+v: want the one that reports another number to end the list", wrong)
	}
	without := b.run(t, "1", "1", "0", "60000", "1", "0", "0:0:good:1", "0:0:take:1", "0:0:good:1")
	if without.Step != 1 || without.Steps[1].Origin != 1 || without.Steps[1].Status != 0xC0000225 || without.Steps[2].Runs != 0 {
		t.Errorf("%+v: want STATUS_NOT_FOUND, refused", without)
	}
	failed := b.run(t, "1", "1", "0", "60000", "1", "0", "0:0:bad:1:0:0", "0:0:keep:5", "0:0:take:1")
	if failed.Step != 0 || failed.Steps[2].Runs != 0 {
		t.Errorf("got %+v, want step 0 failed, and step 2 not run", failed)
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wskharness/driver/drivertest"
	"wskharness/results"
	"wskharness/testtime"
)

// resumeSuite has what a run may meet: cases of different length, a failure, a crash in the middle, after which
// the machine is reverted, and cases behind it.
const resumeSuite = `suite: life
doc: A run that is worth continuing
cases:
  - id: quick
    doc: Over at once.
    steps: [register: {client: a}, deregister: {client: a}]
  - id: waits
    doc: Takes a while.
    steps: [register: {client: a}, sleep: 100ms, deregister: {client: a}, sleep: 50ms]
  - id: fails
    doc: Does not do as it is declared to.
    steps:
      - register: {client: a}
        expect: STATUS_INVALID_PARAMETER
  - id: faults
    doc: Crashes the machine.
    misuse: true
    steps: [sleep: 50ms, fault: {kind: write, address: 0x10}]
  - id: after
    doc: Runs on a machine that was reverted.
    steps: [register: {client: a}, sleep: 100ms, deregister: {client: a}]
  - id: last
    doc: The last one.
    steps: [register: {client: a}, capture: {client: a, wait: none}, release: {client: a}, deregister: {client: a}]
`

// kills is how many controllers TestKilledAtAnyMoment kills at least.
func kills() int {
	if testtime.Race {
		return 2
	}
	return 52
}

// TestKilledAtAnyMoment kills the controller at a random moment of a run, most of them again and again while they
// resume, and continues until the run is over: the verdicts are those of an undisturbed run, every attempt
// is judged once, and nothing is left behind.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	l := newLife(t)
	l.wskharness(t, "first", "run", "life.quick") // what is made once is made
	begun := time.Now()
	said := l.wskharness(t, "undisturbed", "run", "life.*", "life.faults")
	whole := time.Since(begun)
	want := l.verdicts(t, "undisturbed")
	if len(want) != 6 || !strings.Contains(want["life.faults"], "bugcheck") || !strings.Contains(want["life.after"], "pass") {
		t.Fatalf("the undisturbed run: %v: %s", want, said)
	}
	var killed int
	var mu sync.Mutex
	var workers sync.WaitGroup
	for worker := range min(3, kills()) {
		random := rand.New(rand.NewPCG(seed, uint64(worker)))
		workers.Go(func() {
			for i := 0; !t.Failed(); i++ {
				mu.Lock()
				enough := killed >= kills()
				mu.Unlock()
				if enough {
					return
				}
				out := fmt.Sprintf("run-%d-%d", worker, i)
				n, moments := l.disturb(t, out, random, whole)
				mu.Lock()
				killed += n
				mu.Unlock()
				if got := l.verdicts(t, out); !maps.Equal(got, want) {
					t.Errorf("%s, killed after %v:\n got %v\nwant %v\n%s", out, moments, got, want, l.journal(out))
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d controllers were killed; a run takes %s", killed, whole.Round(time.Millisecond))
	l.nothingLeft(t)
}

// life is a folder in which runs live and die.
type life struct {
	dir, cache string
	env        []string
}

func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{dir: t.TempDir()}
	l.cache = filepath.Join(l.dir, "cache", "wskharness")
	if err := drivertest.Share(sharedCache(t), l.cache, "wine/templates"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endGuests(l.cache) })
	for name, text := range map[string]string{
		"wskharness.yaml": "targets: {wine: {provider: wine}}\nsuites: [life.yaml]\n", "life.yaml": resumeSuite,
	} {
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Dir(l.cache), "XDG_CONFIG_HOME="+filepath.Join(sharedCache(t), "test-config"))
	return l
}

func (l *life) command(ctx context.Context, out string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, "wskharness", append(args, "--out", out)...)
	cmd.Dir, cmd.Env = l.dir, l.env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 5 * time.Second
	return cmd, &said
}

// wskharness runs a command to its end, whatever its exit code is.
func (l *life) wskharness(t *testing.T, out string, args ...string) string {
	t.Helper()
	ctx := testtime.Context(t)
	cmd, said := l.command(ctx, out, args...)
	if err := cmd.Run(); ctx.Err() != nil || cmd.ProcessState == nil {
		t.Errorf("%v: %v: %s", args, err, said)
	}
	return said.String()
}

// disturb begins a run, kills its controller, and continues it: to its end, or until it is killed once more.
// It returns how many controllers died, and when.
func (l *life) disturb(t *testing.T, out string, random *rand.Rand, whole time.Duration) (killed int, moments []time.Duration) {
	limit := 1 + random.IntN(8)
	for len(moments) < limit {
		after := time.Duration(random.Int64N(int64(whole)))
		if len(moments) > 0 { // what is left is shorter
			after /= 3
		}
		moments = append(moments, after)
		cmd, said := l.command(t.Context(), out, l.args(out)...)
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			killed++
			continue
		}
		if code := cmd.ProcessState.ExitCode(); code != results.ExitFailed {
			t.Errorf("%s: %v (killed after %v before): %s", out, err, moments, said)
		}
		return
	}
	if said := l.wskharness(t, out, l.args(out)...); !strings.Contains(said, "Failed") && !strings.Contains(said, "bugcheck") {
		t.Errorf("%s: the end of a run that was killed after %v: %s", out, moments, said)
	}
	return
}

// args begin a run, or continue it where it was begun.
func (l *life) args(out string) []string {
	if _, err := os.Lstat(filepath.Join(l.dir, out, "latest")); err != nil {
		return []string{"run", "life.*", "life.faults"}
	}
	return []string{"run", "--resume", "latest"}
}

func (l *life) journal(out string) string {
	data, _ := os.ReadFile(filepath.Join(l.dir, out, "latest", results.JournalName))
	return string(data)
}

// verdicts are those of the newest run in a folder: the outcome of each case, and how often it was judged.
func (l *life) verdicts(t *testing.T, out string) map[string]string {
	t.Helper()
	events, err := results.Read(strings.NewReader(l.journal(out)))
	if err != nil {
		t.Errorf("%s: %v", out, err)
	}
	judged := map[string][]string{}
	for _, e := range events {
		if e.Kind == results.KindCaseFinished {
			judged[e.Case] = append(judged[e.Case], string(e.Verdict.Outcome))
		}
	}
	verdicts := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		verdicts[name] = strings.Join(judged[name], " and ")
	}
	if n := len(events); n == 0 || events[n-1].Kind != results.KindRunFinished {
		t.Errorf("%s: the run has no end", out)
	}
	return verdicts
}

// nothingLeft waits for guests that were being brought up when their controller died to end themselves, and
// checks that then nothing is left.
func (l *life) nothingLeft(t *testing.T) {
	t.Helper()
	var guests, left []string
	nothing := until(testtime.Context(t), func() bool {
		l.sweep(t) // also what was being made when its controller died, and is only now known to be dead
		guests, _ = filepath.Glob(filepath.Join(l.cache, "wine", "guests", "*"))
		left = processesOf(l.cache)
		return len(guests) == 0 && len(left) == 0
	})
	if !nothing {
		t.Fatalf("left behind: %v; %v", guests, left)
	}
}

// sweep does what the user does after a power cut.
func (l *life) sweep(t *testing.T) {
	t.Helper()
	ctx := testtime.Context(t)
	cmd := exec.CommandContext(ctx, "wskharness", "vm", "down", "--all")
	cmd.Dir, cmd.Env = l.dir, l.env
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("vm down --all: %v: %s", err, said)
	}
}

package harness

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/remote/winrmd"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
)

// networkSuite has each kind of verdict that a guest can bring about by itself.
const networkSuite = `suite: network
doc: A run over a network that fails
cases:
  - id: quick
    doc: Over at once.
    steps: [register: {client: a}, deregister: {client: a}]
  - id: waits
    doc: Long enough for contact to be lost in the middle.
    steps: [register: {client: a}, sleep: 150ms, deregister: {client: a}, sleep: 50ms]
  - id: fails
    doc: Does not do as it is declared to.
    steps:
      - register: {client: a}
        expect: STATUS_INVALID_PARAMETER
  - id: faults
    doc: Crashes the machine.
    misuse: true
    steps: [fault: {kind: write, address: 0x10}]
  - id: last
    doc: The last one.
    steps: [register: {client: a}, capture: {client: a, wait: none}, release: {client: a}, deregister: {client: a}]
`

// failing is what goes wrong with a guest's requests by a seed: about every eighth one. A black hole is not
// among it: how a client gets out of one takes a minute, and is tested with the client.
func failing(seed string) func(winrmd.Request) winrmd.InjectedFault {
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		panic("the seed of the injected faults: " + err.Error())
	}
	random := rand.New(rand.NewPCG(n, 1))
	often := []winrmd.FaultKind{winrmd.NoFault, winrmd.Drop, winrmd.LoseAnswer, winrmd.HalfClose, winrmd.ServerError}
	var mu sync.Mutex
	return func(winrmd.Request) winrmd.InjectedFault {
		mu.Lock()
		defer mu.Unlock()
		switch dice := random.IntN(100); {
		case dice < 10:
			return winrmd.InjectedFault{Kind: often[random.IntN(len(often))], Delay: time.Duration(random.IntN(40)) * time.Millisecond}
		case dice < 11:
			return winrmd.InjectedFault{Kind: winrmd.ShellVanishes}
		case dice < 12: // the service is away for a while
			return winrmd.InjectedFault{Kind: winrmd.Reboot, Delay: time.Duration(random.IntN(600)) * time.Millisecond}
		}
		return winrmd.InjectedFault{}
	}
}

// networkRuns is how many runs TestNetworkThatFails makes.
func networkRuns() uint64 {
	if testtime.Race {
		return 2
	}
	return 20
}

// TestNetworkThatFails makes whole runs while requests are dropped, answers are lost or cut, shells vanish and the
// service goes away: every verdict is that of an undisturbed run, or says that contact was lost, and each run ends. A guest
// that can't be connected to in all tries has none.
func TestNetworkThatFails(t *testing.T) {
	env := testEnv(t)
	config := harnesstest.Config(t, "suites: [network.yaml]\n", map[string]string{"network.yaml": networkSuite})
	whole := harnesstest.Outcomes(networkRun(t, env, config, "undisturbed", true).Record)
	calm := maps.Clone(whole)
	delete(calm, "network.faults")
	if diff := cmp.Diff(map[string]results.Outcome{"network.quick": results.Pass, "network.waits": results.Pass,
		"network.fails": results.Fail, "network.faults": results.Bugcheck, "network.last": results.Pass}, whole); diff != "" {
		t.Fatalf("the undisturbed run: %s", diff)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seeds from %d on", seed)
	var lost int
	var mu sync.Mutex
	var all sync.WaitGroup
	lanes := make(chan struct{}, 3)
	for i := range networkRuns() {
		all.Go(func() {
			lanes <- struct{}{}
			defer func() { <-lanes }()
			env := env
			env.Program = append(env.Program[:1:1], strconv.FormatUint(seed+i, 10))
			crash, want := i%4 == 0, calm
			if crash {
				want = whole
			}
			done := networkRun(t, env, config, fmt.Sprint("run-", i), crash)
			if done == nil {
				return
			}
			got := harnesstest.Outcomes(done.Record)
			for name, outcome := range want {
				switch got[name] {
				case outcome:
				case results.NotRun:
					if trouble := done.Record.Targets[0]; trouble.Troubled != results.PhaseConnect {
						t.Errorf("seed %d: %s did not run, and the trouble is %s: %s", seed+i, name, trouble.Troubled, trouble.Trouble)
					}
				case results.Lost:
					mu.Lock()
					lost++
					mu.Unlock()
					t.Logf("seed %d, lost: %s", seed+i, harnesstest.ReasonOf(done.Record, name))
				default:
					t.Errorf("seed %d: %s is called %q, not %s\n%s", seed+i, name, got[name], outcome, summary(done))
				}
			}
			delete(got, "deploy.crash") // a crash of which only that much is known
			maps.DeleteFunc(got, func(name string, outcome results.Outcome) bool {
				return outcome == results.Lost && strings.HasPrefix(name, "deploy.") // what could not be started at first, or stopped
			})
			if len(got) != len(want) {
				t.Errorf("seed %d: %v\n%s", seed+i, slicesOf(got), summary(done))
			}
		})
	}
	all.Wait()
	t.Logf("%d verdicts of %d runs were lost", lost, networkRuns())
}

func networkRun(t *testing.T, env Env, config *config.Config, name string, crash bool) *Finished {
	t.Helper()
	patterns := []string{"network"}
	if crash {
		patterns = append(patterns, "network.faults")
	}
	plan, err := NewPlan(Request{Config: config, Out: filepath.Join(config.Out, name), Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		t.Error(err)
		return nil
	}
	ctx := testtime.Context(t)
	begun := time.Now()
	done, err := plan.Run(ctx, env)
	if err != nil || ctx.Err() != nil {
		t.Errorf("%s, with %v, after %s: %v\n%s", name, env.Program[1:], time.Since(begun), err, summary(done))
	}
	return done
}

// onModel gives the guest of a configuration the harness's model for its netio.sys.
func onModel(t *testing.T, c *config.Config) {
	t.Helper()
	model, err := harnesstest.ParseConfig([]byte("targets: {wine: {provider: wine, netio: model}}\n"), "c.yaml", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.Targets = model.Targets
}

func slicesOf(m map[string]results.Outcome) string {
	var all []string
	for name, outcome := range m {
		all = append(all, name+" "+string(outcome))
	}
	return strings.Join(all, ", ")
}

// summary is what a run says of itself, for whoever has to find out what went wrong.
func summary(done *Finished) string {
	if done == nil {
		return "no run"
	}
	return harnesstest.Summary(done.Dir)
}

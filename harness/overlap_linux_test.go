package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/wine"
	"wskharness/workshop"
)

// slowBuild is a plan for a driver whose build takes longer than anybody waits, and for a machine that nobody can reach.
func slowBuild(t *testing.T) *Plan {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taint.yaml"), []byte(taintSuite), 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := harnesstest.ParseConfig([]byte("targets: {lab: {provider: static, url: 'https://127.0.0.1:1/wsman', user: u, password_env: P, auth: basic}}\n"+
		"driver: {source: ., build: [sleep, '600'], sys: x.sys}\nsuites: [taint.yaml]\n"), config.Name, dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"taint.well"}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestBuildIsEndedByTheLimitOfTheRun(t *testing.T) {
	for text, limit := range map[string]time.Duration{"1ns": time.Nanosecond, "500ms": 500 * time.Millisecond} { // before it begins, and later
		t.Run(text, func(t *testing.T) {
			plan := slowBuild(t)
			plan.Request.Config.Limits.Run = limit
			_, err := plan.Run(testtime.Context(t), testEnv(t))
			if _, ok := errors.AsType[*workshop.BuildError](err); !ok || err.Error() != "build: the run exceeded its limit of "+text+" (`limits: run` in the configuration raises it)" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestInterruptWhileBuilding(t *testing.T) {
	ctx, interrupt := context.WithCancel(testtime.Context(t))
	time.AfterFunc(500*time.Millisecond, interrupt)
	done, err := slowBuild(t).Run(ctx, testEnv(t))
	if err != nil || done.Record.Reason != results.Interrupted {
		t.Errorf("%v, error %v", done.Record.Reason, err)
	}
}

// interrupter ends the run when a target begins with the deployment.
type interrupter struct{ interrupt func() }

func (i interrupter) Handle(e results.Update) error {
	if e.Kind == results.KindTargetPhase && e.Phase.Name == results.PhaseDeploy && e.Phase.State == results.PhaseStarted {
		i.interrupt()
	}
	return nil
}

// counted counts how often a guest is reverted.
type counted struct {
	*wine.Machine
	reverts int
}

func (c *counted) Revert(ctx context.Context) error {
	c.reverts++
	return c.Machine.Revert(ctx)
}

// What is interrupted while it is being started may have been started: the next run gets the guest clean.
func TestInterruptWhileDeploying(t *testing.T) {
	env := testEnv(t)
	var machine *counted
	env.Instruments.Wrap = func(m vm.Machine) vm.Machine {
		machine = &counted{Machine: m.(*wine.Machine)}
		return machine
	}
	config := harnesstest.Config(t, "suites: [taint.yaml]\n", map[string]string{"taint.yaml": taintSuite})
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Warm: true,
		Selection: suites.Selection{Patterns: []string{"taint.well"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(testtime.Context(t))
	done, err := plan.Run(ctx, env, interrupter{interrupt})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := targets.Down(testtime.Context(t), config, env.Host, nil, true); err != nil { // it was kept
		t.Error(err)
	}
	if why := harnesstest.ReasonOf(done.Record, "taint.well"); machine.reverts != 1 || !strings.HasPrefix(why, "taint.well: the run was interrupted") {
		t.Errorf("reverted %d times; %s", machine.reverts, why)
	}
}

// turnedOff turns its guest off and on when it was connected to for the first time.
type turnedOff struct {
	t       *testing.T
	machine *wine.Machine
	once    sync.Once
}

func (r *turnedOff) Handle(e results.Update) (err error) {
	if e.Kind == results.KindTargetPhase && e.Phase.Name == results.PhaseConnect && e.Phase.State == results.PhaseDone {
		r.once.Do(func() {
			state := r.machine.State()
			err = state.Reset(testtime.Context(r.t))
		})
	}
	return err
}

// A guest that reboots while the driver is being built has lost nothing.
func TestRebootWhileBuilding(t *testing.T) {
	env := testEnv(t)
	r := &turnedOff{t: t}
	env.Instruments.Wrap = func(m vm.Machine) vm.Machine {
		r.machine = m.(*wine.Machine)
		return m
	}
	config := harnesstest.Config(t, "suites: [taint.yaml]\n", map[string]string{"taint.yaml": taintSuite})
	done := executeRun(t, env, config, r, "taint.well")
	if got := harnesstest.Outcomes(done.Record); got["taint.well"] != results.Pass || done.Record.Targets[0].Trouble != "" {
		t.Errorf("%v\n%s", got, summary(done))
	}
}

// opener makes a file when a target is connected to: what waits for it can only go on beside that.
type opener struct {
	t        *testing.T
	file     string
	released bool
}

func (o *opener) Handle(e results.Update) error {
	if e.Phase == nil || e.Phase.State != results.PhaseDone {
		return nil
	}
	switch e.Phase.Name {
	case results.PhaseConnect:
		if err := os.WriteFile(o.file, nil, 0o600); err != nil {
			o.t.Error(err)
		}
	case results.PhaseRelease:
		o.released = true
	}
	return nil
}

// TestTargetIsBroughtUpBesideTheBuild has a build wait for its target, and then end well or not.
func TestTargetIsBroughtUpBesideTheBuild(t *testing.T) {
	env := testEnv(t)
	w, err := workshop.New(t.Context(), env.Host)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := driver.Build(t.Context(), w.Toolchain, driver.SampleSpec(nil), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, end string) (*Finished, error) {
		o := &opener{t: t, file: filepath.Join(t.TempDir(), "connected")}
		config := harnesstest.Config(t, "driver: {source: ., build: [sh, -c, 'while [ ! -e "+o.file+" ]; do sleep 0.05; done; "+end+"'], sys: own.sys}\n"+
			"suites: [own.yaml]\n", map[string]string{
			"own.yaml": "suite: own\ndoc: It loads.\ncases:\n  - {id: loads, doc: A program runs., steps: [run: {program: cmd.exe, args: [/c, exit, '0']}]}\n",
		})
		plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"own"}}})
		if err != nil {
			t.Fatal(err)
		}
		done, err := plan.Run(testtime.Context(t), env, o)
		if !o.released {
			t.Error("the target was not released")
		}
		if left, err := targets.Guests(t.Context(), env.Host); err != nil || len(left) > 0 {
			t.Errorf("guests are left: %v, %v", left, err)
		}
		return done, err
	}
	t.Run("that ends well", func(t *testing.T) {
		done, err := run(t, "cp "+sample.Path+" own.sys")
		if err != nil {
			t.Fatalf("%v\n%s", err, summary(done))
		}
		if got := harnesstest.Outcomes(done.Record)["own.loads"]; got != results.Pass {
			t.Errorf("%s\n%s", got, summary(done))
		}
	})
	t.Run("that fails", func(t *testing.T) {
		done, err := run(t, "echo a mistake; exit 3")
		if _, ok := errors.AsType[*workshop.BuildError](err); !ok {
			t.Errorf("error %v", err)
		}
		if got := harnesstest.Outcomes(done.Record)["own.loads"]; got != results.NotRun {
			t.Errorf("%s\n%s", got, summary(done))
		}
	})
}

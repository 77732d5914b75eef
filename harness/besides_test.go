package harness

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"wskharness/driver"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
)

// opener makes a file when a target is connected to: what waits for it can only go on beside that.
type opener struct {
	t        *testing.T
	file     string
	released bool
}

func (o *opener) Handle(e results.Event) error {
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
	w, err := NewWorkshop(t.Context(), env.Cache)
	if err != nil {
		t.Fatal(err)
	}
	sample, err := driver.Build(t.Context(), w.Toolchain, driver.SampleSpec(nil), w.Cache)
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, end string) (*Finished, error) {
		o := &opener{t: t, file: filepath.Join(t.TempDir(), "connected")}
		config := configOf(t, "driver: {source: ., build: [sh, -c, 'while [ ! -e "+o.file+" ]; do sleep 0.05; done; "+end+"'], sys: own.sys}\n"+
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
		if left, err := Guests(env); err != nil || len(left) > 0 {
			t.Errorf("guests are left: %v, %v", left, err)
		}
		return done, err
	}
	t.Run("that ends well", func(t *testing.T) {
		done, err := run(t, "cp "+sample.Path+" own.sys")
		if err != nil {
			t.Fatalf("%v\n%s", err, summary(done))
		}
		if got := outcomes(done.Record)["own.loads"]; got != results.Pass {
			t.Errorf("%s\n%s", got, summary(done))
		}
	})
	t.Run("that fails", func(t *testing.T) {
		done, err := run(t, "echo a mistake; exit 3")
		if _, ok := errors.AsType[*BuildError](err); !ok {
			t.Errorf("error %v", err)
		}
		if got := outcomes(done.Record)["own.loads"]; got != results.NotRun {
			t.Errorf("%s\n%s", got, summary(done))
		}
	})
}

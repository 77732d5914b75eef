package harness

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wskharness/harness/harnesstest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/wine"
)

// inReboot kills the process that serves a guest, when the guest has said that it reboots.
type inReboot struct {
	t       *testing.T
	out     string
	machine *wine.Machine
	done    sync.WaitGroup
}

func (k *inReboot) Handle(e results.Update) error {
	if e.Kind == results.KindCaseStarted && e.Case == "reboots.once" {
		k.done.Go(k.kill)
	}
	return nil
}

func (k *inReboot) kill() {
	testtime.Await(k.t, "the guest's word that it reboots", func() bool {
		said, _ := os.ReadFile(filepath.Join(k.out, "latest", "targets", "wine", "journal-1.ndjson"))
		return bytes.Contains(said, []byte(`"ev":"reboot"`))
	})
	if err := syscall.Kill(k.machine.State().PID, syscall.SIGKILL); err != nil {
		k.t.Error(err)
	}
}

// A guest whose serving process is killed while it reboots is not waited for until the time of its boot is up.
func TestGuestThatEndsInAReboot(t *testing.T) {
	env := testEnv(t)
	config := harnesstest.Config(t, "suites: [reboots.yaml]\n", map[string]string{
		"reboots.yaml": "suite: reboots\ndoc: d\ncases:\n  - {id: once, doc: d, steps: [reboot: {}]}\n  - {id: next, doc: d, steps: [sleep: 1ms]}\n",
	})
	k := &inReboot{t: t, out: config.Out}
	env.Instruments.Wrap = func(m vm.Machine) vm.Machine {
		k.machine = m.(*wine.Machine)
		return m
	}
	env.Instruments.TimeUp = func(test, what string) {
		if test == "" {
			t.Errorf("it was waited for the guest: %s", what)
		}
	}
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"reboots"}}})
	if err != nil {
		t.Fatal(err)
	}
	done, err := plan.Run(testtime.Context(t), env, k)
	k.done.Wait()
	if err != nil {
		t.Fatal(err)
	}
	got := harnesstest.Outcomes(done.Record)
	if why := harnesstest.ReasonOf(done.Record, "reboots.once"); got["reboots.once"] != results.Lost || got["reboots.next"] != results.NotRun || !strings.Contains(why, vm.ErrEnded.Error()) {
		t.Errorf("%v: %s\n%s", got, why, summary(done))
	}
}

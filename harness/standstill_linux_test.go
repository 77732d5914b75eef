package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/harness/harnesstest"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/vm"
	"wskharness/vm/wine"
)

// stuck is a machine that stands still after a crash until it is reset, and whose memory can be dumped: as a VM is whose
// guest does not restart by itself.
type stuck struct {
	*wine.Machine
	events chan vm.Event
	dead   atomic.Bool
	resets atomic.Int32
	broken error // of DumpMemory
}

func newStuck(m *wine.Machine, broken error) *stuck {
	s := &stuck{Machine: m, events: make(chan vm.Event, 64), broken: broken}
	go func() {
		defer close(s.events)
		for e := range m.Events() {
			if e.Kind == vm.Panicked {
				s.dead.Store(true)
			}
			s.events <- e
		}
	}()
	return s
}

func (s *stuck) Events() <-chan vm.Event { return s.events }

// Endpoint is one at which nobody listens while the machine stands still.
func (s *stuck) Endpoint() remote.Endpoint {
	e := s.Machine.Endpoint()
	if s.dead.Load() {
		e.URL = "https://127.0.0.1:1/wsman"
	}
	return e
}

func (s *stuck) Reset(ctx context.Context) error {
	s.resets.Add(1)
	err := s.Machine.Reset(ctx)
	s.dead.Store(false)
	return err
}

func (s *stuck) DumpMemory(_ context.Context, path string) (string, error) {
	if s.broken != nil {
		return "", s.broken
	}
	return "elf", os.WriteFile(path, []byte("what was in its memory"), 0o600)
}

// TestMachineThatStandsStill: a machine that does not restart after its crash is reset, so that its journal can be read to its
// end, and its memory is kept where its target wants that. A dump that fails costs the evidence, and not the verdict.
func TestMachineThatStandsStill(t *testing.T) {
	for name, test := range map[string]struct {
		wanted bool
		broken error
		memory int // pieces of evidence
	}{
		"its memory is kept":   {wanted: true, memory: 1},
		"its memory is not":    {},
		"no memory can be had": {wanted: true, broken: errors.New("no space left")},
	} {
		t.Run(name, func(t *testing.T) {
			env := testEnv(t)
			var m *stuck
			env.Instruments.Wrap = func(machine vm.Machine) vm.Machine {
				m = newStuck(machine.(*wine.Machine), test.broken)
				return m
			}
			config := harnesstest.Config(t, "suites: [taint.yaml]\n", map[string]string{"taint.yaml": taintSuite})
			config.Targets[0].Machine.MemoryDump, config.Targets[0].Machine.BootWithin = test.wanted, 3*time.Second
			done := executeRun(t, env, config, nil, "taint.faults", "taint.well")
			want := map[string]results.Outcome{"taint.faults": results.Bugcheck, "taint.well": results.Pass}
			if diff := cmp.Diff(want, harnesstest.Outcomes(done.Record)); diff != "" {
				t.Errorf("%s\n%s", diff, summary(done))
			}
			if m.resets.Load() == 0 {
				t.Error("it was not reset")
			}
			var kept []results.Evidence
			for _, e := range done.Record.Targets[0].Cases[0].Attempts[0].Evidence {
				if e.Kind == "memory" {
					kept = append(kept, e)
				}
			}
			if len(kept) != test.memory {
				t.Fatalf("evidence of its memory: %+v; want %d pieces", kept, test.memory)
			}
			if test.broken != nil && !strings.Contains(summary(done), "no space left") {
				t.Errorf("nothing is said of the dump that failed:\n%s", summary(done))
			}
			for _, e := range kept {
				data, err := os.ReadFile(filepath.Join(done.Dir, filepath.FromSlash(e.File)))
				if err != nil || string(data) != "what was in its memory" || e.Text != "elf" || e.Size != int64(len(data)) {
					t.Errorf("%+v: %q, %v", e, data, err)
				}
			}
		})
	}
}

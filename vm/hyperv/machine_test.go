//go:build linux

package hyperv

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/vm"
	"wskharness/vm/vmtest"
)

func TestConformance(t *testing.T) {
	for name, memory := range map[string]bool{"standard checkpoint": true, "production checkpoint": false} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.vms[0].checkpoints[0].memory = memory
			o := h.options()
			file := filepath.Join(h.vms[0].guest.disk, "dirt")
			vmtest.Run(t, newProvider(o), vmtest.Expect{Command: "echo up", Output: "up", Reverts: true, Dirty: "touch " + file, Clean: "test ! -e " + file, One: "is up already",
				Left: func() ([]string, error) {
					left, err := filepath.Glob(filepath.Join(room(o.Host.Cache), "*"))
					if s, _ := h.seen(); s == stateRunning && len(left) == 0 {
						left = append(left, "the machine runs, and no lease tells of it")
					}
					return left, err
				}})
			nothingLeft(t, h, o)
		})
	}
}

// acquired is a machine of a host, which is released with the test.
func acquired(t *testing.T, o options, target vm.Target) *machine {
	t.Helper()
	m, err := newProvider(o).Acquire(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Release(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m.(*machine)
}

// killed is what the end of a controller leaves: the machine as it is, and a lease that nobody holds.
func killed(m *machine) { m.abandon() }

var aRun = vm.Target{Name: "win11", Run: "run-1"}

// What the host's log says of the machine is told, with what it knows of a crash; what it says of others is not, and neither is
// what we have done ourselves.
func TestEvents(t *testing.T) {
	h := newHost(t)
	h.vms = append(h.vms, &playedVM{id: idB, name: "other", state: stateRunning, guest: h.vms[0].guest})
	m := acquired(t, h.options(), aRun)
	for name, test := range map[string]struct {
		happens func(v *playedVM)
		want    []vm.Event
	}{
		"crash": {func(v *playedVM) { h.crash(v, 0xd1, 0x10) },
			[]vm.Event{{Kind: vm.Panicked, Code: 0xd1, Args: [4]uint64{0x10, 0xffffffffffffffff}}, {Kind: vm.Reset}}},
		"triple fault": {func(v *playedVM) { h.log(v, eventTripleUnrec, "") }, []vm.Event{{Kind: vm.Panicked}}},
		"turned off":   {func(v *playedVM) { h.log(v, eventTurnedOff, "") }, []vm.Event{{Kind: vm.Stopped}}},
		"shut down":    {func(v *playedVM) { h.log(v, eventOffByGuest, "") }, []vm.Event{{Kind: vm.Stopped}}},
		"reset":        {func(v *playedVM) { h.log(v, eventReset, "") }, []vm.Event{{Kind: vm.Reset}}},
		"worker died":  {func(v *playedVM) { h.log(v, eventWorkerDied, "") }, []vm.Event{{Kind: vm.Stopped}}},
		"others": {func(v *playedVM) {
			h.crash(h.vms[1], 0x50, 1)
			h.log(v, 18601, "") // it has booted
			h.log(v, 18609, "")
			h.log(v, eventReset, "")
		}, []vm.Event{{Kind: vm.Reset}}},
		"a log that was cleared": {func(v *playedVM) {
			h.worker, h.record = nil, 0
			h.log(v, eventReset, "")
		}, []vm.Event{{Kind: vm.Reset}}},
	} {
		h.happens(test.happens)
		for _, want := range test.want {
			got := next(t, m)
			if got.Kind != want.Kind || got.Code != want.Code || got.Args != want.Args || got.Text == "" || got.Time.IsZero() {
				t.Errorf("%s: got %+v, want %+v with a text and a time", name, got, want)
			}
		}
	}
	for i, do := range []func(context.Context) error{m.Revert, m.Reset, m.TurnOff, m.TurnOn} {
		if err := do(t.Context()); err != nil {
			t.Fatalf("order %d: %v", i, err)
		}
	}
	if power, err := m.Power(t.Context()); err != nil || power != vm.On {
		t.Errorf("power: %v, %v", power, err)
	}
	if err := m.InjectNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := next(t, m); got.Kind != vm.Panicked || got.Code != 0x80 {
		t.Errorf("the first event after what we did ourselves: got %+v, want the crash by the NMI", got)
	}
}

// A host that reboots, or can't be reached for a while, has told nothing less afterwards.
func TestHostThatIsAwayForAWhile(t *testing.T) {
	h := newHost(t)
	m := acquired(t, h.options(), aRun)
	h.server.Reset()
	h.happens(func(v *playedVM) { h.crash(v, 0x7e, 5) })
	h.server.Resume()
	if got := next(t, m); got.Kind != vm.Panicked || got.Code != 0x7e {
		t.Errorf("got %+v, want the crash of meanwhile", got)
	}
}

// A machine that somebody removes from its host has ended.
func TestMachineThatIsRemoved(t *testing.T) {
	h := newHost(t)
	o := h.options()
	m := acquired(t, o, aRun)
	removed := h.vms[0]
	h.happens(func(v *playedVM) {
		h.vms = nil
		v.state = stateOff
		v.guest.server.Reset()
		h.log(v, eventTurnedOff, "")
	})
	<-m.Ended()
	if err := m.Revert(t.Context()); err == nil || !strings.Contains(err.Error(), "the VM is not there any more") {
		t.Errorf("Revert: %v", err)
	}
	if err := m.Release(t.Context()); err != nil {
		t.Errorf("Release: %v", err)
	}
	h.vms = []*playedVM{removed}
	nothingLeft(t, h, o)
}

// What keeps a machine from coming up is told at once, with what to do; and nothing is left of the try.
func TestAcquireThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		host func(h *playedHost, o *options)
		want []string
	}{
		"no such VM":    {func(_ *playedHost, o *options) { o.VM = "win12" }, []string{"has no VM win12", "Get-VM"}},
		"not allowed":   {func(h *playedHost, _ *options) { h.allowed = false }, []string{`LAB\tester`, "Add-LocalGroupMember -SID S-1-5-32-578"}},
		"two VMs":       {func(h *playedHost, _ *options) { h.vms = append(h.vms, &playedVM{id: idB, name: "WIN11"}) }, []string{"2 VMs win11", "say which by its id", strings.ToLower(idB)}},
		"no checkpoint": {func(_ *playedHost, o *options) { o.Checkpoint = "cleaner" }, []string{"has no checkpoint cleaner", "Checkpoint-VM"}},
		"two checkpoints": {func(h *playedHost, _ *options) {
			h.vms[0].checkpoints = append(h.vms[0].checkpoints, playedCheckpoint{id: idA, name: "clean"})
		}, []string{"has 2 checkpoints clean", "remove all but one", idA}},
		"crash": {started(func(h *playedHost, v *playedVM) { h.crash(v, 0x7b, 1); v.guest.server.Reset() }), []string{"it crashed while it booted", "bugcheck 0x0000007B"}},
		"goes off": {started(func(h *playedHost, v *playedVM) {
			v.guest.server.Reset()
			v.state = stateOff
			h.log(v, eventOffByGuest, "")
		}), []string{"start VM win11", "it is off"}},
		"boots nothing":   {started(func(h *playedHost, v *playedVM) { v.guest.server.Reset(); h.log(v, eventNoBootSecure, "") }), []string{"Secure Boot refuses"}},
		"never up":        {started(func(_ *playedHost, v *playedVM) { v.guest.server.Reset() }, func(o *options) { o.BootWithin = 300 * time.Millisecond }), []string{"not answered within 300ms (boot_within)"}},
		"another machine": {func(_ *playedHost, o *options) { o.Service.Certificate = strings.Repeat("ab", 32) }, []string{"win11", "certificate"}},
		"no address": {func(h *playedHost, o *options) {
			o.Address, o.BootWithin = "", 300*time.Millisecond
		}, []string{"the host knows no address of it", "say `address:`"}},
		"no password":    {func(_ *playedHost, o *options) { o.Login.PasswordEnv = "NOT_SET" }, []string{"NOT_SET"}},
		"wrong password": {func(h *playedHost, o *options) { h.t.Setenv("WRONG", "x"); o.Login.PasswordEnv = "WRONG" }, []string{"401|denied|refus"}},
		"host gone":      {func(h *playedHost, _ *options) { h.server.Reset() }, []string{"run PowerShell on 127.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			o := h.options()
			test.host(h, &o)
			m, err := newProvider(o).Acquire(t.Context(), aRun)
			if err == nil {
				m.Release(t.Context())
				t.Fatal("it did not fail")
			}
			for _, want := range test.want {
				if !slices.ContainsFunc(strings.Split(want, "|"), func(one string) bool { return strings.Contains(err.Error(), one) }) {
					t.Errorf("got %v; want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("a password is in %v", err)
			}
			nothingLeft(t, h, o)
		})
	}
}

// started does something right after the machine was started.
func started(do func(*playedHost, *playedVM), more ...func(*options)) func(*playedHost, *options) {
	return func(h *playedHost, o *options) {
		h.vms[0].onStart = do
		for _, change := range more {
			change(o)
		}
	}
}

// Wherever Acquire is cancelled, nothing is left.
func TestCancelEverywhere(t *testing.T) {
	for _, at := range []string{"look", "restore", "watch", "up"} {
		t.Run(at, func(t *testing.T) {
			h := newHost(t)
			o := h.options()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if at == "up" { // its WinRM never answers
				h.vms[0].onStart = func(_ *playedHost, v *playedVM) { v.guest.server.Reset(); cancel() }
			}
			h.before = func(_ context.Context, script string) error {
				if script == at {
					cancel()
				}
				return nil
			}
			m, err := newProvider(o).Acquire(ctx, aRun)
			if err == nil { // what follows the log came too late
				m.Release(t.Context())
			} else if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			nothingLeft(t, h, o)
		})
	}
}

// The host is asked for the guest's address: what leads nowhere is not tried.
func TestAddressOfTheHost(t *testing.T) {
	var own string
	for _, a := range interfaceAddresses(t) {
		own = a
	}
	if own == "" {
		t.Skip("this machine has no address but that of its own")
	}
	h := newHost(t)
	h.vms[0].addresses = []string{"fe80::215:5dff:fe01:203", "169.254.12.7", own}
	o := h.options()
	o.Address = ""
	m := acquired(t, o, aRun)
	if got := m.Endpoint().URL; !strings.Contains(got, own) {
		t.Errorf("got %s, want it at %s", got, own)
	}
}

// What the machine is becomes its clean state.
func TestCheckpoint(t *testing.T) {
	h := newHost(t)
	o := h.options()
	m := acquired(t, o, aRun)
	file := filepath.Join(h.vms[0].guest.disk, "prepared")
	vmtest.Command(t.Context(), t, m, "touch "+file)
	if err := m.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Revert(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := vmtest.Command(t.Context(), t, m, "test -e "+file); r.ExitCode != 0 {
		t.Error("what was there at the checkpoint is not there after Revert")
	}
	if err := m.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := acquired(t, o, aRun)
	if r := vmtest.Command(t.Context(), t, again, "test -e "+file); r.ExitCode != 0 {
		t.Error("what was there at the checkpoint is not there after the next Acquire")
	}
}

// The clock of a guest that goes on where it was is set; one that boots reads it by itself.
func TestClock(t *testing.T) {
	h := newHost(t)
	g := h.vms[0].guest
	g.behind.Store(3600)
	m := acquired(t, h.options(), aRun)
	if g.behind.Load() != 0 || g.asked.Load() != 1 {
		t.Errorf("its clock is %d s behind, and it was asked %d times; want 0 and once", g.behind.Load(), g.asked.Load())
	}
	h.happens(func(v *playedVM) { v.checkpoints[0].memory = false })
	if err := m.Revert(t.Context()); err != nil || g.asked.Load() != 1 {
		t.Errorf("Revert: %v; it was asked %d times", err, g.asked.Load())
	}
}

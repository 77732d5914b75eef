//go:build linux

package hyperv

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/vm"
	"wskharness/vm/vmtest"
)

// A machine whose controller was killed is taken over as it is, with all that has become of it since it was clean.
func TestAdopt(t *testing.T) {
	h := newHost(t)
	h.happens(func(v *playedVM) { h.start(v) }) // so that it is turned off first, which is no news
	o := h.options()
	m := acquired(t, o, aRun)
	file := filepath.Join(h.vms[0].guest.disk, "work")
	vmtest.Command(t.Context(), t, m, "touch "+file)
	h.happens(func(v *playedVM) { h.crash(v, 0xd1, 7) })
	next(t, m)
	p := newProvider(o).(vm.Adopter)
	if _, err := p.Adopt(t.Context(), aRun); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("while its controller lives: %v, want ErrNoMachine", err)
	}
	killed(m)
	h.happens(func(v *playedVM) { h.log(v, eventTripleFault, "") })
	for _, other := range []vm.Target{{Name: "win11", Run: "run-2"}, {Name: "win12", Run: "run-1"}, {Name: "win11"}} {
		if _, err := p.Adopt(t.Context(), other); !errors.Is(err, vm.ErrNoMachine) {
			t.Errorf("%+v: %v, want ErrNoMachine", other, err)
		}
	}
	again, err := p.Adopt(t.Context(), aRun)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []vm.EventKind{vm.Panicked, vm.Reset, vm.Panicked} {
		if got := next(t, again); got.Kind != want {
			t.Errorf("event %d: got %+v, want %s", i, got, want)
		}
	}
	if r := vmtest.Command(t.Context(), t, again, "test -e "+file); r.ExitCode != 0 {
		t.Error("the machine is not as it was left")
	}
	if err := again.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, h, o)
}

// A machine that is left up is found, used again, and reverted where its last user has ended in the middle of something.
func TestKeepReuseAndDown(t *testing.T) {
	h := newHost(t)
	o := h.options()
	m := acquired(t, o, vm.Target{Name: "win11"})
	if _, err := newProvider(o).Acquire(t.Context(), aRun); err == nil || !strings.Contains(err.Error(), "is up already, as win11-") {
		t.Errorf("Acquire of a machine that somebody has: %v", err)
	}
	id, err := m.Keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Revert(t.Context()); !errors.Is(err, errOver) {
		t.Errorf("Revert of one that was kept: %v", err)
	}
	if _, open := <-m.Events(); open {
		t.Error("its events go on")
	}
	up := guests(t, o)
	if len(up) != 1 || up[0].Info().ID != id || !up[0].Info().Kept || up[0].Info().Target != "win11" {
		t.Fatalf("got %+v, want %s", up, id)
	}
	if e, err := up[0].RemoteEndpoint(); err != nil || e.URL != m.Endpoint().URL || e.Password.Reveal() != "secret" {
		t.Errorf("its endpoint: %+v, %v", e, err)
	}

	reuser := newProvider(o).(vm.Reuser)
	file := filepath.Join(h.vms[0].guest.disk, "work")
	used, err := reuser.Reuse(t.Context(), aRun)
	if err != nil {
		t.Fatal(err)
	}
	vmtest.Command(t.Context(), t, used, "touch "+file)
	if _, err := reuser.Reuse(t.Context(), vm.Target{Name: "win11", Run: "run-2"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("Reuse of one that is in use: %v", err)
	}
	if _, err := reuser.Reuse(t.Context(), vm.Target{Name: "win11", Run: "run-2", Guest: id}); err == nil || !strings.Contains(err.Error(), id) {
		t.Errorf("Reuse of one that is in use, by its name: %v", err)
	}
	if _, err := used.(vm.Keeper).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	used, err = reuser.Reuse(t.Context(), aRun)
	if err != nil {
		t.Fatal(err)
	}
	if r := vmtest.Command(t.Context(), t, used, "test -e "+file); r.ExitCode != 0 {
		t.Error("one that was given back is not as it was")
	}
	killed(used.(*machine))
	if used, err = reuser.Reuse(t.Context(), vm.Target{Name: "win11", Run: "run-2", Guest: id}); err != nil {
		t.Fatal(err)
	}
	if r := vmtest.Command(t.Context(), t, used, "test -e "+file); r.ExitCode == 0 {
		t.Error("one whose user was killed was not reverted")
	}
	if _, err := used.(vm.Keeper).Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Checkpoint = "another"
	if _, err := newProvider(other).(vm.Reuser).Reuse(t.Context(), aRun); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("Reuse for another checkpoint: %v", err)
	}
	if swept, err := sweep(t.Context(), o.Host); err != nil || len(swept) > 0 {
		t.Errorf("a sweep has ended %q, %v", swept, err)
	}
	vmtest.Command(t.Context(), t, used, "touch "+file)
	g := guests(t, o)[0]
	if _, err := g.Revert(t.Context()); err != nil {
		t.Errorf("Revert: %v", err)
	}
	if r := vmtest.Command(t.Context(), t, used, "test -e "+file); r.ExitCode == 0 {
		t.Error("vm revert has not reverted")
	}
	if err := g.(vm.Resetter).Reset(t.Context()); err != nil {
		t.Errorf("Reset: %v", err)
	}
	if power, err := g.(vm.Switch).Power(t.Context()); err != nil || power != vm.On {
		t.Errorf("Power: %v, %v", power, err)
	}
	if err := g.(vm.NMIInjector).InjectNMI(t.Context()); err != nil {
		t.Errorf("InjectNMI: %v", err)
	}
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, h, o)
	if err := g.Down(t.Context()); err != nil {
		t.Errorf("Down of one that is down: %v", err)
	}
}

func guests(t *testing.T, o options) []vm.Guest {
	t.Helper()
	up, err := list(t.Context(), o.Host)
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// Down ends a machine that somebody has, who finds that out.
func TestDownOfAMachineInUse(t *testing.T) {
	h := newHost(t)
	o := h.options()
	m := acquired(t, o, aRun)
	if err := guests(t, o)[0].Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := next(t, m); got.Kind != vm.Stopped {
		t.Errorf("got %+v, want that it is off", got)
	}
	if err := m.Release(t.Context()); err != nil {
		t.Errorf("Release: %v", err)
	}
	nothingLeft(t, h, o)
}

// What a dead controller has left is ended, but for what somebody else has by now.
func TestSweep(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(h *playedHost)
		want      string
		state     state
	}{
		"it still runs": {func(*playedHost) {}, "VM win11 on 127.0.0.1", stateOff},
		"it is off":     {func(h *playedHost) { h.happens(func(v *playedVM) { h.stop(v) }) }, "VM win11 on 127.0.0.1", stateOff},
		"somebody has started it": {func(h *playedHost) { h.happens(func(v *playedVM) { h.stop(v); h.start(v) }) },
			"which somebody else has started since", stateRunning},
		"it was removed": {func(h *playedHost) {
			h.happens(func(v *playedVM) { v.id, v.state = idB, stateOff })
		}, "which is not there any more", stateOff},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			o := h.options()
			m := acquired(t, o, aRun)
			if swept, err := sweep(t.Context(), o.Host); err != nil || len(swept) > 0 {
				t.Fatalf("while its controller lives: %q, %v", swept, err)
			}
			killed(m)
			test.meanwhile(h)
			swept, err := sweep(t.Context(), o.Host)
			if err != nil || len(swept) != 1 || !strings.Contains(swept[0], test.want) {
				t.Errorf("got %q, %v; want one with %q", swept, err, test.want)
			}
			if s, _ := h.seen(); s != test.state {
				t.Errorf("the machine is %s, want %s", s, test.state)
			}
			if left, _ := filepath.Glob(filepath.Join(room(o.Host.Cache), "*")); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
	t.Run("the host is gone", func(t *testing.T) {
		h := newHost(t)
		o := h.options()
		killed(acquired(t, o, aRun))
		h.server.Reset()
		if swept, err := sweep(t.Context(), o.Host); err == nil || len(swept) > 0 || !strings.Contains(err.Error(), "end VM win11 on 127.0.0.1") {
			t.Errorf("got %q, %v", swept, err)
		}
		h.server.Resume()
		if swept, err := sweep(t.Context(), o.Host); err != nil || len(swept) != 1 {
			t.Errorf("when it is back: %q, %v", swept, err)
		}
		nothingLeft(t, h, o)
	})
	t.Run("killed while it started the machine", func(t *testing.T) {
		h := newHost(t)
		o := h.options()
		ctx, cancel := context.WithCancel(t.Context())
		h.vms[0].onStart = func(_ *playedHost, v *playedVM) { v.guest.server.Reset(); cancel() }
		h.before = func(_ context.Context, script string) error {
			if script == "power" { // the controller is dead by then
				return errors.New("nobody asks")
			}
			return nil
		}
		if _, err := newProvider(o).Acquire(ctx, aRun); err == nil {
			t.Fatal("it did not fail")
		}
		h.mu.Lock()
		h.before = nil
		h.mu.Unlock()
		if up := guests(t, o); len(up) > 0 {
			t.Errorf("a machine that was not up is listed: %+v", up)
		}
		if swept, err := sweep(t.Context(), o.Host); err != nil || len(swept) != 1 {
			t.Errorf("got %q, %v", swept, err)
		}
		nothingLeft(t, h, o)
	})
}

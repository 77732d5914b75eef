//go:build linux

package wine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// reuse claims the guest that is up for a run, and fails where that is not m.
func reuse(t *testing.T, p *Provider, run string, m *Machine) *Machine {
	t.Helper()
	got, err := p.Reuse(t.Context(), vm.Target{Name: m.state.Target, Run: run})
	if err != nil {
		t.Fatal(err)
	}
	again := got.(*Machine)
	if again.state.ID != m.state.ID {
		t.Fatalf("%s is used, and not %s", again.state.ID, m.state.ID)
	}
	return again
}

func noReuse(t *testing.T, p *Provider, target, why string) {
	t.Helper()
	if m, err := p.Reuse(t.Context(), vm.Target{Name: target, Run: "other"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("%s, and %v is used (%v)", why, m, err)
	}
}

// notTaken asks for just that guest, and wants to be told why it can't be had.
func notTaken(t *testing.T, p *Provider, m *Machine, why string) {
	t.Helper()
	_, err := p.Reuse(t.Context(), vm.Target{Name: m.state.Target, Run: "other", Guest: m.state.ID})
	if err == nil || errors.Is(err, vm.ErrNoMachine) || !strings.Contains(err.Error(), m.state.ID) || !strings.Contains(err.Error(), why) {
		t.Errorf("asked for just that guest: %v, and not %q", err, why)
	}
}

// TestReuse lets one run after the other have a guest, as it was left; after one that was killed it is reverted.
func TestReuse(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	m := acquire(t, p)
	noReuse(t, p, m.state.Target, "it is not kept")
	if id, err := m.Keep(t.Context()); err != nil || id != m.state.ID {
		t.Fatalf("keep: got %s, %v, want %s", id, err, m.state.ID)
	}
	t.Cleanup(func() {
		if err := m.state.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	mark := filepath.Join(prefixOf(m.state.Dir), "drive_c", "mark")
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	noReuse(t, p, "another", "it is of another target")
	other := *p
	other.opts.Netio = p.opts.Host // any file
	noReuse(t, &other, m.state.Target, "it has another netio.sys")
	notTaken(t, &other, m, "another netio.sys")
	for range 3 { // the next one follows at once
		first := reuse(t, p, "first", m)
		noReuse(t, p, m.state.Target, "it is in use")
		notTaken(t, p, m, "in use, by run first")
		if _, err := first.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !exists(mark) {
		t.Error("a guest that was let go of was reverted")
	}
	killed := reuse(t, p, "killed", m)
	if killed.claim.conn.Close() != nil {
		t.Fatal("the connection can't be closed")
	}
	testtime.Await(t, "the end of the claim", func() bool {
		var s State
		return lease.Read(m.state.Dir, stateFile, &s) == nil && s.Abandoned && s.Run == "killed"
	})
	last := reuse(t, p, "last", m)
	if exists(mark) {
		t.Error("what a run had left that was killed is still there")
	}
	if _, err := last.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

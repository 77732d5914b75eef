package qemu

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"wskharness/vm"
)

// machine is a guest that a controller has.
type machine struct {
	reach
	claim   *control
	events  chan vm.Event
	gone    chan struct{}
	release sync.Once
	exited  <-chan struct{} // closed when the process that serves it has ended, of a machine whose process is ours; else nil
}

var (
	_ vm.Machine         = (*machine)(nil)
	_ vm.Console         = (*machine)(nil)
	_ vm.ConsoleFollower = (*machine)(nil)
	_ vm.Mortal          = (*machine)(nil)
	_ vm.Resetter        = (*machine)(nil)
	_ vm.Switch          = (*machine)(nil)
	_ vm.NMIInjector     = (*machine)(nil)
	_ vm.MemoryDumper    = (*machine)(nil)
	_ vm.Checkpointer    = (*machine)(nil)
	_ vm.Keeper          = (*machine)(nil)
	_ vm.Starter         = (*machine)(nil)
	_ vm.Versioned       = (*machine)(nil)
)

// newMachine is a guest of which the claim is already made.
func newMachine(dir string, c guestConfig, getenv func(string) string, claim *control, exited <-chan struct{}) *machine {
	m := &machine{claim: claim, events: make(chan vm.Event, 2*maxPast), gone: make(chan struct{}), exited: exited}
	m.dir, m.config, m.getenv, m.ended = dir, c, getenv, m.gone
	go m.listen()
	return m
}

// listen passes on the guest's events until the claim ends.
func (m *machine) listen() {
	defer close(m.gone)
	defer close(m.events)
	for {
		a, err := m.claim.next()
		if err != nil {
			return
		}
		if a.Event == nil {
			continue
		}
		select {
		case m.events <- *a.Event:
		default: // nobody takes them
		}
	}
}

// Events is closed by Release, and when the guest is gone.
func (m *machine) Events() <-chan vm.Event { return m.events }

// Ended is closed when QEMU, or the process that serves the guest, has ended: each takes the other along.
func (m *machine) Ended() <-chan struct{} { return m.gone }

// Revert goes back to the snapshot of a guest that was up, where its target wants one; else the guest boots from a new disk.
func (m *machine) Revert(ctx context.Context) error { return m.cycle(ctx, doRevert) }

// Keep leaves the guest up, with nobody's claim, and returns its id.
func (m *machine) Keep(ctx context.Context) (id string, err error) {
	m.release.Do(func() {
		_, err = ask(ctx, m.dir, request{Do: doKeep})
		m.claim.conn.Close()
	})
	return filepath.Base(m.dir), err
}

// Release ends the guest, and returns when nothing of it is left.
func (m *machine) Release(ctx context.Context) (err error) {
	m.release.Do(func() {
		defer m.claim.conn.Close()
		err = down(ctx, m.dir)
		if m.exited != nil && err == nil {
			select {
			case <-m.exited:
			case <-time.After(time.Minute):
				err = errors.New("the process that serves the guest does not end")
			}
		}
	})
	return err
}

//go:build linux

package wine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// Machine is a claimed guest.
type Machine struct {
	state    State
	endpoint remote.Endpoint
	events   chan vm.Event
	ended    chan struct{}
	release  sync.Once
	software string // the version of Wine; empty: not known

	mu    sync.Mutex
	claim *control
	ready time.Duration
}

// attach claims the guest in a folder: one that was just made, was kept, or whose controller was killed; where a run is
// named, for that alone.
func attach(ctx context.Context, dir, run string) (*Machine, error) {
	m := &Machine{events: make(chan vm.Event, 64), ended: make(chan struct{})}
	if err := lease.Read(dir, stateFile, &m.state); err != nil {
		return nil, fmt.Errorf("attach to the Wine guest: %w", err)
	}
	var made guestConfig
	if err := lease.Read(dir, configFile, &made); err == nil { // it is told to people, and no more
		m.software = made.Software.Version
	}
	var err error
	if m.endpoint, err = m.state.RemoteEndpoint(); err != nil {
		return nil, err
	}
	if m.claim, err = dial(ctx, m.state.Control); err != nil {
		return nil, err
	}
	a, err := m.claim.ask(request{Do: doClaim, Run: run})
	if err != nil {
		m.claim.conn.Close()
		return nil, fmt.Errorf("claim the Wine guest %s: %w", m.state.ID, err)
	}
	m.ready = a.Ready
	go m.listen(m.claim)
	return m, nil
}

// listen passes on the guest's events until the claim ends.
func (m *Machine) listen(c *control) {
	defer close(m.ended)
	defer close(m.events)
	for {
		var a answer
		if err := c.dec.Decode(&a); err != nil {
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

// Endpoint is the same for the guest's life, reverts included.
func (m *Machine) Endpoint() remote.Endpoint { return m.endpoint }

// State is what the guest's folder says of it.
func (m *Machine) State() State { return m.state }

// Events is closed by Release, and when the process that serves the guest has ended.
func (m *Machine) Events() <-chan vm.Event { return m.events }

// Ended is closed when the process that serves the guest has ended: it takes the guest along.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// Versions names the Wine that runs the guest, in its own words.
func (m *Machine) Versions() string { return m.software }

// ReadyAfter is how long the start took, or the last revert.
func (m *Machine) ReadyAfter() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// Revert gives the guest a fresh disk, and boots it.
func (m *Machine) Revert(ctx context.Context) error { return m.cycle(ctx, doRevert) }

// Reset is a power cycle: the disk stays.
func (m *Machine) Reset(ctx context.Context) error { return m.cycle(ctx, doReset) }

func (m *Machine) cycle(ctx context.Context, do action) error {
	a, err := ask(ctx, m.state.Control, request{Do: do})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = a.Ready
	return nil
}

// Unplug takes WinRM away for a while; the guest goes on.
func (m *Machine) Unplug(ctx context.Context, away time.Duration) error {
	_, err := ask(ctx, m.state.Control, request{Do: doUnplug, For: away})
	return err
}

// KillHost ends the process that hosts a driver: winedevice.exe. To the machine that is a crash.
func (m *Machine) KillHost(ctx context.Context, driver string) error {
	_, err := ask(ctx, m.state.Control, request{Do: doKillHost, Driver: driver})
	return err
}

// Console is what the guest's processes have printed: the tail of it, also of the boot before.
func (m *Machine) Console() ([]byte, error) { return m.state.Console() }

// Witnesses: a guest's crash ends its boot's WinRM before anybody is told of anything else.
func (m *Machine) Witnesses() bool { return true }

// Keep leaves the guest up, with nobody's claim, and returns its id.
func (m *Machine) Keep(ctx context.Context) (id string, err error) {
	m.release.Do(func() {
		_, err = ask(ctx, m.state.Control, request{Do: doKeep})
		m.claim.conn.Close()
	})
	return m.state.ID, err
}

// Release ends the guest, and returns when nothing of it is left.
func (m *Machine) Release(ctx context.Context) (err error) {
	m.release.Do(func() {
		defer m.claim.conn.Close()
		err = m.state.Down(ctx)
	})
	return err
}

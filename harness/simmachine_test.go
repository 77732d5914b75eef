package harness

import (
	"context"
	"errors"
	"time"

	"wskharness/guest"
	"wskharness/remote"
	"wskharness/vm"
)

// simProvider gives the guest's machine to the controller that it belongs to.
type simProvider struct {
	guest *simGuest
	owner int
}

func (p simProvider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	p.guest.mu.Lock()
	defer p.guest.mu.Unlock()
	if p.guest.owner != p.owner {
		return nil, errDead
	}
	p.guest.held++
	if p.guest.rack {
		if p.guest.lasts {
			return &simLasting{simRack{p.machine()}}, nil
		}
		return &simRack{p.machine()}, nil
	}
	if !p.guest.endedAt.IsZero() { // this is another one
		p.guest.endedAt, p.guest.events, p.guest.ended = time.Time{}, make(chan vm.Event, 64), make(chan struct{})
	}
	p.guest.clean()
	m := p.machine()
	return &m, nil
}

func (p simProvider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	p.guest.mu.Lock()
	defer p.guest.mu.Unlock()
	switch {
	case p.guest.owner != p.owner:
		return nil, errDead
	case p.guest.held == 0:
		return nil, vm.ErrNoMachine
	case !p.guest.endedAt.IsZero():
		p.guest.held = 0
		return nil, vm.ErrNoMachine
	case p.guest.lasts:
		return &simLasting{simRack{p.machine()}}, nil
	case p.guest.random.IntN(4) == 0: // the machine has gone with its controller
		p.guest.clean()
		p.guest.held = 0
		return nil, vm.ErrNoMachine
	}
	p.guest.drain()
	for _, e := range p.guest.replay {
		p.guest.events <- e
	}
	m := p.machine()
	return &m, nil
}

// clean brings the machine back to its clean state: another boot, and nothing on its disk.
func (g *simGuest) clean() {
	g.down(false)
	g.upAt = time.Now().Add(time.Second)
	g.runs, g.dumps, g.replay, g.deafTill = map[string]*simRun{}, map[string]guest.Dump{}, nil, time.Time{}
	g.drain()
	g.changed.Broadcast()
}

// drain takes back what the machine has told and nobody has heard.
func (g *simGuest) drain() {
	for len(g.events) > 0 {
		select {
		case <-g.events:
		default:
		}
	}
}

type simMachine struct {
	guest  *simGuest
	owner  int
	events chan vm.Event
	ended  chan struct{}
}

func (p simProvider) machine() simMachine {
	return simMachine{guest: p.guest, owner: p.owner, events: p.guest.events, ended: p.guest.ended}
}

func (m *simMachine) Endpoint() remote.Endpoint { return remote.Endpoint{} }
func (m *simMachine) Events() <-chan vm.Event   { return m.events }
func (m *simMachine) Ended() <-chan struct{}    { return m.ended }
func (m *simMachine) Revert(ctx context.Context) error {
	m.guest.mu.Lock()
	defer m.guest.mu.Unlock()
	switch {
	case m.guest.owner != m.owner:
		return errDead
	case !m.guest.endedAt.IsZero():
		return errors.New("nobody serves the machine any more")
	}
	m.guest.reverts++
	m.guest.clean()
	return nil
}
func (m *simMachine) Release(ctx context.Context) error {
	m.guest.mu.Lock()
	defer m.guest.mu.Unlock()
	if m.guest.owner != m.owner {
		return errDead
	}
	if !m.guest.rack && m.guest.endedAt.IsZero() {
		m.guest.clean()
	}
	m.guest.held = 0
	return nil
}

// simRack is a machine that is just there: it can be turned off and on again.
type simRack struct{ simMachine }

// simLasting is one in whose guest everything stays.
type simLasting struct{ simRack }

func (*simLasting) Lasts() bool { return true }

func (m *simRack) Revert(context.Context) error { return vm.ErrCannotRevert }

func (m *simRack) Reset(context.Context) error {
	m.guest.mu.Lock()
	defer m.guest.mu.Unlock()
	if m.guest.owner != m.owner {
		return errDead
	}
	m.guest.reverts++
	m.guest.down(false)
	return nil
}

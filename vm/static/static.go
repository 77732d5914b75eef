// Package static is the machine that is just there: a box in a rack, or a VM that somebody else looks after. It answers WinRM;
// what the harness can do to it from outside, its target says: turn it off and on (package power), and bring it back to a clean
// state by a program of the user's.
//
//	provider, err := static.New(static.Options{Endpoint: remote.Endpoint{URL: "https://10.0.0.5:5986/wsman", …}})
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "lab1"})
package static

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/static/power"
)

// Options say which machine it is.
type Options struct {
	Endpoint remote.Endpoint // its URL has a port
	// Power is nil, or turns the machine off and on.
	Power *power.Control
	// Revert is nil, or brings the machine back to its clean state, within RevertWithin; an hour when zero.
	Revert       *power.Program
	RevertWithin time.Duration
	// RevertTainted: the machine is reverted where it has to be, and not whenever it is acquired.
	RevertTainted bool
	// Wait is how long a machine may take to answer that should be up; 10 s when zero. BootWithin is how long it may take from
	// being turned on; 10 minutes when zero.
	Wait, BootWithin time.Duration
	Tell             func(text string) // nil, or is told of what takes long
	Logger           hclog.Logger      // nil is silent
}

const (
	answerLimit = 10 * time.Second
	bootLimit   = 10 * time.Minute
	revertLimit = time.Hour // a machine that is installed anew over the network takes half of that
)

// Provider gives the one machine of its options.
type Provider struct{ opts Options }

var (
	_ vm.Provider = (*Provider)(nil)
	_ vm.Adopter  = (*Provider)(nil)
	_ vm.Machine  = (*machine)(nil)

	_ vm.Lasting        = (*machine)(nil)
	_ vm.RevertedByUser = (*machine)(nil)
)

// New checks the endpoint. It connects to nothing.
func New(o Options) (*Provider, error) {
	if err := o.Endpoint.Validate(); err != nil {
		return nil, fmt.Errorf("static provider: %w", err)
	}
	o.Wait, o.BootWithin, o.RevertWithin = cmp.Or(o.Wait, answerLimit), cmp.Or(o.BootWithin, bootLimit), cmp.Or(o.RevertWithin, revertLimit)
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	return &Provider{opts: o}, nil
}

// Acquire reverts the machine where that is asked for, and returns when its WinRM answers. A machine that is off is turned on
// where there is a way to; where there is none that is told at once, and not as a failure of WinRM.
func (p *Provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	m := &machine{opts: p.opts, name: t.Name, events: make(chan vm.Event)}
	close(m.events)
	bring := m.bringUp
	if p.opts.Revert != nil && !p.opts.RevertTainted {
		bring = m.Revert
	}
	if err := bring(ctx); err != nil {
		return nil, err
	}
	return m.capable(), nil
}

// Adopt claims the machine as whoever used it last left it, in whatever state that is: whether it answers is for others to
// find out.
func (p *Provider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	m := &machine{opts: p.opts, name: t.Name, events: make(chan vm.Event)}
	close(m.events)
	return m.capable(), context.Cause(ctx)
}

// machine is what every one of them is.
type machine struct {
	opts   Options
	name   string // of its target, for messages
	events chan vm.Event
}

func (m *machine) Endpoint() remote.Endpoint { return m.opts.Endpoint }

// Events is closed from the start: nobody watches the machine from outside.
func (m *machine) Events() <-chan vm.Event { return m.events }

// Release leaves the machine as it is: on.
func (m *machine) Release(context.Context) error { return nil }

// Revert has the user's program bring the machine back. That it ended well, and that WinRM answers, is all that is known then:
// whether the machine is clean is to be looked at in its guest.
func (m *machine) Revert(ctx context.Context) error {
	if m.opts.Revert == nil {
		return vm.ErrCannotRevert
	}
	within, cancel := context.WithTimeoutCause(ctx, m.opts.RevertWithin, fmt.Errorf("it took longer than %s (raise revert_within)", m.opts.RevertWithin))
	err := m.opts.Revert.Run(within)
	cancel()
	if err != nil {
		return fmt.Errorf("revert %s by its program: %w", m.name, err)
	}
	if err := m.bringUp(ctx); err != nil {
		return fmt.Errorf("its revert program has ended well: %w", err)
	}
	return nil
}

// Lasts says that nothing reverts the machine.
func (m *machine) Lasts() bool { return m.opts.Revert == nil }

// RevertedByUser says that it is a program of the user's that reverts the machine.
func (m *machine) RevertedByUser() bool { return m.opts.Revert != nil }

// bringUp returns when WinRM answers. The power is looked at only where it does not.
func (m *machine) bringUp(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, m.opts.Wait, fmt.Errorf("no answer within %s", m.opts.Wait))
	err := remote.Await(within, m.opts.Endpoint)
	timeUp := within.Err() != nil // else it is another machine
	cancel()
	if err == nil || ctx.Err() != nil || !timeUp || !m.opts.Power.Can(power.On) {
		return m.unreachable(err)
	}
	text, err := m.turnOn(ctx)
	if err != nil {
		return fmt.Errorf("%s does not answer at %s: %w", m.name, m.host(), err)
	}
	m.opts.Tell(fmt.Sprintf("%s %s, and does not answer yet: it is waited for, up to %s (boot_within)", m.name, text, m.opts.BootWithin))
	within, cancel = context.WithTimeoutCause(ctx, m.opts.BootWithin, fmt.Errorf("no answer within %s (boot_within)", m.opts.BootWithin))
	defer cancel()
	if err := remote.Await(within, m.opts.Endpoint); err != nil {
		return fmt.Errorf("%s %s, and does not come up: %w", m.name, text, m.unreachable(err))
	}
	return nil
}

// turnOn turns a machine on that is off, and says what it is.
func (m *machine) turnOn(ctx context.Context) (text string, err error) {
	state, err := m.opts.Power.State(ctx)
	switch {
	case err != nil:
		return "", err
	case state == vm.On:
		return "is on, as it is told from outside", nil
	}
	return "was turned on", m.opts.Power.Do(ctx, power.On)
}

// unreachable says what to do about a machine whose WinRM does not answer.
func (m *machine) unreachable(err error) error {
	if err == nil {
		return nil
	}
	if told, ok := errors.AsType[*remote.TLSError](err); ok {
		return fmt.Errorf("reach %s at %s: %w", m.name, m.host(), told)
	}
	return fmt.Errorf("reach %s at %s: %w; is the machine up, is WinRM enabled (winrm quickconfig), and does the firewall let port %s through?",
		m.name, m.host(), err, m.url().Port())
}

func (m *machine) host() string { return m.url().Host }

// url is where WinRM answers, which New has checked.
func (m *machine) url() *url.URL {
	u, err := url.Parse(m.opts.Endpoint.URL)
	if err != nil {
		return &url.URL{}
	}
	return u
}

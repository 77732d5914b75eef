// Package static is the machine that is just there: one that answers WinRM, and that the harness can neither
// start nor revert. A box in a rack, or a VM that somebody else looks after.
//
//	provider, err := static.New(static.Options{Endpoint: remote.Endpoint{URL: "https://10.0.0.5:5986/wsman", …}})
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "lab1"})
package static

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/vm"
)

// Options say which machine it is.
type Options struct {
	Endpoint remote.Endpoint // its URL has a port
	// Wait is how long the machine may take to accept a connection; 10 s when zero.
	Wait time.Duration
	// Reset is a program of this machine with its arguments that turns the machine off and on: `ipmitool chassis
	// power reset`, a plug, a hypervisor's tool. Without it the machine is no vm.Resetter.
	Reset []string
	// Environment is what that program gets of this process's environment.
	Environment child.Environment
	// Redactor knows what is in no message. That the program's arguments are not, and what is passed to it by name, need
	// not be said.
	Redactor *remote.Redactor
	Logger   hclog.Logger // nil is silent
}

// Provider gives the one machine of its options.
type Provider struct{ opts Options }

var (
	_ vm.Provider = (*Provider)(nil)
	_ vm.Adopter  = (*Provider)(nil)
	_ vm.Machine  = (*machine)(nil)
	_ vm.Resetter = (*resettable)(nil)
)

// New checks the endpoint. It connects to nothing.
func New(o Options) (*Provider, error) {
	if err := o.Endpoint.Validate(); err != nil {
		return nil, fmt.Errorf("static provider: %w", err)
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	return &Provider{opts: o}, nil
}

// Acquire makes sure that something listens at the endpoint: a machine that is off is told at once, and not
// as a failure of WinRM.
func (p *Provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	u, err := url.Parse(p.opts.Endpoint.URL)
	if err != nil {
		return nil, fmt.Errorf("static provider: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.Wait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("reach %s at %s: %w; is the machine up, is WinRM enabled (winrm quickconfig), and does the firewall let port %s through?",
			t.Name, u.Host, err, u.Port())
	}
	conn.Close()
	m := &machine{endpoint: p.opts.Endpoint, events: make(chan vm.Event)}
	close(m.events)
	if len(p.opts.Reset) > 0 {
		return &resettable{machine: m, opts: p.opts}, nil
	}
	return m, nil
}

// Adopt is Acquire: the machine is as whoever used it last left it.
func (p *Provider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	return p.Acquire(ctx, t)
}

type machine struct {
	endpoint remote.Endpoint
	events   chan vm.Event
}

func (m *machine) Endpoint() remote.Endpoint { return m.endpoint }

// Revert can't be done: the harness does not know how the machine came to be as it is.
func (m *machine) Revert(context.Context) error { return vm.ErrCannotRevert }

// Events is closed from the start: nobody watches the machine from outside.
func (m *machine) Events() <-chan vm.Event { return m.events }

func (m *machine) Release(context.Context) error { return nil }

// resettable is a machine that a program of this machine can turn off and on.
type resettable struct {
	*machine
	opts Options
}

// maxSaid is how much of what the program says is kept, in bytes.
const maxSaid = 2000

// Reset runs the program, within ctx. That it ended well is all that is known then: whether the machine is up
// again, its boot id tells. Its arguments may be as secret as a password, and are told nobody: what it is called is
// enough to find them.
func (m *resettable) Reset(ctx context.Context) error {
	program := m.opts.Reset[0]
	wrap := func(err error) error { return fmt.Errorf("reset the machine with %s: %w", filepath.Base(program), err) }
	env, err := m.opts.Environment.List()
	if err != nil {
		return wrap(err)
	}
	cmd := child.Command(ctx, env, program, m.opts.Reset[1:]...)
	said := &tail{}
	out := m.redactor().Writer(said)
	cmd.Stdout, cmd.Stderr = out, out
	held, err := child.Run(ctx, cmd)
	if err := errors.Join(err, out.Close()); err != nil {
		return wrap(fmt.Errorf("%w: %s", errors.Join(err, context.Cause(ctx)), said.text()))
	}
	if held.Still && m.opts.Logger != nil { // a daemon of the tool's, which is its user's
		m.opts.Logger.Warn("the program that resets the machine has ended", "program", filepath.Base(program), "but", held.String())
	}
	return nil
}

// redactor takes out of what the program says also what it was given: its arguments, and the variables that it gets
// because somebody named them.
func (m *resettable) redactor() *remote.Redactor {
	var given []remote.Secret
	for _, argument := range m.opts.Reset[1:] {
		given = append(given, remote.Secret(argument))
	}
	for _, name := range m.opts.Environment.Also {
		given = append(given, remote.Secret(os.Getenv(name)))
	}
	return m.opts.Redactor.With(given...)
}

// tail keeps the last bytes written to it.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p[max(0, len(p)-maxSaid):]...)
	t.data = t.data[max(0, len(t.data)-maxSaid):]
	return len(p), nil
}

func (t *tail) text() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.data), "\uFFFD")) }

// Package static is the machine that is just there: one that answers WinRM, and that the harness can neither
// start nor revert. A box in a rack, or a VM that somebody else looks after.
//
//	provider, err := static.New(static.Options{Endpoint: remote.Endpoint{URL: "https://10.0.0.5:5986/wsman", …}})
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "lab1"})
package static

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/vm"
)

// Options say which machine it is.
type Options struct {
	Endpoint remote.Endpoint
	// Wait is how long the machine may take to accept a connection; 10 s when zero.
	Wait   time.Duration
	Logger hclog.Logger // nil is silent
}

// Provider gives the one machine of its options.
type Provider struct{ opts Options }

var (
	_ vm.Provider = (*Provider)(nil)
	_ vm.Adopter  = (*Provider)(nil)
	_ vm.Machine  = (*machine)(nil)
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
	address, err := hostPort(p.opts.Endpoint.URL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.opts.Wait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("reach %s at %s: %w; is the machine up, is WinRM enabled (winrm quickconfig), and does the firewall let port %s through?",
			t.Name, address, err, portOf(address))
	}
	conn.Close()
	return &machine{endpoint: p.opts.Endpoint, events: make(chan vm.Event)}, nil
}

// Adopt is Acquire: the machine is as whoever used it last left it.
func (p *Provider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	return p.Acquire(ctx, t)
}

func hostPort(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("static provider: %w", err)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

type machine struct {
	endpoint remote.Endpoint
	events   chan vm.Event
	release  sync.Once
}

func (m *machine) Endpoint() remote.Endpoint { return m.endpoint }

// Revert can't be done: the harness does not know how the machine came to be as it is.
func (m *machine) Revert(context.Context) error { return vm.ErrCannotRevert }

// Events never has any: nobody watches the machine from outside.
func (m *machine) Events() <-chan vm.Event { return m.events }

func (m *machine) Release(context.Context) error {
	m.release.Do(func() { close(m.events) })
	return nil
}

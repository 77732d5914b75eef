package hyperv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// guest is a guest that is up, as anybody finds it by its lease.
type guest struct {
	record
	dir  string
	host vm.Host
}

var (
	_ vm.Guest       = (*guest)(nil)
	_ vm.Resetter    = (*guest)(nil)
	_ vm.NMIInjector = (*guest)(nil)
	_ vm.Switch      = (*guest)(nil)
)

func list(_ context.Context, h vm.Host) ([]vm.Guest, error) {
	all, err := leases(h.Cache)
	if err != nil {
		return nil, fmt.Errorf("list the Hyper-V guests: %w", err)
	}
	if h.Logger == nil {
		h.Logger = hclog.NewNullLogger()
	}
	var up []vm.Guest
	for _, l := range all {
		if l.ready() && (l.Kept || lease.Held(l.dir)) {
			up = append(up, &guest{l.record, l.dir, h})
		}
	}
	return up, nil
}

// sweep turns off the machines of controllers that were killed.
func sweep(ctx context.Context, h vm.Host) ([]string, error) {
	ended := map[string]string{}
	swept, err := lease.Sweep(room(h.Cache), func(l *lease.Lease) error {
		r, err := readRecord(l.Dir)
		switch {
		case err != nil: // the machine was not touched yet
			return l.Discard()
		case r.Kept:
			return nil
		}
		what, err := r.endAbandoned(ctx, h)
		if err != nil {
			return fmt.Errorf("end VM %s on %s, which a controller that was killed has left: %w", r.Name, r.Host, err)
		}
		ended[l.Dir] = what
		return l.Discard()
	})
	for i, dir := range swept {
		if what := ended[dir]; what != "" {
			swept[i] = what
		}
	}
	return swept, err
}

// endAbandoned turns off the machine of a lease that nobody holds any more, unless somebody else has started it since.
func (r *record) endAbandoned(ctx context.Context, h vm.Host) (what string, err error) {
	what = fmt.Sprintf("VM %s on %s, which is off now", r.Name, r.Host)
	return what, r.with(ctx, h, func(v *virtual) error {
		if r.ready() {
			since, err := v.watch(ctx, r.Mark, 0)
			if since.Gone {
				what = fmt.Sprintf("the lease of VM %s on %s, which is not there any more", r.Name, r.Host)
				return nil
			}
			if err != nil {
				return err
			}
			for _, l := range since.Worker {
				if e, ok := readEntry(l.XML, r.VM); ok && (e.id == eventStarted || e.id == eventRestored) {
					what = fmt.Sprintf("the lease of VM %s on %s, which somebody else has started since, and which stays", r.Name, r.Host)
					return nil
				}
			}
		}
		if _, err := v.power(ctx, true, false); err != nil && !isGone(err) {
			return err
		}
		return nil
	})
}

// RemoteEndpoint is where its WinRM answers.
func (g *guest) RemoteEndpoint() (remote.Endpoint, error) {
	e, err := g.endpoint(g.host)
	if err != nil {
		return e, fmt.Errorf("reach the guest %s: %w", g.ID, err)
	}
	return e, nil
}

// again waits for a guest that was just started, and says how long that took. Whoever has the machine reads in the host's log what
// has become of it.
func (g *guest) again(ctx context.Context, begun time.Time, v *virtual, after mark) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, g.BootWithin, fmt.Errorf("its WinRM has not answered within %s (boot_within)", g.BootWithin))
	defer cancel()
	endpoint, err := g.await(ctx, g.host, v)
	if err != nil {
		return 0, fmt.Errorf("reach VM %s on %s: %w", g.Name, g.Host, err)
	}
	l, err := lease.Take(g.dir)
	if errors.Is(err, disk.ErrLocked) { // its controller keeps the record
		return time.Since(begun), nil
	}
	if err != nil {
		return 0, err
	}
	defer l.LetGo()
	g.Endpoint, g.Mark, g.InUse = endpoint.URL, after, false
	return time.Since(begun), g.write(g.dir)
}

func (g *guest) Revert(ctx context.Context) (ready time.Duration, err error) {
	err = g.with(ctx, g.host, func(v *virtual) error {
		begun := time.Now()
		r, err := v.restore(ctx, g.Clean)
		if err == nil {
			ready, err = g.again(ctx, begun, v, r.Mark)
		}
		if e, unresolved := g.endpoint(g.host); err == nil && unresolved == nil && r.Memory {
			setClock(ctx, e, g.host.Logger)
		}
		return err
	})
	return ready, err
}

// power turns the machine off, or on, or both.
func (g *guest) power(ctx context.Context, off, on bool) error {
	return g.with(ctx, g.host, func(v *virtual) error {
		begun := time.Now()
		p, err := v.power(ctx, off, on)
		if err == nil && on {
			_, err = g.again(ctx, begun, v, p.Mark)
		}
		return err
	})
}

func (g *guest) Reset(ctx context.Context) error   { return g.power(ctx, true, true) }
func (g *guest) TurnOn(ctx context.Context) error  { return g.power(ctx, false, true) }
func (g *guest) TurnOff(ctx context.Context) error { return g.power(ctx, true, false) }

func (g *guest) Power(ctx context.Context) (power vm.Power, err error) {
	err = g.with(ctx, g.host, func(v *virtual) error {
		p, err := v.power(ctx, false, false)
		power = powerOf(p.State, err)
		return err
	})
	return power, err
}

func (g *guest) InjectNMI(ctx context.Context) error {
	return g.with(ctx, g.host, func(v *virtual) error { return v.inject(ctx) })
}

// Down turns the machine off, whoever has it.
func (g *guest) Down(ctx context.Context) error {
	err := g.with(ctx, g.host, func(v *virtual) error {
		_, err := v.power(ctx, true, false)
		return err
	})
	if err != nil && !isGone(err) {
		return err // the lease stays: without it, nobody would find the machine
	}
	return lease.Clear(g.dir)
}

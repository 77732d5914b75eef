package libvirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/disk"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// found is a lease's folder with its record.
type found struct {
	dir string
	rec *record
}

// leases are those in a cache that have a record, oldest first.
func leases(cache string) ([]found, error) {
	dirs, err := lease.Folders(leasesIn(cache))
	if err != nil {
		return nil, fmt.Errorf("list the leases of libvirt's machines: %w", err)
	}
	var all []found
	for _, dir := range dirs {
		if r, err := readRecord(dir); err == nil {
			all = append(all, found{dir, r})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(a.rec.Started.Compare(b.rec.Started), cmp.Compare(a.dir, b.dir))
	})
	return all, nil
}

// Adopt takes over the machine of a controller that is gone. Where there are several, as a controller that was killed again
// and again may leave, it is the newest, and the others end.
func (p *Provider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	all, err := leases(p.opts.Cache)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	var adopted *machine
	for _, f := range all {
		if t.Run == "" || f.rec.Run != t.Run || f.rec.Target != t.Name || f.rec.Endpoint == "" || f.rec.Kept && !f.rec.InUse {
			continue
		}
		l, err := lease.Take(f.dir)
		if errors.Is(err, disk.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("adopt the machine of target %s: %w", t.Name, err)
		}
		m := p.attach(l, f.rec)
		if adopted != nil {
			m.abandon(ctx)
			continue
		}
		err = m.resume(ctx)
		switch {
		case err == nil:
			adopted = m
		case errors.Is(err, errGone):
			m.abandon(ctx)
		default:
			l.LetGo()
			return nil, fmt.Errorf("adopt the machine of target %s: %w", t.Name, err)
		}
	}
	if adopted == nil {
		return nil, vm.ErrNoMachine
	}
	return adopted.given(), nil
}

// attach makes a machine of a lease that was taken.
func (p *Provider) attach(l *lease.Lease, r *record) *machine {
	d := &domain{client: p.client(), dir: l.Dir, getenv: p.opts.Getenv}
	d.controller, _ = controller(p.opts.Cache) // it is there where there are leases
	d.state.Store(r)
	return newMachine(d, l, p.opts.Logger)
}

// resume takes the machine as it is, and tells again what had happened to it.
func (m *machine) resume(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if err := m.stillOurs(ctx); err != nil {
		return err
	}
	endpoint, err := m.RemoteEndpoint()
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.endpoint = endpoint
	m.mu.Unlock()
	for _, t := range m.rec().Told {
		m.pass(t.event())
	}
	return m.observe(ctx)
}

// stillOurs makes sure that the domain is there, and has our mark.
func (d *domain) stillOurs(ctx context.Context) error {
	return d.do(ctx, callLimit, "take domain "+d.rec().Domain+" over", func(lv *conn, dom golibvirt.Domain) error {
		flags := golibvirt.DomainAffectConfig
		if d.rec().Clone {
			flags = golibvirt.DomainAffectLive
		}
		owner, _, err := getMark(lv, dom, flags)
		if err == nil && owner.ID != d.rec().ID {
			err = fmt.Errorf("%w: %w", errGone, inUse(d.rec().Domain, owner))
		}
		return err
	})
}

// abandon ends a machine that nobody wants. What can't be ended now, a sweep ends.
func (m *machine) abandon(ctx context.Context) {
	m.turn.Lock()
	defer m.turn.Unlock()
	m.over = true
	if err := m.discard(context.WithoutCancel(ctx)); err != nil {
		m.logger.Warn("a machine that an earlier controller has left", "lease", m.rec().ID, "error", err)
	}
}

// Reuse takes the newest machine of the target that was left up, and that is nobody else's. One whose last user has ended in
// the middle of something is reverted.
func (p *Provider) Reuse(ctx context.Context, t vm.Target) (vm.Machine, error) {
	all, err := leases(p.opts.Cache)
	if err != nil {
		return nil, err
	}
	return vm.ReuseNewest(t, all, func(f found) *vm.GuestInfo { return f.rec.Info() },
		func(f found) (vm.Machine, error) { return p.reuse(ctx, f, t.Run) }, p.opts.Logger)
}

func (p *Provider) reuse(ctx context.Context, f found, run string) (vm.Machine, error) {
	if err := p.fits(f.rec); err != nil {
		return nil, err
	}
	l, err := lease.Take(f.dir)
	if errors.Is(err, disk.ErrLocked) {
		return nil, errors.New("somebody else has it")
	}
	if err != nil {
		return nil, err
	}
	m := p.attach(l, f.rec)
	abandoned := f.rec.InUse
	err = m.resume(ctx)
	if err == nil {
		err = m.note(func(r *record) { r.InUse, r.Run = true, run })
	}
	if err == nil && abandoned {
		err = m.Revert(ctx)
	}
	if err != nil {
		m.turn.Lock()
		defer m.turn.Unlock()
		m.letGo()
		return nil, err
	}
	return m.given(), nil
}

// fits says in what a machine that is up differs from one that would be made now.
func (p *Provider) fits(r *record) error {
	switch {
	case !r.Kept:
		return errors.New("it is a run's, and goes down with it")
	case r.URI != p.opts.URI || r.Base != p.opts.Domain:
		return fmt.Errorf("it is domain %s at %s", r.Base, r.URI)
	case r.Clone != p.opts.Overlay || r.Snapshot != p.opts.Snapshot:
		return errors.New("it goes back to another clean state")
	}
	return nil
}

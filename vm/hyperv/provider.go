package hyperv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/disk"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
	"wskharness/vm/powershell"
)

// options say which virtual machine it is, and how it is reached.
type options struct {
	Host       vm.Host // of which Cache, Getenv, Never and Logger are used
	URL        string  // of the WinRM of the Hyper-V host; empty: this machine is it
	Login      access.Login
	VM         string // its name, or its id
	Checkpoint string // its clean state, by name or id
	Service    access.Service
	Address    string        // of the guest; empty: the host is asked
	BootWithin time.Duration // until WinRM answers; bootLimit when zero
}

// bootLimit is how long a machine may take to boot of which its target does not say it.
const bootLimit = 10 * time.Minute

// provider gives the one machine of its options.
type provider struct{ options options }

var (
	_ vm.Provider = (*provider)(nil)
	_ vm.Adopter  = (*provider)(nil)
	_ vm.Reuser   = (*provider)(nil)
)

// newProvider makes a provider. It connects to nothing.
func newProvider(o options) vm.Provider {
	if o.Host.Logger == nil {
		o.Host.Logger = hclog.NewNullLogger()
	}
	if o.BootWithin == 0 {
		o.BootWithin = bootLimit
	}
	return &provider{options: o}
}

func (p *provider) place() place { return place{URL: p.options.URL, Login: p.options.Login} }

// Acquire restores the checkpoint of the machine, starts it, and waits for its WinRM.
func (p *provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("acquire VM %s: %w", p.options.VM, err)
	}
	if err := p.free(); err != nil {
		return nil, err
	}
	l, err := lease.Make(room(p.options.Host.Cache), t.Name+"-"+lease.Unused())
	if err != nil {
		return nil, err
	}
	m, err := p.make(ctx, l, t)
	if err != nil {
		return nil, errors.Join(err, l.Discard())
	}
	if err := m.Revert(ctx); err != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
		defer cancel()
		released := m.Release(ending)
		m.abandon()
		return nil, errors.Join(err, released)
	}
	return m, nil
}

// endLimit is how long a machine may take to be off again that could not be brought up.
const endLimit = 2 * time.Minute

// free makes sure that nobody else has the machine who shares our cache. Runs are kept apart by Definition.Shared; this is
// about machines that were left up.
func (p *provider) free() error {
	all, err := leases(p.options.Host.Cache)
	if err != nil {
		return err
	}
	for _, l := range all {
		if p.same(l.record) && (l.Kept || lease.Held(l.dir)) {
			return fmt.Errorf("VM %s is up already, as %s: use it with --on %[2]s, or end it with: wskharness vm down %[2]s", p.options.VM, l.ID)
		}
	}
	return nil
}

// same reports whether a lease is of the machine of the options.
func (p *provider) same(r record) bool {
	return r.Host.String() == p.place().String() && (strings.EqualFold(r.Name, p.options.VM) || strings.EqualFold(r.VM, p.options.VM))
}

// make finds the machine and its checkpoint, and writes down what is about to be started.
func (p *provider) make(ctx context.Context, l *lease.Lease, t vm.Target) (*machine, error) {
	o := p.options
	id := filepath.Base(l.Dir)
	host, closing, err := p.place().open(o.Host, id)
	if err != nil {
		return nil, err
	}
	looked, err := look(ctx, host, o.VM)
	var of found
	var at checkpoint
	if err == nil {
		of, at, err = meant(looked, host, o.VM, o.Checkpoint)
	}
	r := record{
		GuestInfo: vm.GuestInfo{ID: id, Target: t.Name, Run: t.Run, Started: time.Now(), User: o.Service.User,
			PasswordFile: o.Service.PasswordFile, CertificateSHA: o.Service.Certificate},
		Host: p.place(), VM: of.ID, Name: of.Name, Clean: at, Wanted: o.Checkpoint, Service: o.Service, Address: o.Address, BootWithin: o.BootWithin, Mark: looked.Mark,
		System: looked.system(),
	}
	if err == nil {
		err = r.write(l.Dir)
	}
	if err != nil {
		closing()
		return nil, err
	}
	if of.Automatic {
		o.Host.Logger.Warn("the host makes a checkpoint of its own at each start of the VM, which takes time and space", "vm", of.Name, "fix", "Set-VM -AutomaticCheckpointsEnabled $false")
	}
	return newMachine(o, virtual{host: host, id: r.VM, name: r.Name}, l, closing, r), nil
}

// take makes a machine of a lease that is there.
func (p *provider) take(l leased, run string, inUse bool) (*machine, error) {
	got, err := lease.Take(l.dir)
	if err != nil {
		return nil, err
	}
	r, err := readRecord(l.dir) // it may have changed before the lock was ours
	if err == nil && !r.ready() {
		err = errors.New("it was not up yet")
	}
	if err == nil && run != "" {
		r.Run = run
	}
	if err == nil {
		r.InUse = inUse
		err = r.write(l.dir)
	}
	endpoint, unresolved := r.endpoint(p.options.Host)
	host, closing, unreached := r.Host.open(p.options.Host, r.ID)
	if err = errors.Join(err, unresolved, unreached); err != nil {
		if unreached == nil {
			closing()
		}
		got.LetGo()
		return nil, err
	}
	m := newMachine(p.options, virtual{host: host, id: r.VM, name: r.Name}, got, closing, r)
	m.endpoint = endpoint
	m.follow.resume(r.Mark)
	return m, nil
}

// Adopt takes the machine that an earlier controller of the run had.
func (p *provider) Adopt(_ context.Context, t vm.Target) (vm.Machine, error) {
	all, err := leases(p.options.Host.Cache)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.Target != t.Name || l.Run == "" || l.Run != t.Run || !l.ready() {
			continue
		}
		m, err := p.take(l, t.Run, l.Kept)
		switch {
		case err == nil:
			return m, nil
		case !errors.Is(err, disk.ErrLocked) && !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("take over VM %s: %w", l.Name, err)
		}
	}
	return nil, vm.ErrNoMachine
}

// Reuse takes the machine of the target that was left up.
func (p *provider) Reuse(ctx context.Context, t vm.Target) (vm.Machine, error) {
	all, err := leases(p.options.Host.Cache)
	if err != nil {
		return nil, err
	}
	return vm.ReuseNewest(t, all, func(l leased) *vm.GuestInfo { return l.Info() },
		func(l leased) (vm.Machine, error) { return p.reuse(ctx, l, t) }, p.options.Host.Logger)
}

// reuse takes a machine that was left up, as it is; one that a run has left in the middle of something is reverted.
func (p *provider) reuse(ctx context.Context, l leased, t vm.Target) (vm.Machine, error) {
	switch {
	case !l.Kept:
		return nil, errors.New("it is a run's, and goes down with it")
	case !p.same(l.record) || l.Wanted != p.options.Checkpoint:
		return nil, fmt.Errorf("it is VM %s on %s from checkpoint %s, and the target says another", l.Name, l.Host, l.Wanted)
	}
	abandoned := l.InUse
	m, err := p.take(l, t.Run, true)
	if err != nil {
		return nil, err
	}
	power, err := m.Power(ctx)
	if err == nil && (abandoned || power != vm.On) {
		err = m.Revert(ctx)
	}
	if err != nil { // it stays what it was: left up, and perhaps in disorder
		m.abandon()
		return nil, err
	}
	return m, nil
}

// isGone reports whether a machine is not on its host any more.
func isGone(err error) bool {
	failed, ok := errors.AsType[*powershell.Error](err)
	return ok && strings.EqualFold(failed.Word(), "InvalidParameter") && strings.HasSuffix(failed.ID, ".GetVM")
}

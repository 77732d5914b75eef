//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"wskharness/vm"
	"wskharness/vm/lease"
)

// guestNetio is where a guest has its WSK provider.
const guestNetio = `C:\windows\system32\drivers\netio.sys`

// Reuse claims the newest guest of the target that was left up, is made of what a new one would be made of, and is
// nobody else's.
func (p *Provider) Reuse(ctx context.Context, t vm.Target) (vm.Machine, error) {
	up, err := List(p.opts.Root)
	if err != nil {
		return nil, err
	}
	software, err := Find(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(up, func(a, b State) int { return a.Started.Compare(b.Started) })
	m, err := vm.ReuseNewest(t, up, func(s State) *vm.GuestInfo { return s.Info() },
		func(s State) (vm.Machine, error) { return p.take(ctx, s, software, t.Run) }, p.opts.Logger)
	if err != nil {
		return nil, err
	}
	return m, m.(*Machine).inOrder(ctx)
}

// take claims a guest that is up for a run, where it is as a new one would be.
func (p *Provider) take(ctx context.Context, s State, software *Software, run string) (*Machine, error) {
	if err := p.fits(s, software); err != nil {
		return nil, err
	}
	if !s.Kept {
		return nil, errors.New("it is a run's, and goes down with it")
	}
	return attach(ctx, s.Dir, run)
}

// fits says in what a guest that is up differs from one that would be made now. Which agent it was made with does not
// count: another one is brought in.
func (p *Provider) fits(s State, now *Software) error {
	var was guestConfig
	if err := lease.Read(s.Dir, configFile, &was); err != nil {
		return err
	}
	switch {
	case was.Software != *now:
		return fmt.Errorf("it runs %s", was.Software.Version)
	case was.Host != p.opts.Host:
		return errors.New("it has another winrshost.exe")
	case (was.Netio == "") != (p.opts.Netio == ""):
		return errors.New("it has another netio.sys")
	case p.opts.Netio == "":
		return nil
	}
	there, err := unixPath(prefixOf(s.Dir), guestNetio)
	if err != nil {
		return err
	}
	same, err := sameContent(there, p.opts.Netio)
	if err == nil && !same {
		err = fmt.Errorf("%s is not %s", there, p.opts.Netio)
	}
	return err
}

// inOrder reverts a guest whose last user has ended in the middle of something. One that can't be used is given up.
func (m *Machine) inOrder(ctx context.Context) error {
	if !m.state.Abandoned {
		return nil
	}
	if err := m.Revert(ctx); err != nil {
		return errors.Join(fmt.Errorf("revert %s, which a controller that was killed has left: %w", m.state.ID, err), m.Release(context.WithoutCancel(ctx)))
	}
	return nil
}

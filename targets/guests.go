// Package targets is what `wskharness vm` does by hand: bring guests up and down, find them, and work in them.
package targets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"wskharness/config"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/vm"
)

// Up brings up a target's guest and leaves it up. An empty name is the first target that can be brought
// up.
func Up(ctx context.Context, c *config.Config, env vm.Host, name string) (vm.Guest, error) {
	t, err := c.Startable(name)
	if err != nil {
		return nil, err
	}
	provider, err := providerOf(ctx, c, env, t)
	if err != nil {
		return nil, err
	}
	machine, err := provider.Acquire(ctx, vm.Target{Name: t.Name})
	if err != nil {
		return nil, err
	}
	up, err := keep(ctx, env, machine)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep target %s up: %w", t.Name, err), machine.Release(context.WithoutCancel(ctx)))
	}
	return up, nil
}

// keep leaves a machine up, and finds it as everybody else does.
func keep(ctx context.Context, env vm.Host, machine vm.Machine) (vm.Guest, error) {
	keeper, ok := machine.(vm.Keeper)
	if !ok {
		return nil, errors.New("this kind of machine can't be left up")
	}
	id, err := keeper.Keep(ctx)
	if err != nil {
		return nil, err
	}
	up, err := find(ctx, env, id)
	if err != nil {
		return nil, err
	}
	if starter, ok := machine.(vm.Starter); ok {
		up.Info().Ready = starter.ReadyAfter()
	}
	return up, nil
}

// Guests lists the guests that are up, of all kinds.
func Guests(ctx context.Context, env vm.Host) ([]vm.Guest, error) {
	var all []vm.Guest
	var errs []error
	for _, kind := range env.Kinds {
		if kind.List != nil {
			up, err := kind.List(ctx, env)
			all, errs = append(all, up...), append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

// find picks the one guest that a name means: its id, or its target.
func find(ctx context.Context, env vm.Host, name string) (vm.Guest, error) {
	guests, err := Guests(ctx, env)
	if err != nil {
		return nil, err
	}
	return pick(guests, name)
}

// pick is find among guests that are known.
func pick(guests []vm.Guest, name string) (vm.Guest, error) {
	var found []vm.Guest
	var ids []string
	for _, g := range guests {
		info := g.Info()
		if info.ID == name {
			return g, nil
		}
		if info.Target == name {
			found, ids = append(found, g), append(ids, info.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, settings.Usagef("no guest %q is up: `wskharness vm list` shows those that are, `wskharness vm up` brings one up", name)
	case 1:
		return found[0], nil
	}
	return nil, settings.Usagef("several guests of target %s are up: say which of %s", name, strings.Join(ids, ", "))
}

// Kept is the one guest for a run that a name means, its id or its target: one that was left up, of a target of the
// configuration. chosen are the targets that the run was asked for; empty: any.
func Kept(ctx context.Context, env vm.Host, c *config.Config, name string, chosen []string) (*vm.GuestInfo, error) {
	if IsThere(c, name) {
		return nil, settings.Usagef("--on is for guests that `wskharness vm up` or a run with --keep has left up; %s is always there: --target %s", name, name)
	}
	up, err := find(ctx, env, name)
	if err != nil {
		return nil, err
	}
	switch g := up.Info(); {
	case !g.Kept:
		return nil, settings.Usagef("guest %s is that of a run, and goes down with it: `wskharness vm up` brings up one to work with", g.ID)
	case c.Target(g.Target) == nil:
		return nil, settings.Usagef("guest %s is of the target %s, which %s does not have: say with --config whose it is", g.ID, g.Target, c.Source())
	case len(chosen) > 0 && !slices.Equal(chosen, []string{g.Target}):
		return nil, settings.Usagef("guest %s is of the target %s, and --target says %s: leave --target away", g.ID, g.Target, strings.Join(chosen, ", "))
	default:
		return g, nil
	}
}

// Revert brings a guest that is up, or the machine of a target that is always there, back to its clean state.
func Revert(ctx context.Context, c *config.Config, env vm.Host, name string) (ready time.Duration, err error) {
	if !IsThere(c, name) {
		g, err := find(ctx, env, name)
		if err != nil {
			return 0, err
		}
		return g.Revert(ctx)
	}
	begun := time.Now()
	err = ask(ctx, c, env, name, "revert", func(m vm.Machine) error { return m.Revert(ctx) })
	return time.Since(begun), err
}

// Down ends guests, turns off machines that are always there, and removes what dead controllers left behind. It says what it
// ended. all is every guest, and none of those machines.
func Down(ctx context.Context, c *config.Config, env vm.Host, names []string, all bool) ([]string, error) {
	var ended []string
	var errs []error
	up, err := Guests(ctx, env)
	if err != nil {
		return nil, err
	}
	guests := up
	if !all {
		guests = nil
		for _, name := range names {
			if IsThere(c, name) {
				if err := off(ctx, c, env, name); err != nil {
					errs = append(errs, err)
				} else {
					ended = append(ended, name+" is off")
				}
				continue
			}
			g, err := pick(up, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			guests = append(guests, g)
		}
	}
	downErrs := make([]error, len(guests))
	var downs sync.WaitGroup
	for i, g := range guests { // side by side: one that does not answer holds up no other
		downs.Go(func() { downErrs[i] = g.Down(ctx) })
	}
	downs.Wait()
	for i, g := range guests {
		if err := downErrs[i]; err != nil {
			errs = append(errs, fmt.Errorf("take %s down: %w", g.Info().ID, err))
			continue
		}
		ended = append(ended, g.Info().ID+" is down")
	}
	for _, kind := range env.Kinds {
		if kind.Sweep == nil {
			continue
		}
		swept, err := kind.Sweep(ctx, env)
		for _, what := range swept {
			ended = append(ended, "removed "+what)
		}
		errs = append(errs, err)
	}
	return ended, errors.Join(errs...)
}

// Dial connects to a guest that is up, or to a target of the configuration that is always there.
func Dial(ctx context.Context, c *config.Config, env vm.Host, name string) (*remote.WinRM, error) {
	endpoint, err := Endpoint(ctx, c, env, name)
	if err != nil {
		return nil, err
	}
	return remote.New(endpoint, remote.Options{Logger: env.Logger, Owner: "wskharness vm"})
}

// Endpoint is where a guest that is up, or a target that is always there, answers.
func Endpoint(ctx context.Context, c *config.Config, env vm.Host, name string) (remote.Endpoint, error) {
	if IsThere(c, name) {
		return c.Target(name).Machine.Endpoint(env.Getenv)
	}
	g, err := find(ctx, env, name)
	if err != nil {
		return remote.Endpoint{}, err
	}
	return g.RemoteEndpoint()
}

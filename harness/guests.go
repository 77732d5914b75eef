package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"wskharness/guest"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/wine"
)

// UpGuest is a guest that was brought up by hand.
type UpGuest struct {
	wine.State
	Ready time.Duration `json:"readyNs"` // from nothing to ready for a driver
}

// Up brings up a target's guest and leaves it up. An empty name is the first target that can be brought
// up.
func Up(ctx context.Context, c *Config, env Env, name string) (*UpGuest, error) {
	t, err := c.startable(name)
	if err != nil {
		return nil, err
	}
	w, err := NewWorkshop(ctx, env.Cache)
	if err != nil {
		return nil, err
	}
	w.Tell(env.Tell)
	tools, err := w.tools(ctx, t)
	if err != nil {
		return nil, err
	}
	provider, err := wine.New(c.wineOptions(t, &tools, env))
	if err != nil {
		return nil, err
	}
	acquired, err := provider.Acquire(ctx, vm.Target{Name: t.Name})
	if err != nil {
		return nil, err
	}
	machine := acquired.(*wine.Machine)
	up := &UpGuest{State: machine.State(), Ready: machine.ReadyAfter()}
	up.Kept = true
	if _, err := machine.Keep(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("keep %s up: %w", up.ID, err), machine.Release(context.WithoutCancel(ctx)))
	}
	return up, nil
}

func (c *Config) startable(name string) (*Target, error) {
	for i := range c.Targets {
		t := &c.Targets[i]
		switch {
		case name == "" && t.Provider == ProviderWine, name == t.Name && t.Provider == ProviderWine:
			return t, nil
		case name == t.Name:
			return nil, usagef("target %s is a machine of its own: the harness can't bring it up", name)
		}
	}
	if name == "" {
		return nil, usagef("no target in %s can be brought up", c.source())
	}
	return nil, usagef("no target %q in %s", name, c.source())
}

// Guests lists the guests that are up.
func Guests(env Env) ([]wine.State, error) { return wine.List(env.Cache) }

// find picks the one guest that a name means: its id, or its target.
func find(env Env, name string) (wine.State, error) {
	guests, err := Guests(env)
	if err != nil {
		return wine.State{}, err
	}
	var found []wine.State
	var ids []string
	for _, g := range guests {
		if g.ID == name {
			return g, nil
		}
		if g.Target == name {
			found, ids = append(found, g), append(ids, g.ID)
		}
	}
	switch len(found) {
	case 0:
		return wine.State{}, usagef("no guest %q is up: `wskharness vm list` shows those that are, `wskharness vm up` brings one up", name)
	case 1:
		return found[0], nil
	}
	return wine.State{}, usagef("several guests of target %s are up: say which of %s", name, strings.Join(ids, ", "))
}

// UseGuest makes a run of a request on the one guest that a name means, its id or its target, and on no other: as it is,
// and left up afterwards.
func UseGuest(env Env, r *Request, name string) error {
	if t := r.Config.Target(name); t != nil && t.Static != nil {
		return usagef("--on is for guests that `wskharness vm up` or a run with --keep has left up; %s is always there: --target %s", name, name)
	}
	g, err := find(env, name)
	switch {
	case err != nil:
		return err
	case !g.Kept:
		return usagef("guest %s is that of a run, and goes down with it: `wskharness vm up` brings up one to work with", g.ID)
	case r.Config.Target(g.Target) == nil:
		return usagef("guest %s is of the target %s, which %s does not have: say with --config whose it is", g.ID, g.Target, r.Config.source())
	case len(r.Targets) > 0 && !slices.Equal(r.Targets, []string{g.Target}):
		return usagef("guest %s is of the target %s, and --target says %s: leave --target away", g.ID, g.Target, strings.Join(r.Targets, ", "))
	}
	r.Targets, r.Guest, r.Warm = []string{g.Target}, g.ID, true
	return nil
}

// Revert brings a guest that is up back to its clean state.
func Revert(ctx context.Context, env Env, name string) (time.Duration, error) {
	state, err := find(env, name)
	if err != nil {
		return 0, err
	}
	return wine.Revert(ctx, state)
}

// Down ends guests, and removes what dead ones left behind. It says what it ended.
func Down(ctx context.Context, env Env, names []string, all bool) ([]string, error) {
	var ended []string
	var errs []error
	guests, err := Guests(env)
	if err != nil {
		return nil, err
	}
	if !all {
		guests = nil
		for _, name := range names {
			g, err := find(env, name)
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
		downs.Go(func() { downErrs[i] = wine.Down(ctx, g) })
	}
	downs.Wait()
	for i, g := range guests {
		if err := downErrs[i]; err != nil {
			errs = append(errs, fmt.Errorf("take %s down: %w", g.ID, err))
			continue
		}
		ended = append(ended, g.ID+" is down")
	}
	swept, err := wine.Sweep(env.Cache)
	for _, dir := range swept {
		ended = append(ended, "removed what was left in "+dir)
	}
	return ended, errors.Join(append(errs, err)...)
}

// Dial connects to a guest that is up, or to a static target of the configuration.
func Dial(c *Config, env Env, name string) (*remote.WinRM, error) {
	endpoint, err := endpointOf(c, env, name)
	if err != nil {
		return nil, err
	}
	return remote.New(endpoint, remote.Options{Logger: env.Logger, Owner: "wskharness vm"})
}

func endpointOf(c *Config, env Env, name string) (remote.Endpoint, error) {
	if t := c.Target(name); t != nil && t.Static != nil {
		return t.Static.endpoint(env.Getenv)
	}
	state, err := find(env, name)
	if err != nil {
		return remote.Endpoint{}, err
	}
	return state.RemoteEndpoint()
}

// Exec runs one command with its streams, and returns its exit code.
func Exec(ctx context.Context, client remote.Client, line remote.CommandLine, dir string,
	stdin io.Reader, stdout, stderr io.Writer) (uint32, error) {
	shell, err := client.Shell(ctx, remote.ShellOptions{Name: "wskharness vm exec", Dir: dir})
	if err != nil {
		return 0, err
	}
	var code uint32
	command, err := shell.Start(ctx, line)
	if err == nil {
		code, err = command.Stream(ctx, stdin, stdout, stderr)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return code, errors.Join(err, shell.Close(ctx))
}

// WithAgent builds the agent, brings it into the guest if it is not there, and calls do.
func WithAgent(ctx context.Context, env Env, client remote.Client, do func(context.Context, *guest.Guest) error) error {
	w, err := NewWorkshop(ctx, env.Cache)
	if err != nil {
		return err
	}
	w.Tell(env.Tell)
	agent, err := w.Agent(ctx)
	if err != nil {
		return err
	}
	g, err := guest.Connect(ctx, client, guest.Options{Agent: agent, Logger: env.Logger})
	if err != nil {
		return err
	}
	err = do(ctx, g)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, g.Close(ctx))
}

package targets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"wskharness/config"
	"wskharness/host"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/vm"
	"wskharness/workshop"
)

// Acquired is the machine of a target that nobody else has, as a run would have it.
type Acquired struct {
	vm.Machine
	lock *os.File
}

// Acquire acquires the machine of a target, for work that is no run. The caller releases it.
func Acquire(ctx context.Context, c *config.Config, env vm.Host, name string) (*Acquired, error) {
	t := c.Target(name)
	if t == nil {
		return nil, c.NoTarget(name)
	}
	lock, err := lockShared(env, t)
	if err != nil {
		return nil, err
	}
	a := &Acquired{lock: lock}
	provider, err := providerOf(ctx, c, env, t)
	if err == nil {
		a.Machine, err = provider.Acquire(ctx, vm.Target{Name: t.Name})
	}
	if err != nil {
		a.unlock()
		return nil, fmt.Errorf("acquire the machine of target %s: %w", t.Name, err)
	}
	return a, nil
}

// Release lets the machine go.
func (a *Acquired) Release(ctx context.Context) error {
	err := a.Machine.Release(ctx)
	a.unlock()
	return err
}

func (a *Acquired) unlock() {
	if a.lock != nil {
		host.UnlockMachine(a.lock)
		a.lock = nil
	}
}

// lockShared keeps runs off a machine that they could use, too; nil where every run gets one of its own.
func lockShared(env vm.Host, t *config.Target) (*os.File, error) {
	if t.Machine.Shared == "" {
		return nil, nil
	}
	return host.LockMachine(env.Cache, t.Machine.Shared, "by hand")
}

// providerOf is where a target's machine comes from, with what has to be built for it.
func providerOf(ctx context.Context, c *config.Config, env vm.Host, t *config.Target) (vm.Provider, error) {
	w, err := workshop.New(ctx, env)
	if err != nil {
		return nil, err
	}
	tools, err := w.Tools(ctx, t)
	if err != nil {
		return nil, err
	}
	return tools.Provider(c, t, env)
}

// atHand is what a name means, without anything being asked of its guest, which may be dead: a vm.Guest that is up, or the
// vm.Machine of a target that is always there. done lets it go.
func atHand(ctx context.Context, c *config.Config, env vm.Host, name string) (machine any, done func() error, err error) {
	if !IsThere(c, name) {
		g, err := find(ctx, env, name)
		return g, func() error { return nil }, err
	}
	provider, err := providerOf(ctx, c, env, c.Target(name))
	if err != nil {
		return nil, nil, err
	}
	adopter, ok := provider.(vm.Adopter)
	if !ok {
		return nil, nil, fmt.Errorf("target %s: its kind of machine can't be had as it is", name)
	}
	m, err := adopter.Adopt(ctx, vm.Target{Name: name})
	if err != nil {
		return nil, nil, err
	}
	return m, func() error { return m.Release(context.WithoutCancel(ctx)) }, nil
}

// ask has a machine do what only some can.
func ask[T any](ctx context.Context, c *config.Config, env vm.Host, name, what string, do func(able T) error) error {
	machine, done, err := atHand(ctx, c, env, name)
	if err != nil {
		return err
	}
	able, ok := machine.(T)
	if !ok {
		err = fmt.Errorf("%s %s: its kind of machine can't do that, or its target does not say how", what, name)
	} else if err = do(able); err != nil {
		err = fmt.Errorf("%s %s: %w", what, name, err)
	}
	return errors.Join(err, done())
}

// Reset turns a machine off and on again, without reverting it.
func Reset(ctx context.Context, c *config.Config, env vm.Host, name string) error {
	return ask(ctx, c, env, name, "reset", func(m vm.Resetter) error { return m.Reset(ctx) })
}

// InjectNMI makes the kernel of a machine crash, so that it leaves a dump.
func InjectNMI(ctx context.Context, c *config.Config, env vm.Host, name string) error {
	return ask(ctx, c, env, name, "inject an NMI into", func(m vm.NMIInjector) error { return m.InjectNMI(ctx) })
}

// Console writes the tail of what a machine has printed.
func Console(ctx context.Context, c *config.Config, env vm.Host, name string, to io.Writer) error {
	return ask(ctx, c, env, name, "read the console of", func(m vm.Console) error {
		text, err := m.Console()
		if err == nil {
			_, err = to.Write(text)
		}
		return err
	})
}

// FollowConsole goes on with what the machine prints, until ctx or the machine ends.
func FollowConsole(ctx context.Context, c *config.Config, env vm.Host, name string, to io.Writer) error {
	return ask(ctx, c, env, name, "follow the console of", func(m vm.ConsoleFollower) error { return m.FollowConsole(ctx, to) })
}

// Dump writes the memory of a machine to a file, which must not be there yet, and names its format.
func Dump(ctx context.Context, c *config.Config, env vm.Host, name, path string) (format string, err error) {
	if _, err := os.Lstat(path); err == nil {
		return "", settings.Usagef("dump the memory of %s: %s is there already: name a file that is not", name, path)
	}
	err = ask(ctx, c, env, name, "dump the memory of", func(m vm.MemoryDumper) error {
		format, err = m.DumpMemory(ctx, path)
		return err
	})
	return format, err
}

// On turns the machine of a target that is always there on, where it is off, and waits until its WinRM answers.
func On(ctx context.Context, c *config.Config, env vm.Host, name string) (vm.Power, error) {
	var was vm.Power
	err := ask(ctx, c, env, name, "turn on", func(m vm.Switch) (err error) {
		if was, err = m.Power(ctx); err == nil && was != vm.On {
			err = m.TurnOn(ctx)
		}
		if err != nil {
			return err
		}
		t := c.Target(name)
		ctx, cancel := context.WithTimeout(ctx, t.Machine.BootWithin)
		defer cancel()
		endpoint, err := t.Machine.Endpoint(env.Getenv)
		if err == nil {
			err = remote.Await(ctx, endpoint)
		}
		return err
	})
	return was, err
}

// off turns the machine of a target that is always there off.
func off(ctx context.Context, c *config.Config, env vm.Host, name string) error {
	return ask(ctx, c, env, name, "turn off", func(m vm.Switch) error { return m.TurnOff(ctx) })
}

// IsThere reports whether a name is that of a target whose machine is always there.
func IsThere(c *config.Config, name string) bool {
	t := c.Target(name)
	return t != nil && t.Machine.Endpoint != nil
}

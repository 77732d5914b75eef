// Package workshop builds what a run needs: the driver's package, the agent, and what each kind of machine asks for. Whatever
// is built is kept by its content, and found again:
//
//	w, err := workshop.New(ctx, env)
//	pkg, err := w.Package(ctx, config)
//	tools, err := w.Tools(ctx, target)
//	provider, err := tools.Provider(config, target, env)
package workshop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/remote"
	"wskharness/vm"
)

// BuildError says that there is nothing to test with: exit code 5.
type BuildError struct{ Err error }

func (e *BuildError) Error() string { return e.Err.Error() }
func (e *BuildError) Unwrap() error { return e.Err }

// Workshop is where things are built and signed.
type Workshop struct {
	Toolchain *driver.Toolchain
	Cache     driver.Cache
	Warn      func(text string) // is told what the user has to know of the test certificate; nil: nobody is
}

// New finds the toolchain, and has env told of what is compiled, before it is. A missing toolchain is a *BuildError that says
// how to install it, unless this program has in it what can do without.
func New(ctx context.Context, env vm.Host) (*Workshop, error) {
	tc, err := driver.FindToolchain(ctx)
	switch {
	case err != nil && ctx.Err() == nil && driver.Prebuilt(driver.AgentSpec()):
		tc = &driver.Toolchain{Absent: err}
	case err != nil:
		return nil, &BuildError{Err: err}
	}
	if env.Tell != nil {
		tc.Tell = func(name string) { env.Tell("compiling " + name) }
	}
	return &Workshop{Toolchain: tc, Cache: driver.Cache{Dir: env.Cache}}, nil
}

// Package builds, signs and inspects the configured driver.
func (w *Workshop) Package(ctx context.Context, c *config.Config) (*driver.Package, error) {
	signer, err := driver.UserSigner(time.Now())
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	for _, text := range signer.Notices {
		w.warn(text)
	}
	var pkg *driver.Package
	if c.External != nil {
		pkg, err = w.external(ctx, c, signer)
	} else {
		pkg, err = driver.BuildPackage(ctx, w.Toolchain, driver.SampleSpec(c.Defines), w.Cache, signer, time.Now())
	}
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	return pkg, nil
}

func (w *Workshop) warn(text string) {
	if w.Warn != nil {
		w.Warn(text)
	}
}

// external builds a driver of the user's, where it is to be built, and makes a package of it.
func (w *Workshop) external(ctx context.Context, c *config.Config, signer *driver.Signer) (*driver.Package, error) {
	e := c.External
	own := driver.External{Driver: e.File, INF: e.INF, Catalog: e.Catalog, PDB: e.PDB, Sign: e.Sign}
	if e.Build != nil {
		known := c.Redactor(os.Getenv)
		build := *e.Build
		build.Environment = c.Environment(build.Environment.Also)
		build.Filter = known.Writer
		ran, err := build.Run(ctx)
		if failed, ok := errors.AsType[*driver.CommandError](err); ok {
			failed.Command.Args = known.Texts(failed.Command.Args)
		}
		if err != nil {
			return nil, err
		}
		if notice := ran.Notice(); notice != "" {
			w.warn(notice)
		}
		own.Log, own.Command = ran.Output, known.Texts(build.Args)
	}
	return driver.PackageExternal(ctx, own, w.Cache, signer, time.Now())
}

// Tools are what some targets need to be brought up and connected to.
type Tools struct {
	Agent guest.Agent
	built map[string]map[string]string // paths, by the target's name and then by the kind's own for it
}

// Tools builds them, side by side: what is asked for twice is built once, since a build waits for one of the same.
func (w *Workshop) Tools(ctx context.Context, targets ...*config.Target) (t Tools, err error) {
	t.built = map[string]map[string]string{}
	var all sync.WaitGroup
	var mu sync.Mutex
	build := func(spec driver.Spec, done func(a *driver.Artifact)) {
		all.Go(func() {
			a, failed := driver.Build(ctx, w.Toolchain, spec, w.Cache)
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				err = errors.Join(err, &BuildError{Err: failed})
				return
			}
			done(a)
		})
	}
	build(driver.AgentSpec(), func(a *driver.Artifact) { t.Agent = guest.Agent{Path: a.Path, SHA256: a.SHA256} })
	for _, target := range targets {
		built := map[string]string{}
		t.built[target.Name] = built
		for name, spec := range target.Machine.Builds {
			build(spec, func(a *driver.Artifact) { built[name] = a.Path })
		}
	}
	all.Wait()
	return t, err
}

// Provider is where a target's machine comes from that the tools were built for.
func (t *Tools) Provider(c *config.Config, target *config.Target, env vm.Host) (vm.Provider, error) {
	env.Built, env.Seed = t.built[target.Name], map[string]string{guest.AgentPath(t.Agent.SHA256): t.Agent.Path}
	env.Never, env.Redactor = c.SecretVariables(), c.Redactor(env.Getenv)
	provider, err := target.Machine.Provider(env)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", target.Name, err)
	}
	return provider, nil
}

// WithAgent builds the agent, brings it into the guest if it is not there, and calls do.
func WithAgent(ctx context.Context, env vm.Host, client remote.Client, do func(context.Context, *guest.Guest) error) error {
	w, err := New(ctx, env)
	if err != nil {
		return err
	}
	tools, err := w.Tools(ctx)
	if err != nil {
		return err
	}
	g, err := guest.Connect(ctx, client, guest.Options{Agent: tools.Agent, Logger: env.Logger})
	if err != nil {
		return err
	}
	err = do(ctx, g)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, g.Close(ctx))
}

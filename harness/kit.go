package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/results"
	"wskharness/vm/wine"
)

// kit is everything that has to be built. A target is brought up as soon as its tools are there, while the driver is
// still being built.
type kit struct {
	tools
	equipped chan struct{} // closed when the tools are there
	pkg      *driver.Package
	packaged chan struct{} // closed when the package is there
}

// tools are what a target needs to be brought up and connected to.
type tools struct {
	agent   guest.Agent
	models  map[string]string // netio.sys of each target with the model, by the target's name
	winHost string            // the program that stands for the WinRM service inside a Wine guest
}

func newKit() *kit { return &kit{equipped: make(chan struct{}), packaged: make(chan struct{})} }

// await waits for a part of the kit, and reports whether it is there: the context ends when it can't be built.
func await(ctx context.Context, part <-chan struct{}) bool {
	select {
	case <-part:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// BuildError says that there is nothing to test with: exit code 5.
type BuildError struct{ Err error }

func (e *BuildError) Error() string { return e.Err.Error() }
func (e *BuildError) Unwrap() error { return e.Err }

// Workshop is where packages are built and signed.
type Workshop struct {
	Toolchain *driver.Toolchain
	Cache     driver.Cache
	Warn      func(text string) // is told what the user has to know of the test certificate; nil: nobody is
}

// NewWorkshop finds the toolchain. A missing one is a *BuildError that says how to install it.
func NewWorkshop(ctx context.Context, cacheDir string) (*Workshop, error) {
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	return &Workshop{Toolchain: tc, Cache: driver.Cache{Dir: cacheDir}}, nil
}

// Tell has somebody, who may be nil, told of what is compiled, before it is.
func (w *Workshop) Tell(tell func(text string)) {
	if tell != nil {
		w.Toolchain.Tell = func(name string) { tell("compiling " + name) }
	}
}

// Package builds, signs and inspects the configured driver.
func (w *Workshop) Package(ctx context.Context, c *Config) (*driver.Package, error) {
	signer, err := driver.UserSigner(time.Now())
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	for _, text := range signer.Notices {
		if w.Warn != nil {
			w.Warn(text)
		}
	}
	var pkg *driver.Package
	if c.Own != nil {
		pkg, err = w.own(ctx, c, signer)
	} else {
		pkg, err = driver.BuildPackage(ctx, w.Toolchain, driver.SampleSpec(c.Defines), w.Cache, signer, time.Now())
	}
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	return pkg, nil
}

// own builds a driver of the user's, where it is to be built, and makes a package of it.
func (w *Workshop) own(ctx context.Context, c *Config, signer *driver.Signer) (*driver.Package, error) {
	o := c.Own
	own := driver.Own{Driver: o.File, INF: o.INF, Catalog: o.Catalog, PDB: o.PDB, Sign: o.Sign}
	if o.Build != nil {
		known := c.redactor(os.Getenv)
		build := *o.Build
		build.Environment = c.environment(build.Environment.Also)
		build.Filter = known.Writer
		ran, err := build.Run(ctx)
		if failed, ok := errors.AsType[*driver.CommandError](err); ok {
			failed.Command.Args = known.Texts(failed.Command.Args)
		}
		if err != nil {
			return nil, err
		}
		if notice := ran.Notice(); notice != "" && w.Warn != nil {
			w.Warn(notice)
		}
		own.Log, own.Command = ran.Output, known.Texts(build.Args)
	}
	return driver.PackageOwn(ctx, own, w.Cache, signer, time.Now())
}

// Agent builds wskagent.exe.
func (w *Workshop) Agent(ctx context.Context) (guest.Agent, error) {
	a, err := driver.Build(ctx, w.Toolchain, driver.AgentSpec(), w.Cache)
	if err != nil {
		return guest.Agent{}, &BuildError{Err: err}
	}
	return guest.Agent{Path: a.Path, SHA256: a.SHA256}, nil
}

// tools builds what some targets need, side by side.
func (w *Workshop) tools(ctx context.Context, targets ...*Target) (t tools, err error) {
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { t.agent, errs[0] = w.Agent(ctx) })
	all.Go(func() { t.winHost, errs[1] = w.WineHost(ctx) })
	all.Go(func() { t.models, errs[2] = w.Models(ctx, targets...) })
	all.Wait()
	return t, errors.Join(errs[:]...)
}

// Models builds the netio.sys of each target that has the model.
func (w *Workshop) Models(ctx context.Context, targets ...*Target) (map[string]string, error) {
	models := map[string]string{}
	for _, t := range targets {
		if t.Wine == nil || !t.Wine.Model {
			continue
		}
		a, err := driver.Build(ctx, w.Toolchain, driver.ModelSpec(t.Wine.ModelDefines), w.Cache)
		if err != nil {
			return nil, &BuildError{Err: err}
		}
		models[t.Name] = a.Path
	}
	return models, nil
}

// WineHost builds the WinRM service's side inside a Wine guest.
func (w *Workshop) WineHost(ctx context.Context) (string, error) {
	a, err := driver.Build(ctx, w.Toolchain, driver.Spec{
		Name: "winrshost.exe", Kind: driver.Program, Sources: wine.HostSources(), Dirs: []string{"host"}, Units: 1, Root: "vm/wine",
	}, w.Cache)
	if err != nil {
		return "", &BuildError{Err: err}
	}
	return a.Path, nil
}

// tested is the package that an earlier controller began to test; nil where there is none.
func tested(events []results.Event) *results.Package {
	for _, e := range events {
		if e.Kind == results.KindPackage {
			return e.Package
		}
	}
	return nil
}

// build makes the kit, side by side, and keeps the package in the run folder. A run that is continued goes
// on with the package that is there: before.
func (r *run) build(ctx context.Context, before *results.Package) error {
	folder := filepath.Join(r.dir, "package")
	var pkg *driver.Package
	err := r.phase("", results.PhaseBuild, func() (string, error) {
		w, err := NewWorkshop(ctx, r.env.Cache)
		if err != nil {
			return "", endedBuild(ctx, err)
		}
		w.Tell(r.env.Tell)
		w.Warn = func(text string) { r.notice("", results.Warning, "%s", text) }
		var all sync.WaitGroup
		var pkgErr, toolsErr error
		all.Go(func() {
			if before != nil {
				pkg, pkgErr = reopen(folder, before)
			} else {
				pkg, pkgErr = w.Package(ctx, r.plan.Request.Config)
			}
		})
		all.Go(func() {
			if r.kit.tools, toolsErr = w.tools(ctx, r.plan.Targets...); toolsErr == nil {
				close(r.kit.equipped)
			}
		})
		all.Wait()
		if failed, ok := errors.AsType[*driver.CommandError](pkgErr); ok {
			if err := os.WriteFile(filepath.Join(r.dir, "build.log"), []byte(failed.Output), 0o644); err != nil {
				pkgErr = errors.Join(pkgErr, err)
			}
		}
		if err := errors.Join(pkgErr, toolsErr); err != nil {
			return "", endedBuild(ctx, err)
		}
		if pkg.Cached || before != nil {
			return "unchanged", nil
		}
		return describeBuild(pkg), nil
	})
	if err == nil {
		err = checkUploads(r.plan.Cases)
	}
	if err == nil {
		err = r.keepUploads()
	}
	if err == nil && before == nil {
		pkg, err = r.keepPackage(pkg, folder)
	}
	if err != nil {
		return err
	}
	r.kit.pkg = pkg
	close(r.kit.packaged)
	return nil
}

// endedBuild is why a build failed: where it was ended by a limit or by the user, that, and not what became of its
// processes.
func endedBuild(ctx context.Context, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	if up := limitUp(ctx); up != nil {
		return &BuildError{Err: fmt.Errorf("build: %w", up)}
	}
	return err
}

// keepPackage copies the package into the run folder, which has what was tested whatever becomes of the cache.
func (r *run) keepPackage(pkg *driver.Package, folder string) (*driver.Package, error) {
	if err := os.RemoveAll(folder); err != nil { // half a copy of a controller that was killed
		return nil, fmt.Errorf("keep the package: %w", err)
	}
	pkg, err := pkg.CopyTo(folder)
	if err != nil {
		return nil, err
	}
	m := pkg.Manifest
	r.append(results.Event{Kind: results.KindPackage, Package: &results.Package{
		File: m.Driver.File, SHA256: m.Driver.SHA256, Size: m.Driver.Size,
		Toolchain: toolchain(m.Build), Signer: signer(pkg), Cached: pkg.Cached,
	}})
	return pkg, nil
}

// describeBuild says what was done to the driver.
func describeBuild(p *driver.Package) string {
	done := "built"
	if p.Manifest.Build.Versions.Compiler == "" && len(p.Manifest.Build.Command) == 0 {
		done = "took"
	}
	if p.Certificate != "" {
		done += " and signed"
	}
	return done + " " + filepath.Base(p.Driver)
}

// toolchain names what built the driver.
func toolchain(b driver.Artifact) string {
	switch {
	case b.Versions.Compiler != "":
		return b.Versions.Compiler
	case len(b.Command) > 0:
		return "its own: " + strings.Join(b.Command, " ")
	}
	return results.BuiltElsewhere
}

// signer names who vouches for the driver.
func signer(p *driver.Package) string {
	switch {
	case p.Manifest.Certificate.Subject != "":
		return p.Manifest.Certificate.Subject
	case p.Image.Signature != nil:
		return p.Image.Signature.Subject
	case p.Signed():
		return "the catalogue " + p.Manifest.Catalog.File
	}
	return "nobody"
}

// reopen takes up the package in a run folder.
func reopen(folder string, before *results.Package) (*driver.Package, error) {
	pkg, err := driver.OpenPackage(folder)
	if err != nil {
		return nil, &BuildError{Err: err}
	}
	if is := pkg.Manifest.Driver.SHA256; is != before.SHA256 {
		return nil, &BuildError{Err: fmt.Errorf("the driver in %s has SHA-256 %s, but the run began with %s: run it again", displayPath(folder), is, before.SHA256)}
	}
	return pkg, nil
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"wskharness/driver"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/workshop"
)

// artifacts are everything that has to be built. A target is brought up as soon as its tools are there, while the driver is
// still being built.
type artifacts struct {
	workshop.Tools
	equipped chan struct{} // closed when the tools are there
	pkg      *driver.Package
	packaged chan struct{} // closed when the package is there
}

func newArtifacts() *artifacts {
	return &artifacts{equipped: make(chan struct{}), packaged: make(chan struct{})}
}

// await waits for one of the artifacts, and reports whether it is there: the context ends when it can't be built.
func await(ctx context.Context, part <-chan struct{}) bool {
	select {
	case <-part:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
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

// build makes the artifacts, side by side, and keeps the package in the run folder. A run that is continued goes
// on with the package that is there: before.
func (r *run) build(ctx context.Context, before *results.Package) error {
	folder := filepath.Join(r.dir, "package")
	var pkg *driver.Package
	err := r.phase("", results.PhaseBuild, func() (string, error) {
		w, err := workshop.New(ctx, r.env.Host)
		if err != nil {
			return "", endedBuild(ctx, err)
		}
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
			if r.artifacts.Tools, toolsErr = w.Tools(ctx, r.plan.Targets...); toolsErr == nil {
				close(r.artifacts.equipped)
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
	r.artifacts.pkg = pkg
	close(r.artifacts.packaged)
	return nil
}

// endedBuild is why a build failed: where it was ended by a limit or by the user, that, and not what became of its
// processes.
func endedBuild(ctx context.Context, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	if up := limitUp(ctx); up != nil {
		return &workshop.BuildError{Err: fmt.Errorf("build: %w", up)}
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
		return nil, &workshop.BuildError{Err: err}
	}
	if is := pkg.Manifest.Driver.SHA256; is != before.SHA256 {
		return nil, &workshop.BuildError{Err: fmt.Errorf("the driver in %s has SHA-256 %s, but the run began with %s: run it again", settings.DisplayPath(folder), is, before.SHA256)}
	}
	return pkg, nil
}

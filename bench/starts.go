package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing/fstest"
	"time"

	"wskharness/driver"
	"wskharness/vm/wine"
)

//go:embed bare
var bareSources embed.FS

const (
	oneCase = "registration.basic"
	// example is the driver that is edited: one that has a build command of its own, so that what is measured is the
	// harness and not how the sample is built.
	example     = "examples/reverse"
	exampleCase = "reverse.bytes"
)

// starts measures what one case costs: on a cold guest, beside a script that does no more than it has to, and on a warm
// one, from saving a file to the verdict.
func (b *bench) starts(ctx context.Context, runs int) error {
	bare, err := b.newBare(ctx)
	if err != nil {
		return fmt.Errorf("prepare the bare script: %w", err)
	}
	edited, err := b.newEdited()
	if err != nil {
		return fmt.Errorf("prepare a driver to edit: %w", err)
	}
	defer b.downAll(ctx)
	for i := range runs + 1 {
		b.counted = i > 0
		if err := errors.Join(b.cold(ctx, bare), b.warm(ctx), edited.save(ctx, b, i)); err != nil {
			return err
		}
	}
	return b.print()
}

// cold runs the script and the product one after the other: what else goes on here slows both.
func (b *bench) cold(ctx context.Context, bare *bare) error {
	least, err := bare.run(ctx)
	if err != nil {
		return err
	}
	run, err := b.run(ctx, "run", oneCase)
	if err != nil {
		return err
	}
	b.add("bare script: clone a prefix, start the driver, one request, stop it, clear away", "s", 0, least.Seconds())
	b.add("`run "+oneCase+"` on a cold guest, nothing to build", "s", 0, run.took.Seconds())
	b.add("the same, beside the bare script", "×", 2, run.took.Seconds()/least.Seconds())
	return nil
}

func (b *bench) warm(ctx context.Context) error {
	run, err := b.run(ctx, "run", oneCase, "--warm")
	if err != nil {
		return err
	}
	b.add("`run "+oneCase+" --warm` on a warm guest, nothing to build", "s", 0, run.took.Seconds())
	return nil
}

func (b *bench) downAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if _, err := b.run(ctx, "vm", "down", "--all"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// bare is what the script needs.
type bare struct{ script, template, driver, program, folder, wine string }

// newBare lets the product make the prefix that is cloned, the driver and its signature, so that both run the same.
func (b *bench) newBare(ctx context.Context) (*bare, error) {
	if _, err := b.run(ctx, "run", oneCase); err != nil {
		return nil, err
	}
	templates, err := filepath.Glob(filepath.Join(b.dir, "cache", "wskharness", "wine", "templates", "[0-9a-f]*"))
	if err != nil || len(templates) != 1 {
		return nil, fmt.Errorf("one template was expected, and not %q: %v", templates, err)
	}
	software, err := wine.Find(ctx)
	if err != nil {
		return nil, err
	}
	program, err := buildBare(ctx)
	if err != nil {
		return nil, err
	}
	script := filepath.Join(b.dir, "bare.sh")
	text, err := bareSources.ReadFile("bare/bare.sh")
	if err != nil {
		return nil, err
	}
	return &bare{
		script: script, template: templates[0], program: program, wine: software.Loader,
		driver: filepath.Join(b.dir, "wskharness-runs", "latest", "package", "wsksample.sys"),
		folder: filepath.Join(b.dir, "cache", "bare"), // beside the template, for hard links
	}, os.WriteFile(script, text, 0o700)
}

// buildBare compiles bare.c with the ABI of the driver.
func buildBare(ctx context.Context) (string, error) {
	sources := fstest.MapFS{}
	for path, from := range map[string]fs.FS{"bare/bare.c": bareSources, "include/wskabi.h": driver.Sources()} {
		text, err := fs.ReadFile(from, path)
		if err != nil {
			return "", err
		}
		sources[path] = &fstest.MapFile{Data: text}
	}
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return "", err
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		return "", err
	}
	built, err := driver.Build(ctx, toolchain, driver.Spec{
		Name: "bare.exe", Kind: driver.Program, Sources: sources, Dirs: []string{"bare"}, Includes: []string{"include"},
		Libs: []string{"advapi32"}, Root: "bench",
	}, cache)
	if err != nil {
		return "", err
	}
	return built.Path, nil
}

// run runs the script once, with next to nothing in its environment.
func (s *bare) run(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, s.script, s.template, s.driver, s.program, s.folder, s.wine)
	cmd.Env = []string{"PATH=" + filepath.Dir(s.wine) + ":/usr/bin:/bin", "HOME=" + filepath.Dir(s.script)}
	// A file, not a pipe: the guest's services hold what they were given open.
	said, err := os.Create(s.script + ".log")
	if err != nil {
		return 0, err
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	begun := time.Now()
	err = cmd.Run()
	took := time.Since(begun)
	if err != nil {
		text, _ := os.ReadFile(said.Name())
		return 0, fmt.Errorf("bare.sh: %w\n%s", err, text)
	}
	return took, nil
}

// edited is a driver of a developer's own, in a folder of its own.
type edited struct {
	folder string
	source string // the file that is saved
	text   []byte
}

func (b *bench) newEdited() (*edited, error) {
	e := &edited{folder: filepath.Join(b.dir, "edited")}
	e.source = filepath.Join(e.folder, "driver", "reverse.c")
	if err := os.CopyFS(e.folder, os.DirFS(example)); err != nil {
		return nil, fmt.Errorf("run this from the root of the project: %w", err)
	}
	var err error
	e.text, err = os.ReadFile(e.source)
	return e, err
}

// save changes what the driver has in it and builds that; then once more, and runs one case on a guest that is up. The
// build goes on beside the guest's start then: what it costs alone is what the run is compared with.
func (e *edited) save(ctx context.Context, b *bench, i int) error {
	config := []string{"--config", filepath.Join(e.folder, "wskharness.yaml")}
	if err := e.edit(2 * i); err != nil {
		return err
	}
	built, err := b.run(ctx, append([]string{"build"}, config...)...)
	if err != nil {
		return err
	}
	if err := e.edit(2*i + 1); err != nil {
		return err
	}
	run, err := b.run(ctx, append([]string{"run", exampleCase, "--warm", "--out", filepath.Join(b.dir, "edited-runs")}, config...)...)
	if err != nil {
		return err
	}
	b.add("`build` of a driver of one's own, after a file was saved", "s", 0, built.took.Seconds())
	b.add("`run --warm` of one case, after a file of it was saved", "s", 0, run.took.Seconds())
	b.add("the same, beyond the build", "s", 0.5, (run.took - built.took).Seconds())
	return nil
}

func (e *edited) edit(edition int) error {
	text := append([]byte(nil), e.text...)
	return os.WriteFile(e.source, fmt.Appendf(text, "\nconst char Edition[] = \"edition %d\";\n", edition), 0o600)
}

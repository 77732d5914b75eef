package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"wskharness/driver"
)

// builds measures what a build costs beside the plain compiler, as a person would start it, for the same files in the
// same minute: figures are ratios of a pair.
func (b *bench) builds(ctx context.Context, runs int) error {
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return err
	}
	for i := range runs + 1 {
		b.counted = i > 0
		for _, part := range []builtPart{
			{"the sample", driver.SampleSpec, "WSKSAMPLE_DEFECT"},
			{"the model", driver.ModelSpec, "WSKMODEL_DEFECT"},
			{"the agent", func(map[string]string) driver.Spec { return driver.AgentSpec() }, ""},
		} {
			if err := b.built(ctx, toolchain, part, i); err != nil {
				return fmt.Errorf("build %s: %w", part.name, err)
			}
		}
	}
	return b.print()
}

// builtPart is something that is built.
type builtPart struct {
	name   string
	spec   func(defines map[string]string) driver.Spec
	define string // one that chooses a variant; may be empty
}

// built builds a part in an empty cache, after an edit of its largest and of its smallest file, and as a variant.
func (b *bench) built(ctx context.Context, toolchain *driver.Toolchain, part builtPart, round int) error {
	dir, err := os.MkdirTemp(b.dir, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cache := driver.Cache{Dir: filepath.Join(dir, "cache")}
	plain, err := newPlain(toolchain, part.spec(nil), filepath.Join(dir, "src"))
	if err != nil {
		return err
	}
	largest, smallest := plain.sources[len(plain.sources)-1], plain.sources[0]
	alone, err := plain.compile(ctx, largest)
	if err != nil {
		return err
	}
	cold, err := driver.Build(ctx, toolchain, part.spec(nil), cache)
	if err != nil {
		return err
	}
	b.add(part.name+", cold: times the plain compile of its largest file alone", "x", 4, cold.Took.Seconds()/alone.Seconds())
	for what, file := range map[string]string{"largest": largest, "smallest": smallest} {
		alone, err := plain.compile(ctx, file)
		if err != nil {
			return err
		}
		edited := part.spec(nil)
		edited.Sources = plain.edited(file, round)
		built, err := driver.Build(ctx, toolchain, edited, cache)
		if err != nil {
			return err
		}
		if built.Compiled != 1 {
			return fmt.Errorf("an edit of %s compiled %d units", file, built.Compiled)
		}
		b.add(fmt.Sprintf("%s, its %s file edited: times that file alone, beyond 0.3 s", part.name, what), "x", 1.5,
			(built.Took.Seconds()-0.3)/alone.Seconds())
	}
	if part.define == "" {
		return nil
	}
	seen, err := plain.compile(ctx, plain.seeing(regexp.MustCompile(`\b(DEFECT|MISTAKE|OMISSION)\(|\bSeam[A-Z]`))...)
	if err != nil {
		return err
	}
	variant, err := driver.Build(ctx, toolchain, part.spec(map[string]string{part.define: "1"}), cache)
	if err != nil {
		return err
	}
	b.add(part.name+", a variant by one define: times the plain compile of the files that see it", "x", 2,
		variant.Took.Seconds()/seen.Seconds())
	return nil
}

// plain is the compiler by itself, on a copy of the sources.
type plain struct {
	toolchain *driver.Toolchain
	spec      driver.Spec
	dir       string
	flags     []string
	sources   []string // by size, the smallest first
}

func newPlain(toolchain *driver.Toolchain, spec driver.Spec, dir string) (*plain, error) {
	p := &plain{toolchain: toolchain, spec: spec, dir: dir}
	if err := os.CopyFS(dir, spec.Sources); err != nil {
		return nil, err
	}
	// As it comes: with all that the headers include.
	p.flags = slices.DeleteFunc(driver.CompileFlags(spec.Kind), func(flag string) bool { return strings.HasPrefix(flag, "-D") })
	p.flags = append(p.flags, spec.Options...)
	for _, name := range slices.Sorted(maps.Keys(spec.Defines)) {
		p.flags = append(p.flags, "-D"+name)
	}
	for _, folder := range slices.Concat(spec.Includes, spec.Dirs) {
		p.flags = append(p.flags, "-I", folder)
	}
	if spec.Kind == driver.KernelDriver {
		headers, err := kernelHeaders(toolchain)
		if err != nil {
			return nil, err
		}
		p.flags = append(p.flags, "-isystem", headers)
	}
	sizes := map[string]int64{}
	for _, folder := range spec.Dirs {
		found, err := fs.Glob(spec.Sources, path.Join(folder, "*.c"))
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			info, err := fs.Stat(spec.Sources, name)
			if err != nil {
				return nil, err
			}
			sizes[name] = info.Size()
		}
	}
	p.sources = slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return int(sizes[a] - sizes[b]) })
	return p, nil
}

func kernelHeaders(toolchain *driver.Toolchain) (string, error) {
	out, err := exec.Command(toolchain.CC, "-E", "-v", "-x", "c", os.DevNull).CombinedOutput()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		dir := filepath.Join(strings.TrimSpace(line), "ddk")
		if _, err := os.Stat(filepath.Join(dir, "ntddk.h")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("the driver kit's headers are not installed")
}

// compile is how long the files take, as many at a time as there are processors.
func (p *plain) compile(ctx context.Context, files ...string) (time.Duration, error) {
	begun := time.Now()
	errs := make([]error, len(files))
	turns := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, file := range files {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			cmd := exec.CommandContext(ctx, p.toolchain.CC, append(slices.Clone(p.flags), "-c", file, "-o", fmt.Sprintf("%d.o", i))...)
			cmd.Dir = p.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("compile %s: %w: %s", file, err, out)
			}
		})
	}
	all.Wait()
	return time.Since(begun), errors.Join(errs...)
}

// edited is the sources with another line in one of them.
func (p *plain) edited(file string, round int) fs.FS {
	sources := fstest.MapFS{}
	for _, folder := range slices.Concat(p.spec.Dirs, p.spec.Includes) {
		files, _ := fs.Glob(p.spec.Sources, path.Join(folder, "*")) // its pattern is right
		for _, name := range files {
			data, err := fs.ReadFile(p.spec.Sources, name)
			if err != nil {
				continue // a folder
			}
			if name == file {
				data = fmt.Appendf(data, "\nextern const int Edited%d;\nconst int Edited%d = %d;\n", round, round, round)
			}
			sources[name] = &fstest.MapFile{Data: data}
		}
	}
	return sources
}

// seeing is the files that name a defect, or a seam that has one.
func (p *plain) seeing(defects *regexp.Regexp) (files []string) {
	for _, name := range p.sources {
		if data, err := fs.ReadFile(p.spec.Sources, name); err == nil && defects.Match(data) {
			files = append(files, name)
		}
	}
	return files
}

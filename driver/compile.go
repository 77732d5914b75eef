package driver

import (
	"bytes"
	"context"
	"debug/pe"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// symbolsSuffix is put behind an image's name for its twin with debug information.
const symbolsSuffix = ".dbg"

// workshop is one build in a temporary folder: src holds the sources under the names that they have in
// the Spec, obj the objects, out what goes into the cache. The compiler runs in src and sees only
// relative names, so no folder of this machine gets into an image.
type workshop struct {
	tc      *Toolchain
	tools   *survey
	spec    Spec
	cache   Cache
	files   []sourceFile
	machine []string // flags that name folders of this machine
	dir     string
}

func (w *workshop) src() string { return filepath.Join(w.dir, "src") }
func (w *workshop) out() string { return filepath.Join(w.dir, "out") }

// path is where a file is whose name is relative to the root of the sources, as the compiler gets it.
func (w *workshop) path(name string) string { return filepath.Join(w.src(), filepath.FromSlash(name)) }

// openWorkshop asks the toolchain what it is, and lays the sources out in dir.
func openWorkshop(ctx context.Context, tc *Toolchain, spec Spec, files []sourceFile, cache Cache, dir string) (*workshop, error) {
	w := &workshop{tc: tc, spec: spec, cache: cache, files: files, dir: dir}
	var err error
	if w.tools, err = tc.survey(ctx, cache); err != nil {
		return nil, err
	}
	if spec.Kind == KernelDriver {
		if w.tools.Headers == "" {
			return nil, missingKernelHeaders()
		}
		w.machine = []string{"-isystem", w.tools.Headers}
	}
	return w, w.layOut()
}

func (w *workshop) build(ctx context.Context) (*buildEntry, error) {
	wrap := func(err error) error { return fmt.Errorf("build %s: %w", w.spec.Name, err) }
	units, compiled, err := w.compileAll(ctx)
	if err != nil {
		return nil, w.missing(ctx, err)
	}
	if err := w.linkBoth(ctx, units); err != nil {
		return nil, w.missing(ctx, err)
	}
	image := filepath.Join(w.out(), w.spec.Name)
	if err := sameButForSymbols(image, image+symbolsSuffix); err != nil {
		return nil, &BuildError{Name: w.spec.Name, Step: "check", Err: err}
	}
	inputs, err := w.inputs(units)
	if err != nil {
		return nil, wrap(err)
	}
	entry := &buildEntry{Inputs: inputs, Artifact: Artifact{
		Name: w.spec.Name, Kind: w.spec.Kind.String(), Versions: w.tools.Versions,
		Flags: w.spec.compileFlags(), Link: w.spec.linkFlags(), Defines: maps.Clone(w.spec.Defines),
		SourceSHA256: sourceHash(w.files), Units: len(units), Compiled: compiled,
	}}
	for _, file := range w.files {
		entry.Sources = append(entry.Sources, SourceHash{file.path, hashBytes(file.content)})
	}
	info, err := os.Stat(image)
	if err != nil {
		return nil, wrap(err)
	}
	entry.Size = info.Size()
	if entry.SHA256, err = hashFile(image); err != nil {
		return nil, wrap(err)
	}
	if entry.SymbolsSHA256, err = hashFile(image + symbolsSuffix); err != nil {
		return nil, wrap(err)
	}
	return entry, nil
}

// missing gives a library that is not installed as the reason, where that is why a tool failed.
func (w *workshop) missing(ctx context.Context, failed error) error {
	var missing *MissingToolError
	if errors.As(w.tc.CheckLibraries(ctx, w.spec), &missing) {
		return fmt.Errorf("build %s: %w", w.spec.Name, missing)
	}
	return failed
}

// layOut writes the sources as they were hashed, and the units that are made of them.
func (w *workshop) layOut() error {
	if err := os.MkdirAll(w.out(), 0o755); err != nil {
		return err
	}
	for _, dir := range slices.Concat(w.spec.Dirs, w.spec.Includes) {
		if err := os.MkdirAll(w.path(dir), 0o755); err != nil {
			return err
		}
	}
	for _, file := range w.files {
		if err := writeBelow(w.path(file.path), file.content); err != nil {
			return err
		}
	}
	for _, u := range w.spec.units(w.files) {
		if err := os.MkdirAll(filepath.Dir(w.path(u.object())), 0o755); err != nil {
			return err
		}
		if len(u.files) == 1 {
			continue
		}
		if err := writeBelow(w.path(u.name), []byte(u.text)); err != nil {
			return err
		}
	}
	return nil
}

// writeBelow writes a file, and makes the folder that it is in.
func writeBelow(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// compileAll makes the object of every unit, and reports the errors of all of them, in the order of the sources.
func (w *workshop) compileAll(ctx context.Context) (units []translationUnit, compiled int, err error) {
	units = w.spec.units(w.files)
	made := make([]bool, len(units))
	errs := w.sideBySide(len(units), func(i int) (err error) {
		made[i], err = w.make(ctx, units[i])
		return err
	})
	for i, err := range errs {
		if failed, ok := errors.AsType[*toolError](err); ok {
			errs[i] = w.explain(ctx, units[i], failed)
		}
	}
	for _, made := range made {
		if made {
			compiled++
		}
	}
	return units, compiled, w.joinCompileErrors(flatten(errs))
}

// sideBySide works for each of n, as many at a time as there are processors.
func (w *workshop) sideBySide(n int, work func(i int) error) []error {
	errs := make([]error, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := range next {
				errs[i] = work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	return errs
}

// flatten takes errors apart that were joined.
func flatten(errs []error) (all []error) {
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			all = append(all, joined.Unwrap()...)
		} else {
			all = append(all, err)
		}
	}
	return all
}

// joinCompileErrors makes one BuildError of what several compilers said. Anything but a compiler's
// verdict, such as the end of ctx, comes first.
func (w *workshop) joinCompileErrors(errs []error) error {
	var joined *BuildError
	for _, err := range errs {
		var failed *toolError
		switch {
		case err == nil:
		case !errors.As(err, &failed):
			return fmt.Errorf("compile %s: %w", w.spec.Name, err)
		case failed.diskFull():
			return &CacheError{Dir: w.dir, Err: failed}
		case joined == nil:
			joined = w.buildError("compile", failed)
		case strings.Contains(joined.Output, w.asTheUserKnows(failed.Output)):
			// What is no mistake of the sources, such as too little memory, is the same for each unit.
		default:
			joined.Output += w.asTheUserKnows(failed.Output)
		}
	}
	if joined != nil {
		return joined
	}
	return nil
}

func (w *workshop) buildError(step string, failed *toolError) *BuildError {
	return &BuildError{
		Name: w.spec.Name, Step: step, Err: failed.Err,
		Command: strings.ReplaceAll(strings.Join(failed.Args, " "), w.dir+string(filepath.Separator), ""),
		Output:  w.asTheUserKnows(failed.Output),
	}
}

// linkBoth links the image, and its twin with debug information.
func (w *workshop) linkBoth(ctx context.Context, units []translationUnit) error {
	// The twin has the image's own name, in another folder: the name is in the table of exports.
	const folder = "twin"
	if err := os.Mkdir(filepath.Join(w.out(), folder), 0o755); err != nil {
		return err
	}
	errs := w.sideBySide(2, func(i int) error {
		if i == 0 {
			return w.link(ctx, units, w.spec.Name, "-s", "-Wl,--dependency-file,"+linkDependencies)
		}
		return w.link(ctx, units, folder+"/"+w.spec.Name)
	})
	for _, err := range errs {
		if err != nil {
			return err // both fail for the same reason
		}
	}
	twin := filepath.Join(w.out(), w.spec.Name+symbolsSuffix)
	if err := os.Rename(filepath.Join(w.out(), folder, w.spec.Name), twin); err != nil {
		return err
	}
	return os.Remove(filepath.Join(w.out(), folder))
}

// link links in the order of the sources' names.
func (w *workshop) link(ctx context.Context, units []translationUnit, name string, extra ...string) error {
	args := append(linkFlags(w.spec.Kind), w.spec.Options...)
	args = append(args, extra...)
	args = append(args, "-o", "../out/"+name)
	for _, u := range units {
		args = append(args, u.object())
	}
	args = append(args, w.spec.libFlags()...)
	_, err := runTool(ctx, w.src(), w.tc.CC, args...)
	failed, ok := errors.AsType[*toolError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("link %s: %w", w.spec.Name, err)
	case failed.diskFull():
		return &CacheError{Dir: w.dir, Err: failed}
	}
	return w.buildError("link", failed)
}

// linkDependencies is where the linker lists what it read, relative to src.
const linkDependencies = "../obj/link.d"

// inputs lists the files of this machine that took part, as compiler and linker report them.
func (w *workshop) inputs(units []translationUnit) ([]input, error) {
	paths := map[string]bool{}
	rules := []string{linkDependencies}
	for _, u := range units {
		rules = append(rules, u.rule())
	}
	for _, rule := range rules {
		text, err := readBounded(w.path(rule), maxJSONFile)
		if err != nil {
			return nil, err
		}
		for _, prerequisite := range prerequisites(string(text)) {
			if filepath.IsAbs(prerequisite) {
				paths[filepath.Clean(prerequisite)] = true
			}
		}
	}
	inputs := slices.Clone(w.tools.Programs)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		in, err := statInput(path)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// prerequisites returns what the first rule of a makefile fragment by gcc -MD or ld --dependency-file
// depends on.
func prerequisites(rule string) []string {
	_, rule, _ = strings.Cut(strings.ReplaceAll(rule, "\\\n", " "), ": ")
	rule, _, _ = strings.Cut(rule, "\n")
	var names []string
	for _, name := range strings.Fields(strings.ReplaceAll(rule, `\ `, "\x00")) {
		names = append(names, strings.ReplaceAll(name, "\x00", " "))
	}
	return names
}

// messagePath is a file name in a compiler's message: it follows a blank, a quote or a colon, and a
// colon or a comma follows it.
var messagePath = regexp.MustCompile(`[^\s:,'"()]+\.[a-z]+[:,]`)

// asTheUserKnows puts the user's name for the root of the sources before the names of his files.
func (w *workshop) asTheUserKnows(output string) string {
	if w.spec.Root == "" {
		return output
	}
	ours := map[string]bool{}
	for _, file := range w.files {
		ours[file.path] = true
	}
	return messagePath.ReplaceAllStringFunc(output, func(match string) string {
		name := path.Clean(match[:len(match)-1])
		if !ours[name] {
			return match
		}
		return filepath.Join(w.spec.Root, filepath.FromSlash(name)) + match[len(match)-1:]
	})
}

// sameButForSymbols checks that the image with debug information is the shipped one: an address in
// the one is then the same place in the other.
func sameButForSymbols(image, withSymbols string) error {
	shipped, err := pe.Open(image)
	if err != nil {
		return fmt.Errorf("read what was linked: %w", err)
	}
	defer shipped.Close()
	full, err := pe.Open(withSymbols)
	if err != nil {
		return fmt.Errorf("read what was linked: %w", err)
	}
	defer full.Close()
	for _, section := range shipped.Sections {
		twin := full.Section(section.Name)
		if twin == nil || twin.VirtualAddress != section.VirtualAddress || twin.VirtualSize != section.VirtualSize {
			return fmt.Errorf("section %s differs between %s and its twin with symbols", section.Name, filepath.Base(image))
		}
		if section.Size == 0 {
			continue
		}
		a, err := section.Data()
		if err != nil {
			return err
		}
		b, err := twin.Data()
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("the content of section %s differs between %s and its twin with symbols",
				section.Name, filepath.Base(image))
		}
	}
	return nil
}

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
	tc    *Toolchain
	spec  Spec
	files []sourceFile
	dir   string
}

func (w *workshop) src() string { return filepath.Join(w.dir, "src") }
func (w *workshop) out() string { return filepath.Join(w.dir, "out") }

// object is the name of a source's object, relative to src.
func object(source string) string {
	return "../obj/" + strings.TrimSuffix(source, path.Ext(source)) + ".o"
}

func (w *workshop) build(ctx context.Context) (*buildEntry, error) {
	wrap := func(err error) error { return fmt.Errorf("build %s: %w", w.spec.Name, err) }
	if err := w.layOut(); err != nil {
		return nil, wrap(err)
	}
	versions, err := w.tc.Versions(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	if err := w.tc.CheckLibraries(ctx, w.spec); err != nil {
		return nil, wrap(err)
	}
	machine, err := w.machineFlags(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	if err := w.compilePrefix(ctx, machine); err != nil {
		return nil, err
	}
	objects, err := w.compileAll(ctx, machine)
	if err != nil {
		return nil, err
	}
	if err := w.link(ctx, objects, w.spec.Name, "-s"); err != nil {
		return nil, err
	}
	if err := w.linkTwin(ctx, objects); err != nil {
		return nil, err
	}
	image := filepath.Join(w.out(), w.spec.Name)
	if err := sameButForSymbols(image, image+symbolsSuffix); err != nil {
		return nil, &BuildError{Name: w.spec.Name, Step: "check", Err: err}
	}
	inputs, err := w.inputs(ctx, objects)
	if err != nil {
		return nil, wrap(err)
	}
	entry := &buildEntry{Inputs: inputs, Artifact: Artifact{
		Name: w.spec.Name, Kind: w.spec.Kind.String(), Versions: versions,
		Flags: w.spec.compileFlags(), Link: w.spec.linkFlags(), Defines: maps.Clone(w.spec.Defines),
		SourceSHA256: sourceHash(w.files),
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

// layOut writes the sources as they were hashed.
func (w *workshop) layOut() error {
	if err := os.MkdirAll(w.out(), 0o755); err != nil {
		return err
	}
	if w.spec.Prefix != "" {
		prefix := filepath.Join(w.src(), prefixHeader)
		if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(prefix, fmt.Appendf(nil, "#include <%s>\n", w.spec.Prefix), 0o644); err != nil {
			return err
		}
	}
	for _, dir := range slices.Concat(w.spec.Dirs, w.spec.Includes) {
		if err := os.MkdirAll(filepath.Join(w.src(), filepath.FromSlash(dir)), 0o755); err != nil {
			return err
		}
	}
	for _, file := range w.files {
		name := filepath.Join(w.src(), filepath.FromSlash(file.path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, file.content, 0o644); err != nil {
			return err
		}
		if !file.compiled() {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(w.src(), object(file.path))), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// machineFlags are those that name folders of this machine.
func (w *workshop) machineFlags(ctx context.Context) ([]string, error) {
	if w.spec.Kind != KernelDriver {
		return nil, nil
	}
	headers, err := w.tc.kernelHeaders(ctx)
	if err != nil {
		return nil, err
	}
	return []string{"-isystem", headers}, nil
}

// prefixHeader includes the Spec's Prefix. It is compiled beside its source, where the compiler looks.
const prefixHeader = "../pre/prefix.h"

// compilePrefix compiles the header that all sources begin with: reading it takes most of the time
// that a source of a driver takes to compile.
func (w *workshop) compilePrefix(ctx context.Context, machine []string) error {
	if w.spec.Prefix == "" {
		return nil
	}
	const compiled = prefixHeader + ".gch"
	args := append(w.spec.compileFlags(), machine...)
	args = append(args, "-MD", "-MF", compiled+".d", "-x", "c-header", prefixHeader, "-o", compiled)
	_, err := runTool(ctx, w.src(), w.tc.CC, args...)
	return w.joinCompileErrors([]error{err})
}

// compileAll compiles every source, as many at a time as there are processors, and reports the errors
// of all of them, in the order of the sources.
func (w *workshop) compileAll(ctx context.Context, machine []string) ([]string, error) {
	var sources []string
	for _, file := range w.files {
		if file.compiled() {
			sources = append(sources, file.path)
		}
	}
	errs := make([]error, len(sources))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(sources)) {
		workers.Go(func() {
			for i := range next {
				errs[i] = w.compile(ctx, sources[i], machine)
			}
		})
	}
	for i := range sources {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := w.joinCompileErrors(errs); err != nil {
		return nil, err
	}
	objects := make([]string, len(sources))
	for i, source := range sources {
		objects[i] = object(source)
	}
	return objects, nil
}

func (w *workshop) compile(ctx context.Context, source string, machine []string) error {
	obj := object(source)
	args := append(w.spec.compileFlags(), machine...)
	if w.spec.Prefix != "" {
		args = append(args, "-Winvalid-pch", "-include", prefixHeader)
	}
	args = append(args, "-MD", "-MF", obj+".d", "-c", source, "-o", obj)
	_, err := runTool(ctx, w.src(), w.tc.CC, args...)
	return err
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
		case joined == nil:
			joined = w.buildError("compile", failed)
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

// link links in the order of the sources' names, and notes which libraries took part.
func (w *workshop) link(ctx context.Context, objects []string, name string, extra ...string) error {
	args := append(LinkFlags(w.spec.Kind), w.spec.Options...)
	args = append(args, extra...)
	args = append(args, "-Wl,--dependency-file,"+linkDependencies, "-o", "../out/"+name)
	args = append(args, objects...)
	args = append(args, w.spec.libFlags()...)
	_, err := runTool(ctx, w.src(), w.tc.CC, args...)
	var failed *toolError
	if errors.As(err, &failed) {
		return w.buildError("link", failed)
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", w.spec.Name, err)
	}
	return nil
}

// linkTwin links the image with its debug information. It does so under the image's own name, in another
// folder: the name is in the table of exports.
func (w *workshop) linkTwin(ctx context.Context, objects []string) error {
	const folder = "twin"
	if err := os.Mkdir(filepath.Join(w.out(), folder), 0o755); err != nil {
		return err
	}
	if err := w.link(ctx, objects, folder+"/"+w.spec.Name); err != nil {
		return err
	}
	twin := filepath.Join(w.out(), w.spec.Name+symbolsSuffix)
	if err := os.Rename(filepath.Join(w.out(), folder, w.spec.Name), twin); err != nil {
		return err
	}
	return os.Remove(filepath.Join(w.out(), folder))
}

// linkDependencies is where the linker lists what it read, relative to src.
const linkDependencies = "../obj/link.d"

// inputs lists the files of this machine that took part, as compiler and linker report them.
func (w *workshop) inputs(ctx context.Context, objects []string) ([]input, error) {
	paths := map[string]bool{}
	programs, err := w.tc.programs(ctx)
	if err != nil {
		return nil, err
	}
	for _, program := range programs {
		paths[filepath.Clean(program)] = true
	}
	rules := []string{linkDependencies}
	if w.spec.Prefix != "" {
		rules = append(rules, prefixHeader+".gch.d")
	}
	for _, obj := range objects {
		rules = append(rules, obj+".d")
	}
	for _, rule := range rules {
		text, err := readBounded(filepath.Join(w.src(), rule), maxJSONFile)
		if err != nil {
			return nil, err
		}
		for _, prerequisite := range prerequisites(string(text)) {
			if filepath.IsAbs(prerequisite) {
				paths[filepath.Clean(prerequisite)] = true
			}
		}
	}
	var inputs []input
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

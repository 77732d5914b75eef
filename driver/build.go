package driver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Artifact is a finished build, before any signature. Its files are in the cache: copy them, don't
// change them.
type Artifact struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	Path     string            `json:"-"` // the image
	SHA256   string            `json:"sha256"`
	Size     int64             `json:"size"`
	Symbols  string            `json:"-"` // the same image with its debug information (DWARF): see OpenSymbols
	Key      string            `json:"key"`
	Versions Versions          `json:"toolchain"`
	Flags    []string          `json:"flags"`
	Link     []string          `json:"linkFlags"`
	Defines  map[string]string `json:"defines,omitempty"`
	Command  []string          `json:"command,omitempty"` // of a driver that was built by its own

	SourceSHA256 string       `json:"sourceSha256"`
	Sources      []SourceHash `json:"sources"`

	Cached   bool          `json:"-"` // nothing was compiled, nothing linked
	Units    int           `json:"-"` // what the sources are compiled as, and how many of these were compiled for
	Compiled int           `json:"-"` // this build: the objects of the others were there; both 0 where Cached
	Took     time.Duration `json:"-"`
}

// SourceHash is one file that went into a build.
type SourceHash struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// BuildError says that the compiler, the linker or a check after them refused the sources.
type BuildError struct {
	Name    string // what was to be built
	Step    string // compile, link or check
	Command string // as it was run, in the root of the sources
	Output  string // the tool's own lines, with paths as the user knows them
	Err     error
}

func (e *BuildError) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Step, e.Name, e.Err)
	if output := strings.TrimSpace(e.Output); output != "" {
		text += "\n" + output
	}
	return text
}

func (e *BuildError) Unwrap() error { return e.Err }

// buildFormat is part of every key: a number of its own for each way in which this package has built.
const buildFormat = "wskharness build 3"

// entryFile describes an entry of the build room. It is the last file written.
const entryFile = "entry.json"

// buildEntry is what the cache keeps beside the image.
type buildEntry struct {
	Artifact
	SymbolsSHA256 string  `json:"symbolsSha256"`
	Inputs        []input `json:"inputs"` // compiler, headers and libraries of this machine
}

// input is a file of the toolchain that took part in a build, with what changes when it is replaced.
type input struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mtimeNs"`
}

// Build compiles and links what spec describes, or finds it in this program (see Prebuilt) or in the cache. The image depends on the
// sources, the defines and the toolchain, on nothing else: neither on the time nor on any folder.
//
// A mistake in the sources is a *BuildError, something that is not installed a *MissingToolError.
func Build(ctx context.Context, tc *Toolchain, spec Spec, cache Cache) (*Artifact, error) {
	started := time.Now()
	if err := spec.validate(); err != nil {
		return nil, fmt.Errorf("build %q: %w", spec.Name, err)
	}
	files, err := spec.readSources()
	if err != nil {
		return nil, err
	}
	if artifact, ok, err := fromProgram(spec, files, cache); ok || err != nil {
		return artifact, err
	}
	if tc.Absent != nil {
		return nil, fmt.Errorf("build %s, which this program has not in it: %w", spec.Name, tc.Absent)
	}
	key, err := buildKey(tc, spec, files)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.Name, err)
	}
	artifact, err := inCache(cache, func(cache Cache) (*Artifact, error) {
		return findOrBuild(ctx, tc, spec, files, cache, key)
	})
	if err != nil {
		return nil, err
	}
	artifact.Took = time.Since(started)
	return artifact, nil
}

func findOrBuild(ctx context.Context, tc *Toolchain, spec Spec, files []sourceFile, cache Cache, key string) (*Artifact, error) {
	if artifact, ok := loadBuild(cache, key, spec.Name); ok {
		return artifact, nil
	}
	// Whoever else builds just this is waited for, rather than doing it, too.
	unlock, err := cache.lock(ctx, buildRoom, key)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.Name, err)
	}
	defer unlock()
	if artifact, ok := loadBuild(cache, key, spec.Name); ok {
		return artifact, nil
	}
	if tc.Tell != nil {
		tc.Tell(spec.Name)
	}
	return compileAndKeep(ctx, tc, spec, files, cache, key)
}

// buildKey covers all that can change the image and is known without starting a process. Headers and
// libraries of the machine are known only after a build: its entry lists them.
func buildKey(tc *Toolchain, spec Spec, files []sourceFile) (string, error) {
	h := sha256.New()
	for _, program := range []string{tc.CC, tc.LD} {
		in, err := statInput(program)
		if err != nil {
			return "", err
		}
		writeFields(h, in.Path, fmt.Sprint(in.Size), fmt.Sprint(in.ModTime))
	}
	spec.writeTo(h, files)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// writeTo writes all that can change the image, but for the toolchain.
func (s Spec) writeTo(h io.Writer, files []sourceFile) {
	writeFields(h, buildFormat, s.Name, s.Kind.String())
	writeFields(h, s.Dirs...)
	writeFields(h, s.Includes...)
	writeFields(h, fmt.Sprint(s.Units))
	writeFields(h, s.compileFlags()...)
	writeFields(h, s.linkFlags()...)
	writeFields(h, sourceHash(files))
}

// writeFields writes texts so that no others are written the same.
func writeFields(h io.Writer, values ...string) {
	for _, value := range values {
		fmt.Fprintf(h, "%d %s\n", len(value), value) // a hash takes everything
	}
	fmt.Fprintln(h)
}

// compileFlags and linkFlags are all flags, but for the folders that differ from machine to machine.
func (s Spec) compileFlags() []string {
	flags := append(CompileFlags(s.Kind), s.Options...)
	flags = append(flags, s.defineFlags()...)
	return append(flags, s.includeFlags()...)
}

func (s Spec) linkFlags() []string {
	flags := append(linkFlags(s.Kind), s.Options...)
	return append(flags, s.libFlags()...)
}

// statInput follows links: Debian's compiler is one into /etc/alternatives.
func statInput(path string) (input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return input{}, err
	}
	return input{Path: path, Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
}

// same reports whether all files are still what they were.
func same(inputs []input) bool {
	return !slices.ContainsFunc(inputs, func(in input) bool {
		now, err := statInput(in.Path)
		return err != nil || now != in
	})
}

// loadBuild returns the entry of key if it is there, whole, and still what this machine would build.
func loadBuild(cache Cache, key, name string) (*Artifact, bool) {
	dir := cache.path(buildRoom, key)
	entry, ok := readBuild(dir, key, name)
	if !ok {
		return nil, false
	}
	if !same(entry.Inputs) {
		return nil, false
	}
	cache.touch(buildRoom, key)
	entry.Cached = true
	return &entry.Artifact, true
}

func readBuild(dir, key, name string) (*buildEntry, bool) {
	entry := &buildEntry{}
	if err := readJSON(filepath.Join(dir, entryFile), entry); err != nil {
		return nil, false
	}
	entry.Path = filepath.Join(dir, name)
	entry.Symbols = entry.Path + symbolsSuffix
	if entry.Key != key || entry.Name != name {
		return nil, false
	}
	for path, want := range map[string]string{entry.Path: entry.SHA256, entry.Symbols: entry.SymbolsSHA256} {
		if got, err := hashFile(path); err != nil || got != want {
			return nil, false
		}
	}
	return entry, true
}

// compileAndKeep builds in a temporary folder of the cache and makes the result an entry.
func compileAndKeep(ctx context.Context, tc *Toolchain, spec Spec, files []sourceFile, cache Cache, key string) (*Artifact, error) {
	dir, err := cache.temporary(buildRoom)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	w, err := openWorkshop(ctx, tc, spec, files, cache, dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", spec.Name, err)
	}
	entry, err := w.build(ctx)
	if err != nil {
		return nil, err
	}
	entry.Key = key
	if err := writeJSON(filepath.Join(w.out(), entryFile), entry); err != nil {
		return nil, &CacheError{Dir: w.out(), Err: err}
	}
	good := func(dir string) bool {
		other, ok := readBuild(dir, key, spec.Name)
		return ok && other.SHA256 == entry.SHA256 && slices.Equal(other.Inputs, entry.Inputs)
	}
	if err := cache.publish(buildRoom, key, w.out(), good); err != nil {
		return nil, err
	}
	cache.prune(buildRoom)
	cache.prune(objectRoom)
	cache.prune(unitRoom)
	entry.Path = filepath.Join(cache.path(buildRoom, key), spec.Name)
	entry.Symbols = entry.Path + symbolsSuffix
	return &entry.Artifact, nil
}

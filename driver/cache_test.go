//go:build unix

package driver

import (
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuildCache(t *testing.T) {
	tc, starts := observed(t)
	cache := Cache{Dir: t.TempDir()}
	spec := quickSpec()
	var told []string
	tc.Tell = func(name string) { told = append(told, name) }
	first := build(t, tc, spec, cache)
	if starts() == 0 {
		t.Fatal("the first build did not start the compiler")
	}
	second := build(t, tc, spec, cache)
	if diff := cmp.Diff([]string{spec.Name}, told); diff != "" {
		t.Errorf("told of what is compiled, which is so once: -want +got\n%s", diff)
	}
	if n := starts(); n != 0 || !second.Cached {
		t.Errorf("an unchanged build started the compiler %d times (cached: %v)", n, second.Cached)
	}
	if diff := cmp.Diff(first, second, ignoreRun()); diff != "" {
		t.Errorf("the cache gave back something else:\n%s", diff)
	}

	changed := maps.Clone(spec.Sources.(fstest.MapFS))
	same := spec
	same.Sources = changed
	if again := build(t, tc, same, cache); !again.Cached || again.Key != first.Key {
		t.Error("the same sources from another file system were compiled again")
	}
	changed["quick.h"] = &fstest.MapFile{Data: append([]byte("/* changed */\n"), changed["quick.h"].Data...)}
	if again := build(t, tc, same, cache); again.Cached || again.SourceSHA256 == first.SourceSHA256 {
		t.Error("a changed header was not noticed")
	}
	defined := spec
	defined.Defines = map[string]string{"ANSWER": "7"}
	if again := build(t, tc, defined, cache); again.Cached || again.SHA256 == first.SHA256 {
		t.Error("a define made no difference")
	}
	starts()
	renewed := time.Now().Add(-time.Hour)
	if err := os.Chtimes(tc.CC, renewed, renewed); err != nil {
		t.Fatal(err)
	}
	if again := build(t, tc, spec, cache); again.Cached || starts() == 0 {
		t.Error("another compiler was not noticed")
	}
}

func TestBuildNoticesDamageInTheCache(t *testing.T) {
	truncate := func(path string) error { return os.Truncate(path, 100) }
	tests := map[string]func(*Artifact) error{
		"image changed": func(a *Artifact) error {
			data, err := os.ReadFile(a.Path)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			return os.WriteFile(a.Path, data, 0o644)
		},
		"image gone":         func(a *Artifact) error { return os.Remove(a.Path) },
		"symbols cut":        func(a *Artifact) error { return truncate(a.Symbols) },
		"image a pipe":       func(a *Artifact) error { return becomePipe(a.Path) },
		"image no end":       func(a *Artifact) error { return becomeLink(a.Path, "/dev/zero") },
		"entry a pipe":       func(a *Artifact) error { return becomePipe(filepath.Dir(a.Path)) },
		"description a pipe": func(a *Artifact) error { return becomePipe(filepath.Join(filepath.Dir(a.Path), entryFile)) },
		"description cut":    func(a *Artifact) error { return truncate(filepath.Join(filepath.Dir(a.Path), entryFile)) },
		"description gone":   func(a *Artifact) error { return os.Remove(filepath.Join(filepath.Dir(a.Path), entryFile)) },
		"a header replaced":  func(a *Artifact) error { return editEntry(a, func(e *buildEntry) { e.Inputs[3].ModTime++ }) },
		"a library removed":  func(a *Artifact) error { return editEntry(a, func(e *buildEntry) { e.Inputs[0].Path += "-gone" }) },
	}
	tc, starts := observed(t)
	cache := Cache{Dir: t.TempDir()}
	spec := quickSpec()
	want := build(t, tc, spec, cache)
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			if err := damage(want); err != nil {
				t.Fatal(err)
			}
			starts()
			got := build(t, tc, spec, cache)
			if starts() == 0 {
				t.Error("nothing was compiled")
			}
			if diff := cmp.Diff(want, got, ignoreRun()); diff != "" {
				t.Errorf("built something else:\n%s", diff)
			}
			if hash, err := hashFile(got.Path); err != nil || hash != got.SHA256 {
				t.Errorf("the cache holds %s, %v, want %v", hash, err, got.SHA256)
			}
			if again := build(t, tc, spec, cache); !again.Cached {
				t.Error("the repaired entry is not used")
			}
		})
	}
	noTemporaries(t, cache)
}

// becomePipe puts a named pipe that nobody writes to in the place of a file or a folder.
func becomePipe(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return syscall.Mkfifo(path, 0o644)
}

func becomeLink(path, to string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(to, path)
}

// What is no regular file is refused, and by what it is: reading it might have no end.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name+".sys") }
	if err := becomePipe(in("pipe")); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for link, to := range map[string]string{"link": in("pipe"), "zero": "/dev/zero", "folder": dir} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"pipe": "named pipe", "link": "named pipe", "zero": "device", "folder": "folder", "socket": "socket"} {
		for how, read := range map[string]func(path string) error{
			"as one's own": func(path string) error {
				_, err := PackageExternal(t.Context(), External{Driver: path}, Cache{Dir: t.TempDir()}, nil, time.Now())
				return err
			},
			"inspected": func(path string) error { _, err := InspectFile(path); return err },
			"hashed":    func(path string) error { _, err := hashFile(path); return err },
		} {
			if err := read(in(name)); err == nil || !strings.Contains(err.Error(), in(name)+" is a "+want) {
				t.Errorf("%s, %s: got %v", name, how, err)
			}
		}
	}
}

func editEntry(a *Artifact, edit func(*buildEntry)) error {
	path := filepath.Join(filepath.Dir(a.Path), entryFile)
	entry := &buildEntry{}
	if err := readJSON(path, entry); err != nil {
		return err
	}
	edit(entry)
	return writeJSON(path, entry)
}

func TestBuildersSideBySide(t *testing.T) {
	tc := toolchain(t)
	cache := Cache{Dir: t.TempDir()}
	const builders = 6
	artifacts := make([]*Artifact, builders)
	errs := make([]error, builders)
	var all sync.WaitGroup
	for i := range builders {
		all.Go(func() { artifacts[i], errs[i] = Build(t.Context(), tc, quickSpec(), cache) })
	}
	all.Wait()
	for i, a := range artifacts {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if hash, err := hashFile(a.Path); err != nil || hash != artifacts[0].SHA256 {
			t.Errorf("builder %d: %s, %v; want %s", i, hash, err, artifacts[0].SHA256)
		}
	}
	noTemporaries(t, cache)
}

func TestPruneDropsWhatNobodyUses(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	ages := map[string]time.Duration{
		"fresh": time.Hour, "unused": unusedFor + time.Hour,
		".tmp-building": time.Hour, ".tmp-killed": abandonedFor + time.Hour,
	}
	for name, age := range ages {
		dir := cache.path(buildRoom, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	cache.prune(buildRoom)
	entries, err := os.ReadDir(filepath.Join(cache.Dir, buildRoom))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if diff := cmp.Diff([]string{".tmp-building", "fresh"}, left); diff != "" {
		t.Error(diff)
	}
}

package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// pairSpec describes a driver of two units, of which one sees the define ANSWER.
func pairSpec(name string, defines map[string]string) Spec {
	return Spec{
		Name: name, Kind: KernelDriver, Dirs: []string{"."}, Libs: []string{"ntoskrnl"}, Defines: defines,
		Sources: fstest.MapFS{
			"pair.h": {Data: []byte("long Answer(void);\nlong __stdcall DriverEntry(void *Driver, void *Path);\n")},
			"answer.c": {Data: []byte(`#include "pair.h"
#ifndef ANSWER
#define ANSWER 0
#endif
long Answer(void)
{
    return ANSWER;
}
`)},
			"entry.c": {Data: []byte(`#include "pair.h"
long __stdcall DriverEntry(void *Driver, void *Path)
{
    return Driver == Path ? Answer() : 0;
}
`)},
		},
	}
}

// A value is what it is after #define, an empty one as well.
func TestDefines(t *testing.T) {
	tc, dir := toolchain(t), t.TempDir()
	for value, want := range map[string]string{"": "return;", "1": "return 1;", "(1 + 2) * 3": "return (1 + 2) * 3;", `"a b"`: `return "a b";`} {
		spec := Spec{Kind: Program, Defines: map[string]string{"VALUE": value}}
		text := filepath.Join(dir, "a.c")
		if err := os.WriteFile(text, []byte("return VALUE;\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := runTool(t.Context(), dir, tc.CC, append(spec.compileFlags(), "-E", "-P", text)...)
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || strings.ReplaceAll(got, " ;", ";") != want {
			t.Errorf("%q: got %q, %v, want %q", value, out, err, want)
		}
	}
}

// Nothing is compiled twice: not for another driver of the same files, not for one whose define a unit does not see,
// not for a comment.
func TestObjectsAreFoundByWhatGoesIntoThem(t *testing.T) {
	tc := toolchain(t)
	cache := Cache{Dir: t.TempDir()}
	compiled := func(what string, spec Spec, want int) {
		t.Helper()
		if a := build(t, tc, spec, cache); a.Units != 2 || a.Compiled != want {
			t.Errorf("%s: compiled %d of %d units, want %d of 2", what, a.Compiled, a.Units, want)
		}
	}
	compiled("the first", pairSpec("pair.sys", nil), 2)
	compiled("another name", pairSpec("other.sys", nil), 0)
	compiled("a define that one unit sees", pairSpec("pair.sys", map[string]string{"ANSWER": "7"}), 1)
	compiled("a define that means the same", pairSpec("pair.sys", map[string]string{"ANSWER": "0"}), 0)
	compiled("a define that nobody sees", pairSpec("pair.sys", map[string]string{"NOBODY": "1"}), 0)

	elsewhere := t.TempDir()
	if err := os.CopyFS(elsewhere, pairSpec("", nil).Sources); err != nil {
		t.Fatal(err)
	}
	checkout := pairSpec("checkout.sys", nil)
	checkout.Sources, checkout.Root = os.DirFS(elsewhere), elsewhere
	compiled("another checkout", checkout, 0)

	edited := pairSpec("pair.sys", nil)
	sources := edited.Sources.(fstest.MapFS)
	edit := func(name, old, new string) {
		sources[name] = &fstest.MapFile{Data: bytes.Replace(sources[name].Data, []byte(old), []byte(new), 1)}
	}
	edit("pair.h", "(void);", "(void); /* a comment */")
	compiled("a comment", edited, 0)
	edit("entry.c", ": 0", ": 1")
	compiled("an edit of one file", edited, 1)
	edit("pair.h", "long Answer(void);", "long Answer(void);\nextern int New;")
	compiled("an edit of a header", edited, 2)
	other := pairSpec("options.sys", nil)
	other.Options = []string{"-O1"}
	compiled("other flags", other, 2)
}

// After an edit the compiler is started for the unit that was edited, twice, and for two links: no other unit is read.
func TestUnchangedUnitsAreNotRead(t *testing.T) {
	tc, starts := observed(t)
	cache := Cache{Dir: t.TempDir()}
	spec := pairSpec("pair.sys", nil)
	build(t, tc, spec, cache)
	starts()
	edit := func(text string) {
		spec.Sources = maps.Clone(spec.Sources.(fstest.MapFS))
		spec.Sources.(fstest.MapFS)["answer.c"] = &fstest.MapFile{Data: []byte(text)}
	}
	edit("#include \"pair.h\"\nlong Answer(void)\n{\n    return 9;\n}\n")
	if a := build(t, tc, spec, cache); a.Compiled != 1 || starts() != 4 {
		t.Errorf("compiled %d units in %d starts, want 1 in 4", a.Compiled, starts())
	}

	// A header of the machine that is another file now has to be read again.
	notes, err := filepath.Glob(filepath.Join(cache.Dir, unitRoom, "*"))
	if err != nil || len(notes) != 3 {
		t.Fatalf("got notes %v, %v, want 3", notes, err)
	}
	for _, note := range notes {
		var known unchanged
		said, ok := cache.kept(unitRoom, filepath.Base(note), maxJSONFile)
		if !ok {
			t.Fatal("a note that is not whole")
		}
		if err := json.Unmarshal(said, &known); err != nil {
			t.Fatal(err)
		}
		known.Inputs = append(known.Inputs, input{Path: tc.CC, Size: 1})
		if said, err = json.Marshal(known); err != nil {
			t.Fatal(err)
		}
		cache.keep(unitRoom, filepath.Base(note), said)
	}
	if err := os.RemoveAll(filepath.Join(cache.Dir, buildRoom)); err != nil {
		t.Fatal(err)
	}
	if a := build(t, tc, spec, cache); a.Compiled != 0 || starts() != 4 {
		t.Errorf("compiled %d units in %d starts, want none in 4", a.Compiled, starts())
	}

	// A source that includes another one is read each time.
	edit("#include \"pair.h\"\n#include \"more.inc\"\n#include \"entry.c\"\nlong Answer(void)\n{\n    return MORE;\n}\n")
	spec.Sources.(fstest.MapFS)["more.inc"] = &fstest.MapFile{Data: []byte("#define MORE 1\n")}
	if _, err := Build(t.Context(), tc, spec, cache); err == nil {
		t.Fatal("DriverEntry is there twice")
	}
	if again, err := filepath.Glob(filepath.Join(cache.Dir, unitRoom, "*")); err != nil || len(again) != 4 {
		t.Errorf("%d notes, %v: want one more, of entry.c with another header beside it", len(again), err)
	}
}

func TestUnitsAreCompiledOnceByBuildersSideBySide(t *testing.T) {
	tc := toolchain(t)
	cache := Cache{Dir: t.TempDir()}
	artifacts := make([]*Artifact, 6)
	errs := make([]error, len(artifacts))
	var all sync.WaitGroup
	for i := range artifacts {
		all.Go(func() {
			artifacts[i], errs[i] = Build(t.Context(), tc, pairSpec(fmt.Sprintf("pair%d.sys", i), nil), cache)
		})
	}
	all.Wait()
	compiled := 0
	for i, a := range artifacts {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		compiled += a.Compiled
	}
	if compiled != 2 {
		t.Errorf("%d builders compiled %d units, want 2", len(artifacts), compiled)
	}
}

// An object that is not what was kept is compiled again, and the image is the same.
func TestDamagedObjectsAreCompiledAgain(t *testing.T) {
	tc := toolchain(t)
	for name, damage := range map[string]func(path string) error{
		"cut":            func(path string) error { return os.Truncate(path, 200) },
		"empty":          func(path string) error { return os.Truncate(path, 0) },
		"changed":        func(path string) error { return flip(path, -1) },
		"its sum":        func(path string) error { return flip(path, 0) },
		"of something":   func(path string) error { return os.WriteFile(path, []byte("something else\n"), 0o644) },
		"a folder":       func(path string) error { return os.Remove(path) },
		"a pipe":         becomePipe,
		"not to be read": func(path string) error { return os.Rename(path, path+"-gone") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := Cache{Dir: t.TempDir()}
			want := build(t, tc, pairSpec("pair.sys", nil), cache)
			objects, err := filepath.Glob(filepath.Join(cache.Dir, objectRoom, "*"))
			if err != nil || len(objects) != 2 {
				t.Fatalf("got objects %v, %v, want 2", objects, err)
			}
			for _, object := range objects {
				if err := damage(object); err != nil {
					t.Fatal(err)
				}
				if name == "a folder" {
					if err := os.Mkdir(object, 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := os.RemoveAll(filepath.Join(cache.Dir, buildRoom)); err != nil {
				t.Fatal(err)
			}
			if got := build(t, tc, pairSpec("pair.sys", nil), cache); got.Compiled != 2 || got.SHA256 != want.SHA256 {
				t.Errorf("compiled %d units; SHA-256 %s, want %s", got.Compiled, got.SHA256, want.SHA256)
			}
		})
	}
}

// cutsObjects is a compiler that ends well and leaves only as many bytes of each object as cut says, while that is there.
func cutsObjects(t *testing.T, cut string) *Toolchain {
	t.Helper()
	return shim(t, `"$real" "$@" || exit
test -e '`+cut+`' || exit 0
case "$*" in *" -c "*) while test "$1" != -o; do shift; done; truncate -s "$(cat '`+cut+`')" "$2";; esac
exit 0`)
}

// Of an object that the compiler left cut nothing is kept: the build fails, by the name of the unit, and the next one is
// made of whole ones.
func TestCutObjectsAreNotKept(t *testing.T) {
	cut := filepath.Join(t.TempDir(), "cut")
	tc, cache := cutsObjects(t, cut), Cache{Dir: t.TempDir()}
	for _, size := range []string{"0", "10", "100", "-1"} {
		if err := os.WriteFile(cut, []byte(size), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Build(t.Context(), tc, pairSpec("pair.sys", nil), cache)
		var failed *BuildError
		if !errors.As(err, &failed) || failed.Step != "compile" || !strings.Contains(err.Error(), "answer.c: ") || !strings.Contains(err.Error(), "entry.c: ") {
			t.Errorf("cut to %s: got %v, want an error of the compiler for both units", size, err)
		}
	}
	if err := os.Remove(cut); err != nil {
		t.Fatal(err)
	}
	if a := build(t, tc, pairSpec("pair.sys", nil), cache); a.Compiled != 2 {
		t.Errorf("compiled %d units, want 2", a.Compiled)
	}
}

// A cut object that was kept all the same is made again.
func TestCutObjectsAreMadeAgain(t *testing.T) {
	tc, cache := toolchain(t), Cache{Dir: t.TempDir()}
	build(t, tc, pairSpec("pair.sys", nil), cache)
	objects, err := filepath.Glob(filepath.Join(cache.Dir, objectRoom, "*"))
	if err != nil || len(objects) != 2 {
		t.Fatalf("got objects %v, %v, want 2", objects, err)
	}
	for _, object := range objects {
		whole, ok := cache.kept(objectRoom, filepath.Base(object), maxImageFile)
		if !ok {
			t.Fatal("an object that is not whole")
		}
		cache.keep(objectRoom, filepath.Base(object), whole[:len(whole)-1])
	}
	if a := build(t, tc, pairSpec("other.sys", nil), cache); a.Compiled != 2 {
		t.Errorf("compiled %d units, want 2", a.Compiled)
	}
}

// What was kept of one unit is not taken for another's, even whole: that would be a stale or a foreign driver.
func TestUnitsAreNotTakenForEachOther(t *testing.T) {
	tc := toolchain(t)
	for _, room := range []string{objectRoom, unitRoom} {
		cache := Cache{Dir: t.TempDir()}
		want := build(t, tc, pairSpec("pair.sys", nil), cache)
		entries, err := filepath.Glob(filepath.Join(cache.Dir, room, "*"))
		if err != nil || len(entries) != 2 {
			t.Fatalf("got entries %v, %v, want 2", entries, err)
		}
		one, err := os.ReadFile(entries[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(entries[1], one, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(cache.Dir, buildRoom)); err != nil {
			t.Fatal(err)
		}
		if got := build(t, tc, pairSpec("pair.sys", nil), cache); got.SHA256 != want.SHA256 {
			t.Errorf("%s: SHA-256 %s, want %s", room, got.SHA256, want.SHA256)
		}
	}
}

func flip(path string, at int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[(at+len(data))%len(data)] ^= 1
	return os.WriteFile(path, data, 0o644)
}

package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/child/childtest"
)

// tinySpec describes a driver that is quick to build.
func tinySpec(sources fs.FS) Spec {
	return Spec{
		Name: "tiny.sys", Kind: KernelDriver, Sources: sources,
		Dirs: []string{"kernel"}, Includes: []string{"include"},
		Libs: []string{"ntoskrnl", "hal"}, Root: "testdata/tiny",
	}
}

// quickSpec describes a driver of one file without the kit's headers, for tests of everything around
// the compiler.
func quickSpec() Spec {
	return Spec{
		Name: "quick.sys", Kind: KernelDriver, Dirs: []string{"."}, Libs: []string{"ntoskrnl"},
		Sources: fstest.MapFS{
			"quick.h": {Data: []byte("long __stdcall DriverEntry(void *Driver, void *Path);\n")},
			"quick.c": {Data: []byte(`#include "quick.h"
#ifndef ANSWER
#define ANSWER 0
#endif
long __stdcall DriverEntry(void *Driver, void *Path)
{
    return Driver == Path ? ANSWER : 0;
}
`)},
		},
	}
}

func tinySources() fs.FS { return os.DirFS("testdata/tiny") }

func toolchain(t testing.TB) *Toolchain {
	t.Helper()
	tc, err := FindToolchain(t.Context())
	var missing *MissingToolError
	if errors.As(err, &missing) {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tc
}

// observed is the toolchain with a compiler that notes each of its starts, for proving what was not
// compiled. starts returns how many there were since it was asked last.
func observed(t *testing.T) (tc *Toolchain, starts func() int) {
	t.Helper()
	tc = toolchain(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	script := fmt.Sprintf("#!/bin/sh\necho start >> '%s'\nexec '%s' \"$@\"\n", log, tc.CC)
	shim := filepath.Join(dir, filepath.Base(tc.CC))
	childtest.Program(t, shim, script)
	return &Toolchain{CC: shim, LD: tc.LD}, func() int {
		data, err := os.ReadFile(log)
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err == nil {
			err = os.Remove(log)
		}
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(data), "start")
	}
}

func build(t testing.TB, tc *Toolchain, spec Spec, cache Cache) *Artifact {
	t.Helper()
	artifact, err := Build(t.Context(), tc, spec, cache)
	if err != nil {
		t.Fatal(err)
	}
	return artifact
}

func TestBuildIsTheSameFromAnyFolder(t *testing.T) {
	tc := toolchain(t)
	elsewhere := filepath.Join(t.TempDir(), "a folder", "of another name")
	if err := os.CopyFS(elsewhere, tinySources()); err != nil {
		t.Fatal(err)
	}
	here, there := tinySpec(tinySources()), tinySpec(os.DirFS(elsewhere))
	first := build(t, tc, here, Cache{Dir: t.TempDir()})
	second := build(t, tc, there, Cache{Dir: filepath.Join(t.TempDir(), "a cache, of=an odd: name")})
	if first.Cached || second.Cached {
		t.Fatal("one of the builds was not made")
	}
	if diff := cmp.Diff(first.SHA256, second.SHA256); diff != "" {
		t.Errorf("images differ:\n%s", diff)
	}
	if a, b := readFile(t, first.Symbols), readFile(t, second.Symbols); string(a) != string(b) {
		t.Error("symbols differ")
	}
	if diff := cmp.Diff(first.SourceSHA256, second.SourceSHA256); diff != "" {
		t.Errorf("source hashes differ:\n%s", diff)
	}
	for _, word := range []string{elsewhere, os.TempDir() + "/"} {
		if strings.Contains(string(readFile(t, second.Symbols)), word) {
			t.Errorf("the symbols name a folder of this machine: %s", word)
		}
	}
}

// The shipped image must not depend on debug information being made beside it.
func TestShippedImageIsTheOneWithoutDebugInformation(t *testing.T) {
	tc := toolchain(t)
	spec := tinySpec(tinySources())
	shipped := build(t, tc, spec, Cache{Dir: t.TempDir()})
	spec.Options = []string{"-g0"} // behind the -g of CompileFlags
	plain := build(t, tc, spec, Cache{Dir: t.TempDir()})
	if shipped.SHA256 != plain.SHA256 {
		t.Errorf("%s with debug information, %s without", shipped.SHA256, plain.SHA256)
	}
	if shipped.Key == plain.Key {
		t.Error("different flags, same key")
	}
}

// The cache watches every header and every program that took part.
func TestBuildWatchesItsToolchain(t *testing.T) {
	built := build(t, toolchain(t), tinySpec(tinySources()), Cache{Dir: t.TempDir()})
	entry := &buildEntry{}
	if err := readJSON(filepath.Join(filepath.Dir(built.Path), entryFile), entry); err != nil {
		t.Fatal(err)
	}
	var headers, programs, libraries int
	for _, in := range entry.Inputs {
		switch filepath.Ext(in.Path) {
		case ".h":
			headers++
		case ".a":
			libraries++
		default:
			programs++
		}
	}
	if headers < 10 || programs < 4 || libraries < 2 {
		t.Errorf("%d headers, %d programs and %d libraries in %v", headers, programs, libraries, entry.Inputs)
	}
}

func TestMissingTools(t *testing.T) {
	empty, onlyCompiler := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(onlyCompiler, target+"-gcc-posix"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, tool, pkg string }{
		{empty, "x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32"},
		{onlyCompiler, "x86_64-w64-mingw32-ld", "binutils-mingw-w64-x86-64"},
	} {
		t.Setenv("PATH", test.path)
		_, err := FindToolchain(t.Context())
		var missing *MissingToolError
		if !errors.As(err, &missing) {
			t.Fatalf("got %v, want a *MissingToolError", err)
		}
		want := "apt-get install --no-install-recommends " + test.pkg
		if os.Geteuid() != 0 {
			want = "sudo " + want
		}
		if missing.Tool != test.tool || missing.Install != want {
			t.Errorf("got %q, %q; want %q, %q", missing.Tool, missing.Install, test.tool, want)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not say how to install it: %v", err)
		}
	}
}

// A compiler without the driver kit's headers: what a half-installed mingw-w64 looks like.
func TestMissingKernelHeaders(t *testing.T) {
	real := toolchain(t)
	shim := filepath.Join(t.TempDir(), "gcc")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' -nostdinc \"$@\"\n", real.CC)
	childtest.Program(t, shim, script)
	_, err := Build(t.Context(), &Toolchain{CC: shim, LD: real.LD}, tinySpec(tinySources()), Cache{Dir: t.TempDir()})
	var missing *MissingToolError
	if !errors.As(err, &missing) || !strings.Contains(missing.Install, "mingw-w64-x86-64-dev") {
		t.Errorf("got %v, want a *MissingToolError for mingw-w64-x86-64-dev", err)
	}
}

func TestBuildErrors(t *testing.T) {
	const begin = "#include <ntddk.h>\nDRIVER_INITIALIZE DriverEntry;\n" +
		"NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING p)\n{\n    (void)d; (void)p;\n"
	const end = "    return STATUS_SUCCESS;\n}\n"
	source := func(text string) fstest.MapFS { return fstest.MapFS{"kernel/a.c": {Data: []byte(text)}} }
	tests := []struct {
		name    string
		sources fstest.MapFS
		step    string
		want    []string // in the message
	}{
		{"two files with errors", fstest.MapFS{
			"kernel/a.c":  {Data: []byte(begin + "    missing();\n" + end)},
			"kernel/b.c":  {Data: []byte("#include \"b.h\"\nint B;\n")},
			"include/b.h": {Data: []byte("int broken(;\n")},
		}, "compile", []string{"testdata/tiny/kernel/a.c:6:5: error: ", "testdata/tiny/include/b.h:", "from testdata/tiny/kernel/b.c:1:"}},
		{"warning", source(begin + "    int unused;\n" + end), "compile", []string{"testdata/tiny/kernel/a.c:6:9: error: unused variable 'unused'"}},
		{"too much stack", source(begin + "    volatile char big[4096];\n    big[0] = 0;\n    (void)big[0];\n" + end), "compile", []string{"frame size"}},
		{"undefined function", source("int Elsewhere(void);\n" + begin + "    Elsewhere();\n" + end), "link", []string{"testdata/tiny/kernel/a.c:", "undefined reference to `Elsewhere'"}},
		{"no DriverEntry", source("#include <ntddk.h>\nint A;\n"), "link", []string{"DriverEntry"}},
	}
	tc := toolchain(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.sources["include/b.h"] == nil {
				test.sources["include/b.h"] = &fstest.MapFile{}
			}
			cache := Cache{Dir: t.TempDir()}
			_, err := Build(t.Context(), tc, tinySpec(test.sources), cache)
			var failed *BuildError
			if !errors.As(err, &failed) {
				t.Fatalf("got %v, want a *BuildError", err)
			}
			if failed.Step != test.step || !strings.Contains(failed.Command, "kernel/a.") {
				t.Errorf("step %q, command %q", failed.Step, failed.Command)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), cache.Dir) {
				t.Errorf("the message names the build's own folder:\n%v", err)
			}
			noTemporaries(t, cache)
		})
	}
}

func TestSpecMistakesAreReportedTogether(t *testing.T) {
	_, err := Build(t.Context(), &Toolchain{}, Spec{
		Name: "../x.sys", Dirs: []string{"/etc", "-o"}, Defines: map[string]string{"A B": "1", "LINES": "1\n2"}, Libs: []string{"a b"}, Units: -1,
	}, Cache{Dir: t.TempDir()})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"../x.sys"`, "Kind(0)", "no sources", `"/etc"`, `"-o"`, `"A B": want a C identifier`, `LINES: the value "1\n2" has more than one line`, `"a b"`, "-1 units"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not reported: %s\n%v", want, err)
		}
	}
}

func TestSourceMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		sources fs.FS
		want    string
	}{
		"no such folder":     {fstest.MapFS{}, "kernel"},
		"nothing to compile": {fstest.MapFS{"kernel/a.h": {}, "include/b.h": {}}, "no .c file in kernel"},
	} {
		_, err := Build(t.Context(), &Toolchain{}, tinySpec(test.sources), Cache{Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, test.want)
		}
	}
}

// A cancelled build takes the compiler, and what the compiler started, with it.
func TestCancelledBuildLeavesNoProcess(t *testing.T) {
	real := toolchain(t)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "started")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	// The grandchild holds the pipe open for as long as it lives.
	script := fmt.Sprintf("#!/bin/sh\nsleep 600 > '%s'\n", fifo)
	shim := filepath.Join(dir, "gcc")
	childtest.Program(t, shim, script)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	built := make(chan error, 1)
	cache := Cache{Dir: t.TempDir()}
	go func() {
		_, err := Build(ctx, &Toolchain{CC: shim, LD: real.LD}, tinySpec(tinySources()), cache)
		built <- err
	}()
	alive, err := os.Open(fifo) // returns once the grandchild has opened its end
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	cancel()
	if err := <-built; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to say that it was cancelled", err)
	}
	if _, err := alive.Read(make([]byte, 1)); err == nil || err.Error() != "EOF" {
		t.Errorf("the compiler's child is still there: %v", err)
	}
	noTemporaries(t, cache)
}

func TestOwnImages(t *testing.T) {
	tc := toolchain(t)
	// The user's own cache: these take a while to compile, and whoever tests wants them next.
	cache, err := DefaultCache()
	if err != nil {
		cache = Cache{Dir: t.TempDir()}
	}
	for _, test := range []struct {
		spec Spec
		want []string // findings, as a driver
	}{
		{SampleSpec(nil), []string{"refuse:unsigned"}},
		{AgentSpec(), []string{"refuse:subsystem", "refuse:unsigned"}},
	} {
		t.Run(test.spec.Name, func(t *testing.T) {
			artifact := build(t, tc, test.spec, cache)
			image, err := InspectFile(artifact.Path)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rule := range rules(image.Findings(time.Now())) {
				// Of a program everything that it imports, and that it has a C runtime, is no news.
				if test.spec.Kind == KernelDriver || rule != "refuse:user-mode-import" && rule != "warn:tls" {
					got = append(got, rule)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("findings: -want +got\n%s", diff)
			}
			if image.Timestamp != 0 || image.Checksum.Stored != image.Checksum.Computed {
				t.Errorf("timestamp %d, checksum %+v", image.Timestamp, image.Checksum)
			}
			for _, m := range image.Imports {
				if strings.HasPrefix(m.Module, "lib") {
					t.Errorf("it needs %s, a library of the compiler's", m.Module)
				}
			}
			t.Logf("%d bytes, imports %v", image.Size, image.Imports)
		})
	}
}

// A folder is compiled as a few units, and which files share one changes with each that is added: so every name at
// file scope, of a macro as well, is there once in a folder.
func TestNamesOfAFolderDiffer(t *testing.T) {
	tc := toolchain(t)
	cache, err := DefaultCache()
	if err != nil {
		cache = Cache{Dir: t.TempDir()}
	}
	for _, spec := range []Spec{SampleSpec(nil), ModelSpec(nil), AgentSpec()} {
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			spec.Units = 1
			build(t, tc, spec, cache)
			differ(t, spec)
		})
	}
}

// variable is a definition that a compiler takes twice, as one, where it says nothing of a value.
var variable = regexp.MustCompile(`(?m)^static [^(\n]*?(\w+)(?:\[[^\]\n]*\])*;`)

func differ(t *testing.T, spec Spec) {
	t.Helper()
	files, err := spec.readSources()
	if err != nil {
		t.Fatal(err)
	}
	owner := map[string]string{}
	for _, file := range files {
		for _, match := range variable.FindAllStringSubmatch(string(file.content), -1) {
			if other, taken := owner[match[1]]; taken && other != file.path {
				t.Errorf("%s and %s both have a variable %s", other, file.path, match[1])
			}
			owner[match[1]] = file.path
		}
	}
	if len(owner) == 0 {
		t.Error("found no variable at all")
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ignoreRun leaves out what differs between two calls that give the same artifact.
func ignoreRun() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{"Cached", "Took", "Units", "Compiled"}, p.String())
	}, cmp.Ignore())
}

func TestPrerequisites(t *testing.T) {
	for rule, want := range map[string][]string{
		"../obj/a.o: a.c \\\n /usr/include/b.h \\\n  c.h\n\nb.h:\n": {"a.c", "/usr/include/b.h", "c.h"},
		"x: /a\\ folder/b.h c.h\n":                                  {"/a folder/b.h", "c.h"},
		"C:/x.o: a.c\n":                                             {"a.c"},
		"x: \n":                                                     nil,
		"no rule":                                                   nil,
		"":                                                          nil,
	} {
		if diff := cmp.Diff(want, prerequisites(rule)); diff != "" {
			t.Errorf("%q: -want +got\n%s", rule, diff)
		}
	}
}

func noTemporaries(t *testing.T, cache Cache) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cache.Dir, "*", ".tmp-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

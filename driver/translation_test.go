package driver

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"wskharness/child/childtest"
)

// shim is the toolchain with a compiler that runs a line of shell before the real one does its work. The line has the
// real one's path in $real.
func shim(t *testing.T, line string) *Toolchain {
	t.Helper()
	tc := toolchain(t)
	path := filepath.Join(t.TempDir(), filepath.Base(tc.CC))
	script := fmt.Sprintf("#!/bin/sh\nreal='%s'\n%s\nexec \"$real\" \"$@\"\n", tc.CC, line)
	childtest.Program(t, path, script)
	return &Toolchain{CC: path, LD: tc.LD}
}

// That names have to differ is told only of a unit in which the compiler found something wrong: whoever is told so of
// a compiler that was killed looks for a mistake that is not there.
func TestUnitThatFailsWhereItsFilesDoNot(t *testing.T) {
	const advice = "have to differ"
	good := fstest.MapFS{}
	for _, name := range []string{"a", "b", "c", "d"} {
		good[name+".c"] = &fstest.MapFile{Data: []byte("int " + name + ";\n")}
	}
	twice := fstest.MapFS{"a.c": {Data: []byte("static int Same = 1;\nint *A = &Same;\n")}, "b.c": {Data: []byte("static int Same = 2;\nint *B = &Same;\n")}}
	for name, test := range map[string]struct {
		sources fstest.MapFS
		units   int
		line    string // for units only
		want    string // once
		advised bool
	}{
		"a name twice":       {twice, 1, "", "redefinition of 'Same'", true},
		"killed":             {good, 2, "kill -9 $$", "signal: killed", false},
		"its child killed":   {good, 2, "echo 'gcc: fatal error: Killed signal terminated program cc1' >&2; exit 1", "Killed signal", false},
		"half a text":        {good, 2, "echo '{standard input}:9: Error: open CFI at the end of file' >&2; exit 1", "open CFI", false},
		"a limit":            {good, 2, "ulimit -f 0", "File size limit exceeded", false},
		"a mistake, nowhere": {good, 1, "echo '<command-line>: error: odd' >&2; exit 1", "odd", true},
	} {
		t.Run(name, func(t *testing.T) {
			tc := shim(t, "case \"$*\" in *wskharness-unit-?.c*) "+test.line+";; esac")
			t.Parallel() // now: a script is not run while a process that is just being started has it open for writing
			spec := Spec{Name: "x.sys", Kind: KernelDriver, Dirs: []string{"."}, Sources: test.sources, Units: test.units}
			_, err := Build(t.Context(), tc, spec, Cache{Dir: t.TempDir()})
			var failed *BuildError
			if !errors.As(err, &failed) {
				t.Fatalf("got %v, want a *BuildError", err)
			}
			if strings.Count(err.Error(), test.want) != 1 || strings.Contains(err.Error(), advice) != test.advised {
				t.Errorf("want %q once, and advice: %v; got:\n%v", test.want, test.advised, err)
			}
		})
	}
}

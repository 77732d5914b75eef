package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/child/childtest"
	"wskharness/testtime"
)

// TestDeps lets scripts/deps install a compiler on a machine whose apt-get fails in every known way: it says in apt's own
// words what went wrong, and what to do, and never calls that a success.
func TestDeps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, apt string
		code            int
		want            []string
	}{
		{"done", "", `[ $1 != install ] || ln -s wine64 $BIN/x86_64-w64-mingw32-gcc`, 0, nil},
		{"unknown argument", "tset", "", 2, []string{"usage: scripts/deps [run|test|vm|clients], not: tset"}},
		{"two arguments", "run test", "", 2, []string{"usage: "}},
		{
			"another apt", "", `[ $1 = update ] || { echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)'; exit 100; }`, 1,
			[]string{"deps: apt-get install failed with exit code 100:\nE: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)\n", "wait until it is done"},
		},
		{
			"no network", "", `echo 'E: Failed to fetch http://deb.debian.org/  Temporary failure resolving'; exit 100`, 1,
			[]string{"deps: apt-get update failed with exit code 100:\nE: Failed to fetch", "the network and /etc/apt/sources.list*"},
		},
		{
			"not an error of apt's", "", `echo 'sudo: a password is required' >&2; exit 1`, 1,
			[]string{"deps: apt-get update failed with exit code 1:\nsudo: a password is required\n", "mend that"},
		},
		{
			"nothing done", "", "exit 0", 1,
			[]string{"what proves it is not there:\n  gcc-mingw-w64-x86-64-win32"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(testtime.Context(t), "/bin/sh", append([]string{"../../scripts/deps"}, strings.Fields(c.args)...)...)
			bin := machineWithoutCompiler(t, c.apt)
			cmd.Env = []string{"PATH=" + bin, "BIN=" + bin}
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("%v, want exit code %d: %s", err, c.code, &said)
			}
			for _, want := range c.want {
				if !strings.Contains(said.String(), want) {
					t.Errorf("%q is not said: %s", want, &said)
				}
			}
		})
	}
}

// machineWithoutCompiler is a PATH with what a script needs, where everybody is root and apt-get does as it is told.
func machineWithoutCompiler(t *testing.T, apt string) string {
	t.Helper()
	bin := t.TempDir()
	for _, tool := range []string{"cat", "env", "grep", "ln", "mktemp", "rm", "tail", "tee"} {
		path, err := exec.LookPath(tool)
		if err == nil {
			err = os.Symlink(path, filepath.Join(bin, tool))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"apt-get": apt, "id": "echo 0", "wine64": "exit 1", "bwrap": "exit 1"} {
		childtest.Program(t, filepath.Join(bin, name), "#!/bin/sh\n"+text+"\n")
	}
	return bin
}

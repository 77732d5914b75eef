package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"wskharness/driver/drivertest"
)

// TestMain lets the test binary be wskharness, so that scripts run the real program: also the
// guests that it serves are this binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wskharness": mainForScripts})
}

// noExitSleep keeps programs with the race detector in them from sleeping for a second before they end; so does the
// Makefile for those of other tests.
const noExitSleep = "atexit_sleep_ms=0"

// TestScripts runs the commands as a user types them. Each script has a home and guests of its own;
// builds and the Wine template are shared, since they are kept by content.
func TestScripts(t *testing.T) {
	shared := sharedCache(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                commands(t),
		Condition:           condition,
		Setup: func(e *testscript.Env) error {
			bin, err := exec.LookPath("wskharness")
			if err != nil {
				return err
			}
			e.Setenv("BIN", filepath.Dir(bin)) // a PATH with nothing but the program
			e.Setenv("GORACE", noExitSleep)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(shared, "test-config"))
			e.Setenv(exitFile, filepath.Join(e.WorkDir, "exitcode"))
			e.Setenv(stallFile, filepath.Join(e.WorkDir, "stall"))
			if err := os.WriteFile(filepath.Join(e.WorkDir, scriptMark), nil, 0o600); err != nil {
				return err
			}
			e.Defer(func() { endGuests(filepath.Join(e.WorkDir, "cache", "wskharness")) })
			return drivertest.Share(shared, filepath.Join(e.WorkDir, "cache", "wskharness"), "wine/templates")
		},
	})
}

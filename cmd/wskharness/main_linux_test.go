package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"wskharness/driver/drivertest"
	"wskharness/results"
)

// TestMain lets the test binary be wskharness, so that scripts run the real program: also the
// guests that it serves are this binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wskharness": mainForScripts, "wskharness-late": mainThatIsInterruptedLate})
}

// mainThatIsInterruptedLate is main, with every interrupt that there is between its last word and its exit: each ends a process
// that does nothing about it before the kernel returns from sending it.
func mainThatIsInterruptedLate() {
	code := mainWithSignals(os.Args[1:], stdio())
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// TestInterruptBehindTheLastWord interrupts commands that end well or not, and one that was interrupted before, when all is
// written: the exit code is theirs.
func TestInterruptBehindTheLastWord(t *testing.T) {
	config := filepath.Join(t.TempDir(), "interrupts.yaml")
	if err := os.WriteFile(config, []byte("targets: {wine: {provider: wine}}\ndriver: {source: ., build: [sh, -c, 'kill -INT $PPID; sleep 600'], sys: x.sys}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"version"}, results.ExitOK},
		{[]string{"list"}, results.ExitOK},
		{[]string{"validate", "missing.yaml"}, exitUsage},
		{[]string{"build", "--config", config}, results.ExitInterrupted},
	} {
		cmd := exec.Command("wskharness-late", test.args...)
		cmd.Dir = filepath.Dir(config)
		said, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.String(); got != exitText(test.code) {
			t.Errorf("%v: %s, error %v; want %s\n%s", test.args, got, err, exitText(test.code), said)
		}
	}
}

func exitText(code int) string { return fmt.Sprintf("exit status %d", code) }

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

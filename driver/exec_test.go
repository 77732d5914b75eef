package driver

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/testtime"
)

// starters are the ways in which this package starts the programs of others: each runs a script to its end.
var starters = map[string]func(ctx context.Context, script string) (string, error){
	"command": func(ctx context.Context, script string) (string, error) {
		ran, err := Command{Dir: ".", Args: []string{"sh", "-c", script}, Limit: time.Hour}.Run(ctx)
		return ran.Output, err
	},
	"tool": func(ctx context.Context, script string) (string, error) {
		out, err := runTool(ctx, ".", "sh", "-c", script)
		return string(out), err
	},
}

// What a program starts in the background ends with it, also what has its output open: as the daemon of a compiler
// cache may. How the program itself ended, and what it wrote, is what counts.
func TestNothingIsLeftRunning(t *testing.T) {
	for name, start := range starters {
		for _, output := range []string{">/dev/null 2>&1", ""} {
			for _, exit := range []string{"0", "3"} {
				t.Run(name+output+exit, func(t *testing.T) {
					t.Parallel()
					pid := filepath.Join(t.TempDir(), "pid")
					out, err := start(t.Context(), "sleep 600 "+output+" & echo $! >'"+pid+"'; echo said; exit "+exit)
					if (err == nil) != (exit == "0") || err == nil && out != "said\n" {
						t.Errorf("got %q, %v, want \"said\\n\" and exit code %s", out, err, exit)
					}
					number, err := os.ReadFile(pid)
					if err != nil {
						t.Fatal(err)
					}
					awaitGone(t, string(number))
				})
			}
		}
	}
}

// awaitGone waits until a process is gone, or waits to be reaped.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	proc := filepath.Join("/proc", strings.TrimSpace(pid), "cmdline")
	testtime.Await(t, "the end of what a build started", func() bool {
		line, _ := os.ReadFile(proc)
		return len(line) == 0
	})
}

// killedController is the name of a starter, and the file for the pid of what it starts, whose controller is killed.
const killedController = "WSKHARNESS_TEST_KILLED_CONTROLLER"

// TestProgramsEndWithTheirController kills the process that builds.
func TestProgramsEndWithTheirController(t *testing.T) {
	if starter, pid, ok := strings.Cut(os.Getenv(killedController), " "); ok {
		_, err := starters[starter](t.Context(), "echo $$ >'"+pid+"'; exec sleep 600")
		t.Fatal(err)
	}
	for starter := range starters {
		t.Run(starter, func(t *testing.T) {
			pid := filepath.Join(t.TempDir(), "pid")
			controller := exec.Command(os.Args[0], "-test.run=^TestProgramsEndWithTheirController$")
			controller.Env = append(os.Environ(), killedController+"="+starter+" "+pid)
			if err := controller.Start(); err != nil {
				t.Fatal(err)
			}
			var number []byte
			testtime.Await(t, "the program to begin", func() bool {
				number, _ = os.ReadFile(pid)
				return len(number) > 0
			})
			if err := controller.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = controller.Wait() // it was killed
			awaitGone(t, string(number))
		})
	}
}

package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// Words with which the test binary is a program that does nothing but be there, or one that starts such a one.
const (
	staying = "child-test-stays"
	leaving = "child-test-leaves"    // FILE: starts one that stays, notes its number, and ends
	killed  = "child-test-is-killed" // FILE: starts one that stays by RunGroup, and waits for it
)

func TestMain(m *testing.M) {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "child-test-") {
		os.Exit(m.Run())
	}
	if err := play(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(args []string) error {
	if args[0] == staying {
		if len(args) == 2 {
			if err := note(args[1], os.Getpid()); err != nil {
				return err
			}
		}
		time.Sleep(time.Hour)
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if args[0] == killed {
		_, err := RunGroup(context.Background(), Command(context.Background(), os.Environ(), self, staying, args[1]))
		return err
	}
	fmt.Println("said")
	cmd := exec.Command(self, staying)
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	return note(args[1], cmd.Process.Pid)
}

// note writes a process's number down, whole.
func note(path string, pid int) error {
	if err := os.WriteFile(path+".new", []byte(strconv.Itoa(pid)), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// noted opens a process whose number was noted, which ends with the test at the latest.
func noted(t *testing.T, path string) windows.Handle {
	t.Helper()
	var text []byte
	for {
		var err error
		if text, err = os.ReadFile(path); err == nil {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	pid, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	process, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		t.Fatalf("open process %d: %v", pid, err)
	}
	t.Cleanup(func() {
		_ = windows.TerminateProcess(process, 1)
		_ = windows.CloseHandle(process)
	})
	return process
}

// goes reports whether a process ends in so much time.
func goes(process windows.Handle, within time.Duration) bool {
	state, err := windows.WaitForSingleObject(process, uint32(within.Milliseconds()))
	return err == nil && state == windows.WAIT_OBJECT_0
}

// TestLeftRunning has a program leave another one behind, which has its output open: what was written is there, who it is is known, and
// it goes on or ends as it was asked for.
func TestLeftRunning(t *testing.T) {
	for name, test := range map[string]struct {
		run  func(context.Context, *exec.Cmd) (Held, error)
		ends bool
	}{"Run": {Run, false}, "RunGroup": {RunGroup, true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pid")
			cmd := Command(t.Context(), os.Environ(), os.Args[0], leaving, path)
			var out bytes.Buffer
			cmd.Stdout = &out
			held, err := test.run(t.Context(), cmd)
			if err != nil || strings.TrimSpace(out.String()) != "said" {
				t.Errorf("got %q, %v; want what it said, and no error", &out, err)
			}
			if !held.Still || len(held.By) != 1 || !strings.EqualFold(held.By[0].Name, filepath.Base(os.Args[0])) {
				t.Errorf("got %+v; want the one process that has its output", held)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.ParseUint(string(text), 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			process, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_TERMINATE, false, uint32(pid))
			if test.ends {
				if err == nil && !goes(process, time.Minute) {
					t.Error("it goes on; want it ended with its group")
				}
				return
			}
			if err != nil || goes(process, 0) {
				t.Fatalf("it has ended (%v); want it to go on", err)
			}
			_ = windows.TerminateProcess(process, 1)
		})
	}
}

// TestGroupIsEndedWithItsContext ends a program, and what it has started, when nobody wants them any more.
func TestGroupIsEndedWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	path := filepath.Join(t.TempDir(), "pid")
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Command(ctx, os.Environ(), os.Args[0], killed, path))
		ended <- err
	}()
	process := noted(t, path)
	cancel()
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) {
		t.Errorf("got %v; want how it ended", err)
	}
	if !goes(process, time.Minute) {
		t.Error("what it had started goes on; want it ended, too")
	}
}

// TestGroupEndsWithThisProcess: when the process that runs a program is ended, which can do nothing about that, the program ends.
func TestGroupEndsWithThisProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(os.Args[0], killed, path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process := noted(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !goes(process, time.Minute) {
		t.Error("the program goes on; want it ended")
	}
}

// A command with no environment has none but what Windows needs to start it (os/exec adds SYSTEMROOT), and not all.
func TestCommandInheritsNothing(t *testing.T) {
	t.Setenv("LAB1_PASSWORD", "canary")
	for _, env := range [][]string{nil, {}, {"ONE=1"}} {
		out, err := Command(t.Context(), env, os.Getenv("ComSpec"), "/c", "set").Output()
		if err != nil || strings.Contains(string(out), "LAB1_PASSWORD") || len(env) > 0 && !strings.Contains(string(out), env[0]) {
			t.Errorf("with %q: %q, %v", env, out, err)
		}
	}
}

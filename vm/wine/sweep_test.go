//go:build linux

package wine

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/disk"
	"wskharness/testtime"
)

// A process that serves a guest and does not answer, stopped as it may be by a debugger, does not keep its guest.
func TestDownOfAGuestThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p := testProvider(t, nil)
	s := acquire(t, p).State()
	if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // what it may take, were there more time
	defer cancel()
	if err := s.Down(ctx); err != nil {
		t.Error(err)
	}
	if left := processesOf(prefixOf(s.Dir)); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}

// What somebody who was killed had not finished of a template goes with the next sweep, but never under his hands.
func TestSweepOfAnUnfinishedTemplate(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	room := filepath.Join(root, "wine", "templates")
	dir := filepath.Join(room, building+"sweeptest"+filepath.Base(root))
	temp := tempOf(dir)
	t.Cleanup(func() { os.RemoveAll(temp) })
	for _, folder := range []string{dir, filepath.Join(temp, "wine"), filepath.Join(room, "whole")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.Command("sleep", "1000")
	program.Env = []string{"WINEPREFIX=" + dir}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer program.Process.Kill()
	// One that is between two programs has no environment to be known by: Start returns a moment before it has its own.
	testtime.Await(t, "the program to be one of the template's", func() bool { return len(processesOf(dir)) == 1 })
	lock, err := disk.AwaitLock(t.Context(), filepath.Join(room, lockName))
	if err != nil {
		t.Fatal(err)
	}
	sweep := func() {
		t.Helper()
		if swept, err := Sweep(root); err != nil || len(swept) > 0 {
			t.Errorf("swept %v, %v", swept, err)
		}
	}
	sweep()
	for _, folder := range []string{dir, temp} {
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("swept while somebody makes it: %v", err)
		}
	}
	disk.Unlock(lock)
	sweep()
	for _, folder := range []string{dir, temp} {
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want it gone", folder, err)
		}
	}
	if _, err := os.Stat(filepath.Join(room, "whole")); err != nil {
		t.Error(err)
	}
	if left := processesOf(dir); len(left) > 0 {
		t.Fatalf("processes %v are left", left)
	}
	if err := program.Wait(); err == nil || program.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the program of the unfinished template: %v", err)
	}
}

func TestFoldersThatWineCanNotUse(t *testing.T) {
	t.Parallel()
	for root, good := range map[string]bool{
		"/home/a b/ü[x]'y:z": true, "rel": false, "/a*": false, "/a?": false, "/a<": false, "/a>": false, "/a|": false,
		`/a"`: false, `/a\b`: false, "/a\tb": false, "/a\nb": false, "/a\x7f": false,
	} {
		err := checkRoot(root)
		if (err == nil) != good {
			t.Errorf("%q: got %v, want good %t", root, err, good)
		}
		if err != nil && !strings.Contains(err.Error(), "XDG_CACHE_HOME") {
			t.Errorf("%q: %v: and what to do?", root, err)
		}
	}
}

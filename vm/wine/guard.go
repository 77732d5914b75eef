package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"wskharness/child"
)

// guarding, in the environment, makes Serve the process that serves a guest; its value is the guard's number.
const guarding = "WSKHARNESS_WINE_GUARD"

// What a guard is started with, beside the pipe that tells when its guest is ready.
const lockFD = 4 // the lock of the guest's folder

// keepGuard is the life of a guest's guard, the first process of each guest. It starts the one that serves the guest and
// adopts whatever of the guest loses its parent: nothing that a program of the guest does can take it out of the guard's
// sight. So when the serving process has ended, in order or not, everything else is found, ended and removed. The kernel
// alone would not: PDEATHSIG reaches wineserver and winrshost.exe only, and a Wine process that waits notices the end of
// its wineserver when it next calls it, which may be never.
//
// A guard that is killed takes the guest along: its serving process is asked to end. Where both are killed at once, the
// rest is for Sweep.
func keepGuard(ctx context.Context, dir string, ready *os.File) error {
	lock := os.NewFile(lockFD, lockName)
	if err := isAt(lock, filepath.Join(dir, lockName)); err != nil {
		return fmt.Errorf("serve the Wine guest in %s: its lock is not this process's: %w", dir, err)
	}
	runtime.LockOSThread() // never unlocked: the server is told when the thread ends that has started it
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("guard a Wine guest: %w", err)
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return fmt.Errorf("guard a Wine guest: %w", err)
	}
	server := child.Command(context.Background(), append(env, guarding+"="+strconv.Itoa(os.Getpid())), "/proc/self/exe", os.Args[1:]...)
	server.Args[0] = os.Args[0] // a program may go by its name, as a busybox does, and a test binary
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	server.ExtraFiles = []*os.File{ready, lock}
	server.Dir = "/"
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the process that serves a Wine guest: %w", err)
	}
	ready.Close()
	stop := context.AfterFunc(ctx, func() { _ = server.Process.Signal(syscall.SIGTERM) }) // gone already, at worst
	defer stop()
	for pid := 0; pid != server.Process.Pid; {
		var err error
		if pid, _, err = reap(0); err != nil {
			return fmt.Errorf("guard a Wine guest: %w", err)
		}
	}
	err = endChildren()
	if _, gone := os.Stat(dir); gone == nil {
		err = errors.Join(err, remove(dir, os.Getpid()))
	}
	return err
}

// reap takes in a child that has ended, and waits for one unless told otherwise.
func reap(flags int) (pid int, status unix.WaitStatus, err error) {
	for {
		pid, err = unix.Wait4(-1, &status, flags, nil)
		if !errors.Is(err, unix.EINTR) {
			return pid, status, err
		}
	}
}

// endChildren ends all children of this process, those that it inherits from them as well, until it has none.
func endChildren() error {
	self := os.Getpid()
	return killUntilNone(func() []native {
		for pid := 1; pid > 0; {
			var err error
			if pid, _, err = reap(unix.WNOHANG); errors.Is(err, unix.ECHILD) {
				return nil
			}
		}
		return offspring(self)
	})
}

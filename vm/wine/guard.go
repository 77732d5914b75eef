//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"wskharness/child"
	"wskharness/vm/lease"
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
	held, err := lease.Inherit(dir, lockFD)
	if err != nil {
		return fmt.Errorf("serve the Wine guest in %s: its lock is not this process's: %w", dir, err)
	}
	runtime.LockOSThread() // never unlocked: the server is told when the thread ends that has started it
	if err := errors.Join(letGoOfInherited(), leaveKeys()); err != nil {
		return fmt.Errorf("guard a Wine guest: %w", err)
	}
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
	server.ExtraFiles = []*os.File{ready, held.Lock}
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

// letGoOfInherited closes what this process was started with beyond what it is meant to have: files that a shell, a make or a CI
// runner has open, and passes on to all that it starts. A guest would have them, too, whatever else it is kept from, and whoever
// reads a pipe to its end would wait for the guest's. What Go opens itself goes with each exec, and is left alone.
func letGoOfInherited() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("look for files that were inherited: %w", err)
	}
	for _, entry := range open {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= lockFD {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			if err := unix.Close(fd); err != nil {
				return fmt.Errorf("close file %d, which was inherited: %w", fd, err)
			}
		}
	}
	return nil
}

// leaveKeys gives this thread, and what it starts from now on, a session keyring of its own, with nothing in it: the
// user's has keys to what he is logged in to, and whoever descends from the login may read them, in whatever namespace.
func leaveKeys() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) // one without a name
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return nil // a kernel without keys, or a container that allows nobody to ask for them
	}
	if err != nil {
		return fmt.Errorf("leave the user's session keyring: %w", err)
	}
	return nil
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

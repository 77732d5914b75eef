//go:build unix

package host

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A machine that is given up is free, also while a program that is just being started has the lock's file, too.
func TestUnlockMachine(t *testing.T) {
	cache := t.TempDir()
	first, err := LockMachine(cache, "lab1:5986", "run-1")
	if err != nil {
		t.Fatal(err)
	}
	heir, err := unix.FcntlInt(first.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(heir)
	UnlockMachine(first)
	again, err := LockMachine(cache, "lab1:5986", "run-2")
	if err != nil {
		t.Fatalf("after it was given up: %v", err)
	}
	UnlockMachine(again)
}

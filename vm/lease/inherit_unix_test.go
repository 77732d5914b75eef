//go:build unix

package lease_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"wskharness/disk"
	"wskharness/testtime"
	"wskharness/vm/lease"
)

// A lock is held for as long as any process has the file that was inherited with it.
func TestALockIsInherited(t *testing.T) {
	t.Parallel()
	l, err := lease.Make(t.TempDir(), "guest")
	if err != nil {
		t.Fatal(err)
	}
	heir, err := unix.FcntlInt(l.Lock.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.Lock.Close()
	if !lease.Held(l.Dir) {
		t.Error("closed by one of two, it is held by nobody")
	}
	if _, err := lease.Take(l.Dir); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	unix.Close(heir)
	// A program that another test is just starting has the file, too, until it runs.
	testtime.Await(t, "the end of a lock that both have closed", func() bool { return !lease.Held(l.Dir) })
}

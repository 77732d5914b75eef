package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"wskharness/disk"
)

// A lock that was given up can be had at once, whoever still has its file open: as a program does, for a moment, that was
// being started meanwhile.
func TestALockThatWasGivenUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := disk.OpenLocked(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.OpenLocked(path); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("a lock that somebody has: %v", err)
	}
	duplicate := -1
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to == path {
			n, _ := strconv.Atoi(fd.Name())
			if duplicate, err = unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if duplicate < 0 {
		t.Fatal("the locked file is not open: the check proves nothing")
	}
	defer unix.Close(duplicate)
	disk.Unlock(lock)
	if lock, err = disk.OpenLocked(path); err != nil {
		t.Fatalf("a lock that was given up: %v", err)
	}
	disk.Unlock(lock)
}

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// These locks belong to an open file (F_OFD_SETLK): the kernel gives them up when the last process that has inherited the
// file has ended, and one can look whether a lock is held without taking it for a moment, in which whoever wants it would
// fail. flock(2) has the first of these alone.

func takeLock(f *os.File) error { return takeLockOf(f.Fd()) }

func takeLockOf(f uintptr) error { return lockOpenFile(f, unix.F_WRLCK) }

func shareLock(f *os.File) error { return lockOpenFile(f.Fd(), unix.F_RDLCK) }

func lockOpenFile(f uintptr, kind int16) error {
	err := unix.FcntlFlock(f, unix.F_OFD_SETLK, &unix.Flock_t{Type: kind})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return ErrLocked
	}
	return err
}

func isLocked(f *os.File) bool {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock)
	return err == nil && lock.Type != unix.F_UNLCK
}

func dropLock(f *os.File) {
	_ = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
}

package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// A lock of Windows' is of bytes, which nobody else can then read or write: so these are far behind the end of any file, and
// who holds the lock can be read in it. The system gives them up when the holder's handle is closed, with the process at the
// latest; no other process inherits them.
//
// There are two such bytes. Whoever takes the lock takes the first, and then the second; whoever looks whether it is held
// looks at the second alone, by having it for a moment. So nobody who looks is in the way of who takes.
const (
	lockedByte = 0x7fffffff_fffffff0 + iota
	seenByte
)

func lockByte(f uintptr, at uint64, flags uint32) error {
	where := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
	err := windows.LockFileEx(windows.Handle(f), flags, 0, 1, 0, &where)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return err
}

func unlockByte(f uintptr, at uint64) {
	where := windows.Overlapped{Offset: uint32(at), OffsetHigh: uint32(at >> 32)}
	_ = windows.UnlockFileEx(windows.Handle(f), 0, 1, 0, &where)
}

func takeLock(f *os.File) error { return takeLockOf(f.Fd()) }

func takeLockOf(f uintptr) error {
	if err := lockByte(f, lockedByte, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY); err != nil {
		return err
	}
	err := lockByte(f, seenByte, windows.LOCKFILE_EXCLUSIVE_LOCK) // waits for those who look
	if err != nil {
		unlockByte(f, lockedByte)
	}
	return err
}

func shareLock(f *os.File) error {
	return lockByte(f.Fd(), lockedByte, windows.LOCKFILE_FAIL_IMMEDIATELY)
}

func isLocked(f *os.File) bool {
	err := lockByte(f.Fd(), seenByte, windows.LOCKFILE_FAIL_IMMEDIATELY)
	if err == nil {
		unlockByte(f.Fd(), seenByte)
	}
	return errors.Is(err, ErrLocked)
}

func dropLock(f *os.File) {
	unlockByte(f.Fd(), seenByte)
	unlockByte(f.Fd(), lockedByte)
}

package disk

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// macOS has no documented locks of open files but flock's, which can't be looked at without being taken for a moment. So a lock
// that somebody seems to have is tried again a few times.

func takeLock(f *os.File) error { return takeLockOf(f.Fd()) }

func takeLockOf(f uintptr) (err error) {
	for range 20 {
		if err = flock(f, unix.LOCK_EX); !errors.Is(err, ErrLocked) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

func shareLock(f *os.File) error { return flock(f.Fd(), unix.LOCK_SH) }

func flock(f uintptr, how int) error {
	for {
		switch err := unix.Flock(int(f), how|unix.LOCK_NB); {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}

func isLocked(f *os.File) bool {
	err := flock(f.Fd(), unix.LOCK_SH)
	if err == nil {
		dropLock(f)
	}
	return errors.Is(err, ErrLocked)
}

func dropLock(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_UN) }

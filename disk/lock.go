package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrLocked is a lock that somebody has.
var ErrLocked = errors.New("somebody has the lock")

// OpenLocked opens a file, which it makes where it is not there, and takes its lock, without waiting: ErrLocked where
// somebody has it. fs.ErrNotExist is a file that was removed before the lock could be taken, by somebody who had it. The
// lock ends with Unlock, and with the last process that has inherited the file.
func OpenLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = takeLock(f); err == nil {
		err = IsAt(f, path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// AwaitLock is OpenLocked, and waits for whoever has the lock.
func AwaitLock(ctx context.Context, path string) (f *os.File, err error) {
	err = await(ctx, func() error {
		f, err = OpenLocked(path)
		return err
	})
	return f, err
}

// lockPoll is how often a lock is tried again that somebody has.
const lockPoll = 20 * time.Millisecond

// await tries to take a lock until nobody else has it.
func await(ctx context.Context, try func() error) error {
	for {
		if err := try(); !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Locked reports whether somebody holds the lock of a file, without taking it. A file that is not there has none.
func Locked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return isLocked(f)
}

// Unlock gives up the lock on a file, and closes it. To close it alone is not enough: a program that is being started
// elsewhere in this process has the file until it runs, and with it the lock.
func Unlock(f *os.File) {
	dropLock(f) // closing it does so, too, in the end
	f.Close()
}

// IsAt says whether an open file is still the one with this name.
func IsAt(f *os.File, path string) error {
	named, err := os.Stat(path)
	if err != nil {
		return err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(named, opened) {
		err = fs.ErrNotExist
	}
	return err
}

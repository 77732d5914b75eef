package wine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// The locks of guests and templates belong to an open file (F_OFD_SETLK): the kernel gives them up when the last process
// that has inherited the file has ended, and one can look whether a lock is held without taking it for a moment, in which
// whoever wants it would fail. flock(2) has the first of these alone.

// errTaken is a lock that somebody has.
var errTaken = errors.New("somebody has the lock")

// takeLock takes the exclusive lock of a file, without waiting.
func takeLock(f *os.File) error {
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return errTaken
	}
	return err
}

// isLocked reports whether somebody holds the lock of a file that was opened anew to ask.
func isLocked(f *os.File) bool {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock)
	return err == nil && lock.Type != unix.F_UNLCK
}

// letGo gives up the lock on a file, and closes it. To close it alone is not enough: a program that is being started
// elsewhere in this process has the file until it runs, and with it the lock.
func letGo(f *os.File) {
	_ = unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK}) // closing it does so, too, in the end
	f.Close()
}

// openLocked opens a file, which it makes where it is not there, and takes its lock. fs.ErrNotExist is one that was
// removed before the lock could be taken, by somebody who had it.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err = takeLock(f); err == nil {
		err = isAt(f, path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// isAt says whether an open file is still the one with this name.
func isAt(f *os.File, path string) error {
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

// tryLock takes the lock of a file without waiting.
func tryLock(path string) (unlock func(), err error) {
	f, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	return func() { letGo(f) }, nil
}

// lockFile takes an exclusive lock that ends with the process at the latest, and waits for whoever has it.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if !errors.Is(err, errTaken) {
			return unlock, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// makeLocked makes a folder that is never seen under its name without its lock being held. Before it has that name, a
// sweep may take the lock first, and the folder with it: then another one is made.
func makeLocked(dir string) (lock *os.File, err error) {
	for {
		fresh, err := os.MkdirTemp(filepath.Dir(dir), building+"*")
		if err != nil {
			return nil, err
		}
		lock, err := openLocked(filepath.Join(fresh, lockName))
		if errors.Is(err, errTaken) || errors.Is(err, fs.ErrNotExist) {
			continue // swept
		}
		if err == nil {
			err = os.Rename(fresh, dir)
		}
		if err != nil {
			err = errors.Join(err, discard(fresh))
			if lock != nil {
				letGo(lock)
			}
			return nil, err
		}
		return lock, nil
	}
}

// discard removes a folder with a lock, which the caller holds where there is a choice. It goes by another name first:
// while its files go one by one, somebody would find it without a lock, and make one.
func discard(dir string) error {
	old := filepath.Join(filepath.Dir(dir), replaced+unused())
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeWhole(old)
}

// removeWhole removes a folder that went by another name: who had found it by that may still put a file into it.
func removeWhole(old string) error {
	for {
		if err := os.RemoveAll(old); !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
	}
}

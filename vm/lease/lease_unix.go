//go:build unix

package lease

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"wskharness/disk"
)

// notEmpty is what the system says of a folder that can't be removed for what is in it.
const notEmpty = syscall.ENOTEMPTY

// lockOf is the lock of a folder: it is in it, and goes with it.
func lockOf(dir string) string { return filepath.Join(dir, lockName) }

// create makes the folder under another name. Before it has its own, a sweep may take the lock first, and the folder with it:
// then another one is made.
func create(room, id string) (*Lease, error) {
	for {
		fresh, err := os.MkdirTemp(room, building+"*")
		if err != nil {
			return nil, err
		}
		lock, err := disk.OpenLocked(lockOf(fresh))
		if errors.Is(err, disk.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
			continue // swept
		}
		dir := filepath.Join(room, id)
		if err == nil {
			err = os.Rename(fresh, dir)
		}
		if err != nil {
			err = errors.Join(err, discard(fresh))
			if lock != nil {
				disk.Unlock(lock)
			}
			return nil, err
		}
		return &Lease{Dir: dir, Lock: lock}, nil
	}
}

// letGo gives up the lock of a folder that was removed.
func letGo(lock *os.File, _ string) { disk.Unlock(lock) }

// forget has nothing to do: no lock is in a room without its folder.
func forget(string) {}

// undisturbed does what nobody can be in the way of here.
func undisturbed(do func() error) error { return do() }

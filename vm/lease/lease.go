// Package lease is the folder of a machine that somebody has. It is never seen under its name without its lock being held,
// and its lock is held for as long as the machine is in use or served: so whatever a controller that was killed has left is
// found, and taken for nobody's, at once.
//
//	l, err := lease.Make(filepath.Join(cache, "qemu", "leases"), "win11-abcdefgh")
//	err = lease.Write(l.Dir, "state.json", state)
//	…
//	err = l.Discard()
//
// A sweep takes the locks of the folders that nobody holds, and has what they tell of ended:
//
//	swept, err := lease.Sweep(room, func(l *lease.Lease) error { …; return l.Discard() })
package lease

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wskharness/disk"
)

// Lease is a folder whose lock is held.
type Lease struct {
	Dir string
	// Lock holds the lock. A process that inherits it goes on holding it.
	Lock *os.File
}

const (
	lockName = "lock"
	building = ".new-" // begins the name of a folder that is being made …
	replaced = ".old-" // … and of one that is being removed
)

// Unused is a name that nothing else has: 8 letters and digits, as they can be in a file's name everywhere.
func Unused() string { return strings.ToLower(rand.Text()[:8]) }

// Make makes the folder id in a room, which it makes as well, and takes its lock.
func Make(room, id string) (*Lease, error) {
	if err := os.MkdirAll(room, 0o700); err != nil {
		return nil, err
	}
	return create(room, id)
}

// Take takes the lock of a folder that is there: disk.ErrLocked where somebody has it, fs.ErrNotExist where the folder is
// gone.
func Take(dir string) (*Lease, error) {
	var lock *os.File
	err := undisturbed(func() (err error) { lock, err = disk.OpenLocked(lockOf(dir)); return err })
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		letGo(lock, dir)
		return nil, err
	}
	return &Lease{Dir: dir, Lock: lock}, nil
}

// Inherit is the lease of a folder whose lock this process was started with, as an open file of this number.
func Inherit(dir string, fd uintptr) (*Lease, error) {
	lock := os.NewFile(fd, lockName)
	if err := disk.IsAt(lock, lockOf(dir)); err != nil {
		return nil, err
	}
	return &Lease{Dir: dir, Lock: lock}, nil
}

// LetGo gives up the lock; the folder stays.
func (l *Lease) LetGo() { disk.Unlock(l.Lock) }

// Discard removes the folder, and gives up the lock.
func (l *Lease) Discard() error {
	err := discard(l.Dir)
	letGo(l.Lock, l.Dir)
	return err
}

// Remove removes the folder of a lease whose lock somebody else holds, who will find it gone.
func Remove(dir string) error { return discard(dir) }

// Clear removes the folder of a machine that has ended, whoever has its lease. One that is gone is no error.
func Clear(dir string) error {
	l, err := Take(dir)
	switch {
	case err == nil:
		return l.Discard()
	case errors.Is(err, disk.ErrLocked):
		return Remove(dir)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// Held reports whether somebody has the lease of this folder.
func Held(dir string) bool { return disk.Locked(lockOf(dir)) }

// Folders are those in a room, which need not be there; what is just being made, or removed, is none of them.
func Folders(room string) ([]string, error) {
	entries, err := os.ReadDir(room)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		if name := entry.Name(); entry.IsDir() && !strings.HasPrefix(name, building) && !strings.HasPrefix(name, replaced) {
			all = append(all, filepath.Join(room, name))
		}
	}
	return all, nil
}

// Sweep calls remove for each folder in a room whose lock nobody holds, with its lock held, which remove gives up or Sweep
// does; whoever is just making one finds that out, and makes another. It returns the folders that were removed, which are
// those for which remove returned nil and that are not there any more.
func Sweep(room string, remove func(l *Lease) error) ([]string, error) {
	entries, err := os.ReadDir(room)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var swept []string
	var errs []error
	for _, entry := range entries {
		dir := filepath.Join(room, entry.Name())
		if strings.HasPrefix(entry.Name(), replaced) {
			errs = append(errs, removeWhole(dir)) // whoever else does so, too
			continue
		}
		if !entry.IsDir() {
			forget(dir)
			continue
		}
		if Held(dir) {
			continue
		}
		l, err := Take(dir)
		if errors.Is(err, disk.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
			continue // somebody else sweeps it, or has, or makes it
		}
		if err == nil {
			err = remove(l)
			l.LetGo()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			swept = append(swept, dir)
		}
	}
	return swept, errors.Join(errs...)
}

// Write replaces a file of a lease whole. Such files are for their user alone.
func Write(dir, name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return disk.Replace(disk.OS(), filepath.Join(dir, name), append(data, '\n'), 0o600)
}

// Read reads a file of a lease.
func Read(dir, name string, v any) error {
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// discard removes a folder with a lock, which the caller holds where there is a choice. It goes by another name first:
// while its files go one by one, somebody would find it without a lock, and make one.
func discard(dir string) error {
	old := filepath.Join(filepath.Dir(dir), replaced+Unused())
	err := undisturbed(func() error { return os.Rename(dir, old) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeWhole(old)
}

// removeWhole removes a folder that went by another name: who had found it by that may still put a file into it.
func removeWhole(old string) error {
	for {
		if err := undisturbed(func() error { return os.RemoveAll(old) }); !errors.Is(err, notEmpty) {
			return err
		}
	}
}

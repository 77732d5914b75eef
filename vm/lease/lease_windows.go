package lease

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"wskharness/disk"
)

// notEmpty is what the system says of a folder that can't be removed for what is in it.
const notEmpty = windows.ERROR_DIR_NOT_EMPTY

// Windows renames and removes no folder in which anybody has a file open ([MS-FSA], 2.1.5.15.11: STATUS_ACCESS_DENIED). So the lock is
// beside the folder: it is taken before that is made, and given up, and removed, when it is gone.

const beside = ".lock-" // begins the name of a lock

func lockOf(dir string) string { return filepath.Join(filepath.Dir(dir), beside+filepath.Base(dir)) }

// create makes the folder when it has its lock. A sweep may have that for a moment, or be just removing it.
func create(room, id string) (l *Lease, err error) {
	dir := filepath.Join(room, id)
	err = undisturbed(func() error {
		lock, err := disk.OpenLocked(lockOf(dir))
		if errors.Is(err, disk.ErrLocked) {
			if _, none := os.Stat(dir); none == nil {
				return fmt.Errorf("make %s: %w, and somebody has it", dir, fs.ErrExist)
			}
			return fmt.Errorf("make %s: its lock: %w", dir, fs.ErrPermission) // a sweep's
		}
		if err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			letGo(lock, dir) // who has that folder makes another
			return err
		}
		l = &Lease{Dir: dir, Lock: lock}
		return nil
	})
	return l, err
}

// letGo gives up the lock of a folder that was removed, and removes it. Where somebody has just opened it, who will not find the
// folder, that is his.
func letGo(lock *os.File, dir string) {
	disk.Unlock(lock)
	_ = os.Remove(lockOf(dir))
}

// forget removes a lock, if this is one, whose folder is gone: its holder was killed between the two.
func forget(path string) {
	id, is := strings.CutPrefix(filepath.Base(path), beside)
	if !is {
		return
	}
	if l, err := Take(filepath.Join(filepath.Dir(path), id)); err == nil { // else it is removed, or somebody's
		l.LetGo()
	}
}

// forbearance is how long others may have what they have open only to look at it.
const forbearance = 5 * time.Second

// undisturbed does something that fails as long as somebody has a file open, or is just removing it.
func undisturbed(do func() error) error {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := do()
		passing := errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !passing || time.Since(begun) > forbearance {
			return err
		}
	}
}

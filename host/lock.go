package host

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"wskharness/disk"
)

// LockMachine keeps other runs of this user off a machine of that name before anything is done to it; that a machine may
// have several names, and others may use it, its guest knows (docs/protocol.md, "The lease"). It holds until UnlockMachine, or until this process has ended: the
// system lets go of a dead holder's lock.
func LockMachine(cache, machine, run string) (*os.File, error) {
	path := MachineFile(cache, machine)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock %s: %w", machine, err)
	}
	file, err := disk.OpenLocked(path)
	if errors.Is(err, disk.ErrLocked) {
		holder, _ := os.ReadFile(path)
		err = fmt.Errorf("%s is using it: wait for that run to end", strings.TrimSpace(string(holder)))
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", machine, err)
	}
	text := fmt.Sprintf("run %s (process %d)\n", run, os.Getpid())
	if err := errors.Join(file.Truncate(0), writeAt(file, text)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", machine, err), file.Close())
	}
	return file, nil
}

// MachineFile is a machine's lock. What else is kept of the machine on this host is beside it, under that name with an ending, and
// belongs to whoever has the lock.
func MachineFile(cache, machine string) string {
	sum := sha256.Sum256([]byte(machine))
	return filepath.Join(cache, "locks", fmt.Sprintf("%x", sum[:8]))
}

// UnlockMachine gives the lock up.
func UnlockMachine(file *os.File) { disk.Unlock(file) }

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

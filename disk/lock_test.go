package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"wskharness/disk"
)

// To look whether a lock is held hinders nobody from taking it.
func TestALockIsSeenWithoutBeingTaken(t *testing.T) {
	t.Parallel()
	const rounds = 5000
	path := filepath.Join(t.TempDir(), "lock")
	done := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					disk.Locked(path)
				}
			}
		})
	}
	for range rounds {
		lock, err := disk.OpenLocked(path)
		if err != nil {
			t.Errorf("take a lock that nobody has: %v", err)
			break
		}
		disk.Unlock(lock)
	}
	close(done)
	looking.Wait()
	if disk.Locked(path) {
		t.Error("a lock that was given up is held")
	}
}

// A lock whose file was removed by whoever had it before is none.
func TestALockOfARemovedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := disk.OpenLocked(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := disk.IsAt(f, path); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := disk.IsAt(f, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file has its name: %v", err)
	}
}

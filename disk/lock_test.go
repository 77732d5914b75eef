package disk_test

import (
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"wskharness/disk"
)

// To look whether a lock is held hinders nobody from taking it.
func TestALockIsSeenWithoutBeingTaken(t *testing.T) {
	t.Parallel()
	rounds := 5000
	if runtime.GOOS == "windows" {
		rounds = 100 // on Wine each call of the system goes through another process
	}
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

package wine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"wskharness/testtime"
)

// Who makes a guest's folder is never swept while he holds its lock, and never fails because others sweep or look.
func TestFoldersAreMadeWhileOthersSweep(t *testing.T) {
	t.Parallel()
	const makers, sweepers, rounds = 4, 3, 500
	room := t.TempDir()
	var made, swept atomic.Int64
	var making, sweeping sync.WaitGroup
	done := make(chan struct{})
	for range sweepers {
		sweeping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				found, err := sweepGuests(room, discard)
				if err != nil {
					t.Error(err)
					return
				}
				swept.Add(int64(len(found)))
			}
		})
	}
	for maker := range makers {
		making.Go(func() {
			for round := range rounds {
				if err := guestsFolder(filepath.Join(room, fmt.Sprintf("guest-%d-%d", maker, round)), round%2 == 0); err != nil {
					t.Error(err)
					return
				}
				made.Add(1)
			}
		})
	}
	making.Wait()
	close(done)
	sweeping.Wait()
	if _, err := sweepGuests(room, discard); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(room); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	t.Logf("%d made, %d of them left to the sweepers, which swept %d", made.Load(), makers*rounds/2, swept.Load())
	if swept.Load() == 0 {
		t.Error("nothing was swept: the test proves nothing")
	}
}

// guestsFolder is the life of a guest's folder: it is made, used, looked at, and removed or left.
func guestsFolder(dir string, leave bool) error {
	lock, err := makeLocked(dir)
	if err != nil {
		return err
	}
	defer letGo(lock)
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			return fmt.Errorf("swept while its lock was held: %w", err)
		}
		if !served(dir) {
			return fmt.Errorf("%s does not count as served", dir)
		}
	}
	if leave {
		return nil
	}
	return discard(dir)
}

// To look whether a lock is held hinders nobody from taking it.
func TestALockIsSeenWithoutBeingTaken(t *testing.T) {
	t.Parallel()
	const rounds = 5000
	dir := t.TempDir()
	done := make(chan struct{})
	var looking sync.WaitGroup
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					served(dir)
				}
			}
		})
	}
	for range rounds {
		unlock, err := tryLock(filepath.Join(dir, lockName))
		if err != nil {
			t.Errorf("take a lock that nobody has: %v", err)
			break
		}
		unlock()
	}
	close(done)
	looking.Wait()
	if served(dir) {
		t.Error("a lock that was given up is held")
	}
}

// A lock is held for as long as any process has the file that was inherited with it.
func TestALockIsInherited(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "guest")
	lock, err := makeLocked(dir)
	if err != nil {
		t.Fatal(err)
	}
	heir, err := unix.FcntlInt(lock.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if !served(dir) {
		t.Error("closed by one of two, it is held by nobody")
	}
	if _, err := tryLock(filepath.Join(dir, lockName)); !errors.Is(err, errTaken) {
		t.Errorf("taken twice: %v", err)
	}
	unix.Close(heir)
	// A program that another test is just starting has the file, too, until it runs.
	testtime.Await(t, "the end of a lock that both have closed", func() bool { return !served(dir) })
}

// A lock whose file was removed by whoever had it before is none.
func TestALockOfARemovedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, lockName)
	f, err := openLocked(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := isAt(f, path); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := isAt(f, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file has its name: %v", err)
	}
	if err := makeLockedOver(dir); err == nil || !strings.Contains(err.Error(), "rename") {
		t.Errorf("a folder in the place of another: %v", err)
	}
}

func makeLockedOver(dir string) error {
	lock, err := makeLocked(dir)
	if err == nil {
		letGo(lock)
	}
	return err
}

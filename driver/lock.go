package driver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockFolder waits until no other process (or goroutine) holds the folder. What is done under the lock
// takes a second at most, and the kernel drops the lock with the process, so the wait has an end.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { letGo(f) }, nil
}

// letGo gives up the lock of a file, and closes it: to close it alone leaves the lock to a compiler that is just being
// started, which has the file until it runs.
func letGo(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // closing it does so, too, in the end
	f.Close()
}

// lockPoll is how often a lock that somebody holds is tried again. What it waits for takes a second or so.
const lockPoll = 20 * time.Millisecond

// lock waits until nobody else makes the entry key of a room, so that it is made once. Two keys may share a lock
// file, of which there are 256 a room: then one waits without need. The kernel drops a lock with its process. Where
// nothing can be locked, nothing is waited for; so the only error is that of ctx.
func (c Cache) lock(ctx context.Context, room, key string) (unlock func(), err error) {
	dir := filepath.Join(c.Dir, lockRoom)
	if os.MkdirAll(dir, 0o755) != nil {
		return func() {}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, room+"-"+key[:2]), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return func() {}, nil
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return func() { letGo(f) }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

package driver

import (
	"context"
	"os"
	"path/filepath"

	"wskharness/disk"
)

// folderLock is the file in a folder with signing keys by which that is locked.
const folderLock = ".lock"

// lockFolder waits until no other process (or goroutine) holds the folder. What is done under the lock
// takes a second at most, and the system drops the lock with the process, so the wait has an end.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := disk.AwaitLock(context.Background(), filepath.Join(dir, folderLock))
	if err != nil {
		return nil, err
	}
	return func() { disk.Unlock(f) }, nil
}

// lock waits until nobody else makes the entry key of a room, so that it is made once. Two keys may share a lock
// file, of which there are 256 a room: then one waits without need. The system drops a lock with its process. Where
// nothing can be locked, nothing is waited for; so the only error is that of ctx.
func (c Cache) lock(ctx context.Context, room, key string) (unlock func(), err error) {
	dir := filepath.Join(c.Dir, lockRoom)
	if os.MkdirAll(dir, 0o755) != nil {
		return func() {}, nil
	}
	f, err := disk.AwaitLock(ctx, filepath.Join(dir, room+"-"+key[:2]))
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case err != nil:
		return func() {}, nil
	}
	return func() { disk.Unlock(f) }, nil
}

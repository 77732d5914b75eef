package disk

import (
	"context"
	"fmt"
	"os"
)

// TryLock takes the lock of a file that is open to be written, without waiting: ErrLocked where somebody has it. It ends when
// the file is closed.
func TryLock(f File) error {
	if err := takeLockOf(f.Fd()); err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// AwaitShared opens a file, which it makes where it is not there, and takes a lock on it that any number may have at a time, but
// nobody beside one of OpenLocked, for whom it waits. It ends as that does.
func AwaitShared(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := await(ctx, func() error { return shareLock(f) }); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

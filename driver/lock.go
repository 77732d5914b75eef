package driver

import (
	"os"
	"syscall"
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
	return func() { f.Close() }, nil
}

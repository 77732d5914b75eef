//go:build unix

package child

import (
	"errors"
	"os"
	"syscall"
)

// pipe is a pipe whose reading end has deadlines.
func pipe() (read, write *os.File, err error) { return os.Pipe() }

// readNow reads what is in a pipe, and does not wait for more: 0 where there is nothing.
func readNow(f *os.File, piece []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for {
			if n, failed = syscall.Read(int(fd), piece); !errors.Is(failed, syscall.EINTR) {
				return true
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, syscall.EAGAIN):
		return 0, nil
	case failed != nil:
		return 0, failed
	}
	return n, nil
}

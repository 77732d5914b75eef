//go:build unix

package results

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"wskharness/disk"
)

// lock makes this process the only writer of the file, until it is closed or the process ends.
func lock(file disk.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errors.New("another process is writing it: the run is still going on; wait for it, or end it, first")
	}
	if err != nil {
		return &os.PathError{Op: "flock", Path: file.Name(), Err: err}
	}
	return nil
}

package results

import (
	"errors"

	"wskharness/disk"
)

// lock makes this process the only writer of the file, until it is closed or the process ends.
func lock(file disk.File) error {
	err := disk.TryLock(file)
	if errors.Is(err, disk.ErrLocked) {
		return errors.New("another process is writing it: the run is still going on; wait for it, or end it, first")
	}
	return err
}

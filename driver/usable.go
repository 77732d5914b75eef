package driver

import (
	"fmt"
	"os"
)

// Usable is this cache, or where nothing can be written to it, the spare one, and why. It is for what is more than a
// build: guests have to be found again where they were made.
func (c Cache) Usable() (cache Cache, why error, err error) {
	if why = c.writable(); why == nil {
		return c, nil, nil
	}
	spare, none := c.spare()
	if none == nil {
		none = spare.writable()
	}
	if none != nil {
		return Cache{}, why, fmt.Errorf("%w (nor is there another place: %w)", why, none)
	}
	return spare, why, nil
}

// writable tries to put a file there.
func (c Cache) writable() error {
	err := os.MkdirAll(c.Dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(c.Dir, ".try-"); err == nil {
			f.Close()
			err = os.Remove(f.Name())
		}
	}
	if err != nil {
		return &CacheError{Dir: c.Dir, Err: err}
	}
	return nil
}

package driver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Usable is this cache, or where nothing can be written to it, the spare one, and why. It is for what is more than a
// build: guests have to be found again where they were made.
func (c Cache) Usable() (cache Cache, why error, err error) {
	cache, err = inCache(c, func(one Cache) (Cache, error) {
		unwritable := one.Writable()
		if unwritable == nil {
			return one, nil
		}
		if why == nil { // of the cache itself, not of the spare one
			why = fmt.Errorf("%w; %s", unwritable, makeRoom)
		}
		return Cache{}, unwritable
	})
	return cache, why, err
}

// Writable makes the cache where there is none, and a file in it and in each of its rooms: only by trying is it known who
// may do that, and one run with sudo is enough to make rooms that are not this user's. It is nil or a *[CacheError].
func (c Cache) Writable() error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return &CacheError{Dir: c.Dir, Err: err}
	}
	entries, err := os.ReadDir(c.Dir)
	if err == nil {
		err = tryFile(c.Dir)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, tryFile(filepath.Join(c.Dir, entry.Name())))
		}
	}
	if err != nil {
		return &CacheError{Dir: c.Dir, Err: err}
	}
	return nil
}

// tryFile makes a file in a folder, and removes it.
func tryFile(folder string) error {
	f, err := os.CreateTemp(folder, ".try-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
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

// UserCache is the cache in the user's cache folder, or where there is none, or nothing can be written to it, the spare one,
// and why.
func UserCache() (cache Cache, why error, err error) {
	own, noHome := DefaultCache()
	if noHome == nil {
		return own.Usable()
	}
	cache, err = own.spare()
	if err == nil {
		err = cache.Writable()
	}
	if err != nil {
		return Cache{}, nil, fmt.Errorf("%w (nor is there another place: %w)", noHome, err)
	}
	return cache, noHome, nil
}

// UserSigner is the signer in [SigningDir], as [LoadOrCreateSigner] has it. Where the user has no such folder, and none can be
// made, it is kept beside the spare cache, and a notice says so.
func UserSigner(now time.Time) (*Signer, error) {
	dir, why := SigningDir()
	if why == nil {
		signer, err := LoadOrCreateSigner(dir, now)
		if !unwritable(err) {
			return signer, err
		}
		why = fmt.Errorf("%w; set XDG_CONFIG_HOME to a folder that can be written", err)
	}
	spare, err := Cache{}.spare()
	if err != nil {
		return nil, fmt.Errorf("%w (nor is there another place: %w)", why, err)
	}
	signer, err := LoadOrCreateSigner(filepath.Join(spare.Dir, spareSigning), now)
	if err != nil {
		return nil, fmt.Errorf("%w (nor is there another place: %w)", why, err)
	}
	signer.note("%v; until then the test certificate is one in %s, which may not last", why, signer.Path)
	return signer, nil
}

// spareSigning is the room of the spare cache that signing keys are kept in where there is no other place.
const spareSigning = "signing"

// unwritable reports whether an error says that nothing can be made in some place, whoever tries.
func unwritable(err error) bool {
	for _, one := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOENT, syscall.ENOTDIR} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
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

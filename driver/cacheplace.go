package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wskharness/disk"
)

// UserCache is the cache in the user's cache folder, or where there is none, or nothing can be written to it, the spare one,
// and why.
func UserCache() (cache Cache, why error, err error) {
	own, noHome := DefaultCache()
	if noHome == nil {
		return own.usable()
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

// DefaultCache is the cache in the user's cache folder, for example ~/.cache/wskharness.
func DefaultCache() (Cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("find a folder for builds: %w; %s", err, SetCache)
	}
	return Cache{Dir: filepath.Join(dir, "wskharness")}, nil
}

// usable is this cache, or where nothing can be written to it, the spare one, and why. It is for what is more than a
// build: guests have to be found again where they were made.
func (c Cache) usable() (cache Cache, why error, err error) {
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

// SpareCache is the cache that is used where the user's own can't be, if there is one.
func SpareCache() (Cache, bool) {
	dir := spareDir()
	info, err := os.Lstat(dir)
	return Cache{Dir: dir}, err == nil && info.IsDir()
}

// CacheError says that the cache can't be written: a full disk, a file system that is read-only, a folder of somebody
// else's. It costs time and never a build: see inCache.
type CacheError struct {
	Dir string
	Err error
}

func (e *CacheError) Error() string { return fmt.Sprintf("write to the cache %s: %v", e.Dir, e.Err) }

func (e *CacheError) Unwrap() error { return e.Err }

// spare is the cache in place of one that can't be written: a folder for temporary files that is this user's alone.
func (c Cache) spare() (Cache, error) {
	dir := spareDir()
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return Cache{}, err
	}
	// Somebody else may have put it there: it is used only if nobody else can write to it.
	info, err := os.Lstat(dir)
	if err != nil {
		return Cache{}, err
	}
	sharing, err := disk.SharingOf(dir, info)
	if err != nil {
		return Cache{}, err
	}
	if !info.IsDir() || sharing.Owner != "" || sharing.Write {
		return Cache{}, fmt.Errorf("%s is not a folder of this user's alone", dir)
	}
	return Cache{Dir: dir}, nil
}

func spareDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("wskharness-cache-%d", os.Getuid()))
}

// inCache does work that keeps something in a cache. Where that can't be written, the spare one does, and all has to
// be made anew.
func inCache[T any](cache Cache, work func(Cache) (T, error)) (T, error) {
	made, err := work(cache)
	if !unusable(err) {
		return made, err
	}
	spare, why := cache.spare()
	if why == nil {
		made, why = work(spare)
		if !unusable(why) {
			return made, why
		}
	}
	return made, fmt.Errorf("%w (nor is there another place: %w); %s", err, why, makeRoom)
}

// makeRoom is what to do about a cache that can't be written.
const makeRoom = "make room, or " + SetCache + " to a folder that can be written"

// unusable reports whether err says that a cache can't be written.
func unusable(err error) bool {
	return disk.Full(err) || errors.As(err, new(*CacheError))
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

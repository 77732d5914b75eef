package driver

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// holdName is the file of a cache that whoever uses the cache has a shared lock on.
const holdName = ".in-use"

// Hold keeps a cache from being cleaned while something is made of it, until release is called or this process ends. It waits
// for one that is just being cleaned. Where nothing can be locked, nothing is held.
func (c Cache) Hold() (release func()) {
	f, err := os.OpenFile(filepath.Join(c.Dir, holdName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return func() {}
	}
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); !errors.Is(err, syscall.EINTR) {
			return func() { letGo(f) }
		}
	}
}

// ErrInUse is a cache that somebody holds.
var ErrInUse = errors.New("another wskharness is at work with it")

// Alone has a cache for oneself until release is called, to clean it; the error is ErrInUse where somebody holds it.
func (c Cache) Alone() (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.Dir, holdName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { letGo(f) }, nil
}

// SpareCache is the cache that is used where the user's own can't be, if there is one.
func SpareCache() (Cache, bool) {
	dir := spareDir()
	info, err := os.Lstat(dir)
	return Cache{Dir: dir}, err == nil && info.IsDir()
}

// SigningFolders are the folders with keys of this user: that of his own, and the spare one.
func SigningFolders() []string {
	var all []string
	if dir, err := SigningDir(); err == nil {
		all = append(all, dir)
	}
	return append(all, filepath.Join(spareDir(), spareSigning))
}

// SigningFiles are the files with keys and certificates in such a folder: the one in use, and those that were kept.
func SigningFiles(dir string) []string {
	kept, _ := filepath.Glob(filepath.Join(dir, keptFiles)) // a folder whose name is a pattern keeps its files
	if _, err := os.Lstat(filepath.Join(dir, signerFile)); err == nil {
		kept = append(kept, filepath.Join(dir, signerFile))
	}
	return kept
}

// RemoveSigner removes these files, when nobody is just making one.
func RemoveSigner(dir string) error {
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	var errs []error
	for _, path := range SigningFiles(dir) {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

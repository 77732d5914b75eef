package driver

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// inUseName is the file of a cache that whoever uses the cache has a shared lock on.
const inUseName = ".in-use"

// Reference keeps a cache from being cleaned while something is made of it, until release is called or this process ends. It waits
// for one that is just being cleaned. Where nothing can be locked, there is no reference.
func (c Cache) Reference() (release func()) {
	f, err := os.OpenFile(filepath.Join(c.Dir, inUseName), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return func() {}
	}
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); !errors.Is(err, syscall.EINTR) {
			return func() { letGo(f) }
		}
	}
}

// ErrInUse is a cache that somebody uses.
var ErrInUse = errors.New("another wskharness is at work with it")

// Alone has a cache for oneself until release is called, to clean it; the error is ErrInUse where somebody uses it.
func (c Cache) Alone() (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.Dir, inUseName), os.O_RDWR|os.O_CREATE, 0o644)
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

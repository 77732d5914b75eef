package driver

import (
	"context"
	"errors"
	"path/filepath"

	"wskharness/disk"
)

// inUseName is the file of a cache that whoever uses the cache has a shared lock on.
const inUseName = ".in-use"

// Reference keeps a cache from being cleaned while something is made of it, until release is called or this process ends. It waits
// for one that is just being cleaned. Where nothing can be locked, there is no reference.
func (c Cache) Reference() (release func()) {
	f, err := disk.AwaitShared(context.Background(), filepath.Join(c.Dir, inUseName))
	if err != nil {
		return func() {}
	}
	return func() { disk.Unlock(f) }
}

// ErrInUse is a cache that somebody uses.
var ErrInUse = errors.New("another wskharness is at work with it")

// Alone has a cache for oneself until release is called, to clean it; the error is ErrInUse where somebody uses it.
func (c Cache) Alone() (release func(), err error) {
	f, err := disk.OpenLocked(filepath.Join(c.Dir, inUseName))
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, ErrInUse
	case err != nil:
		return nil, err
	}
	return func() { disk.Unlock(f) }, nil
}

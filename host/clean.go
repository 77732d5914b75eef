package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wskharness/disk"
	"wskharness/driver"
	"wskharness/vm"
)

// Leftover is something that wskharness keeps on this machine, and that can be made again.
type Leftover struct {
	What  string `json:"what"`
	Path  string `json:"path"`
	Size  int64  `json:"size"`            // that it takes on the disk, in bytes
	Stays string `json:"stays,omitempty"` // why it is not removed; empty: it is

	remove func() error
}

// Clean removes what can be made again, but for what is in use, and says what it found. With keys the signing keys are among
// it; dry, nothing is removed. Where another wskharness is at work with a cache nothing is removed, and the error is
// [driver.ErrInUse]. What could not be removed stays, and the error says why; so does all of a cache that can't be written.
func Clean(kinds []vm.Kind, keys, dry bool) ([]Leftover, error) {
	caches := caches()
	var errs []error
	fixed := map[string]bool{}
	for _, cache := range caches {
		if dry {
			break
		}
		release, err := cache.Alone()
		switch {
		case errors.Is(err, driver.ErrInUse):
			return nil, fmt.Errorf("clean %s: %w: try again when that has ended", cache.Dir, err)
		case err != nil:
			fixed[cache.Dir] = true
			errs = append(errs, fmt.Errorf("clean %s: %w", cache.Dir, err))
		default:
			defer release()
		}
	}
	all, err := leftovers(kinds, caches, fixed, keys)
	if err != nil || dry {
		return all, err
	}
	for i := range all {
		one := &all[i]
		if one.Stays != "" {
			continue
		}
		if err := one.remove(); err != nil {
			one.Stays = "it could not be removed"
			errs = append(errs, fmt.Errorf("remove %s (%s): %w", one.What, one.Path, err))
		}
	}
	return all, errors.Join(errs...)
}

// leftovers finds what can be removed, and what stays and why: of caches that are fixed everything.
func leftovers(kinds []vm.Kind, caches []driver.Cache, fixed map[string]bool, keys bool) ([]Leftover, error) {
	all := []Leftover{}
	var errs []error
	for _, cache := range caches {
		found, err := leftIn(kinds, cache)
		for i := range found {
			if fixed[cache.Dir] && found[i].Stays == "" {
				found[i].Stays = "its cache can't be written"
			}
		}
		all, errs = append(all, found...), append(errs, err)
	}
	for _, dir := range driver.SigningFolders() {
		files := driver.SigningFiles(dir)
		if len(files) == 0 {
			continue
		}
		one := Leftover{
			What: "signing key and certificate", Path: dir, Size: diskUse(files...),
			remove: func() error { return driver.RemoveSigner(dir) },
		}
		if !keys {
			one.Stays = "every machine would have to trust the next one anew; --keys removes it"
		}
		all = append(all, one)
	}
	return all, errors.Join(errs...)
}

// caches are the user's own and the spare one, of which either may not be there, and the one may be a link to the other.
func caches() []driver.Cache {
	var all []driver.Cache
	if own, err := driver.DefaultCache(); err == nil {
		if info, err := os.Stat(own.Dir); err == nil && info.IsDir() {
			all = append(all, own)
		}
	}
	spare, ok := driver.SpareCache()
	if ok && (len(all) == 0 || resolved(all[0].Dir) != resolved(spare.Dir)) {
		all = append(all, spare)
	}
	return all
}

// resolved is a path without links: a cache may have several names, and a guest has been made by another one.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// leftIn finds what is in a cache. What a guest that is up is made of is in use.
func leftIn(kinds []vm.Kind, cache driver.Cache) ([]Leftover, error) {
	var kept []vm.Kept
	var errs []error
	for _, kind := range kinds {
		if kind.Kept != nil {
			found, err := kind.Kept(cache.Dir)
			kept, errs = append(kept, found...), append(errs, err)
		}
	}
	for _, name := range driver.Rooms() {
		room := vm.Kept{What: name, Dir: filepath.Join(cache.Dir, name), Entries: []string{}, Remove: removeAll}
		entries, _ := os.ReadDir(room.Dir) // where there are none, there is nothing to clean
		for _, entry := range entries {
			room.Entries = append(room.Entries, filepath.Join(room.Dir, entry.Name()))
		}
		kept = append(kept, room)
	}
	var all []Leftover
	var needed []string
	for _, one := range kept {
		left := Leftover{What: one.What, Path: one.Dir, remove: func() error { return one.Remove(nil) }}
		if one.Guest != "" {
			left.Stays = "it is up: wskharness vm down " + one.Guest
			for _, path := range one.Needs {
				needed = append(needed, resolved(path))
			}
		}
		if one.Entries == nil {
			left.Size = diskUse(one.Dir)
			all = append(all, left)
		}
		var free, used []string
		for _, entry := range one.Entries {
			if needs(needed, resolved(entry)) {
				used = append(used, entry)
			} else {
				free = append(free, entry)
			}
		}
		if len(free) > 0 {
			all = append(all, Leftover{What: fmt.Sprintf("%s (%d)", one.What, len(free)), Path: one.Dir, Size: diskUse(free...), remove: func() error { return one.Remove(free) }})
		}
		if len(used) > 0 {
			all = append(all, Leftover{What: fmt.Sprintf("%s (%d)", one.What, len(used)), Path: one.Dir, Size: diskUse(used...), Stays: "guests that are up are made of it"})
		}
	}
	return all, errors.Join(errs...)
}

func needs(needed []string, path string) bool {
	for _, one := range needed {
		if one == path || strings.HasPrefix(one, path+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func removeAll(paths []string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// diskUse is what files and folders take on the disk: a file with several names once, and nothing of what links lead to.
func diskUse(paths ...string) (total int64) {
	seen := map[uint64]bool{}
	for _, path := range paths {
		_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error { // what can't be read is not counted
			if err != nil {
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return nil
			}
			size, number := disk.Use(info)
			if number == 0 || !seen[number] {
				seen[number] = true
				total += size
			}
			return nil
		})
	}
	return total
}

//go:build linux

package wine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"wskharness/disk"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// templates are the templates below root, and what is left of those that were not finished.
func templates(root string) []string {
	all, _ := foldersIn(templatesDir(root)) // where it can't be read there are none
	return all
}

// removeTemplates removes some of these, unless somebody is making one.
func removeTemplates(root string, some []string) error {
	lock, err := disk.OpenLocked(filepath.Join(templatesDir(root), lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove Wine templates: %w", err)
	}
	defer disk.Unlock(lock)
	var errs []error
	for _, dir := range some {
		errs = append(errs, removeTemplate(dir))
	}
	return errors.Join(errs...)
}

// removeTemplate takes a template's name from it first: half of one is never found.
func removeTemplate(dir string) error {
	if strings.HasPrefix(filepath.Base(dir), building) {
		clearAway(dir)
		return os.RemoveAll(dir)
	}
	old, err := os.MkdirTemp(filepath.Dir(dir), replaced)
	if err == nil {
		err = os.Rename(dir, filepath.Join(old, "template"))
	}
	return errors.Join(err, os.RemoveAll(old))
}

// kept is all that is below root: guests, with the template and the files that each is made of, and templates.
func kept(root string) ([]vm.Kept, error) {
	dirs, err := foldersIn(guestsDir(root))
	if err != nil {
		return nil, fmt.Errorf("look for Wine guests: %w", err)
	}
	sweep := sync.OnceValue(func() error { _, err := Sweep(root); return err }) // which is of all that are dead
	var all []vm.Kept
	for _, dir := range dirs {
		id := filepath.Base(dir)
		one := vm.Kept{What: "Wine guest " + id, Dir: dir, Guest: id}
		if !lease.Held(dir) {
			one.What += ", whose process was killed"
			one.Guest, one.Remove = "", func([]string) error { return sweep() }
		}
		var c guestConfig
		if lease.Read(dir, configFile, &c) == nil {
			one.Needs = append([]string{c.Template, c.Host, c.Netio}, slices.Collect(maps.Values(c.Seed))...)
		}
		all = append(all, one)
	}
	return append(all, vm.Kept{
		What: "Wine templates", Dir: templatesDir(root), Entries: append([]string{}, templates(root)...),
		Remove: func(some []string) error { return removeTemplates(root, some) },
	}), nil
}

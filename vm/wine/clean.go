package wine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wskharness/vm"
)

// templates are the templates below root, and what is left of those that were not finished.
func templates(root string) []string {
	all, _ := foldersIn(templatesDir(root)) // where it can't be read there are none
	return all
}

// removeTemplates removes some of these, unless somebody is making one.
func removeTemplates(root string, some []string) error {
	unlock, err := tryLock(filepath.Join(templatesDir(root), lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove Wine templates: %w", err)
	}
	defer unlock()
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

// kept is all that is below root.
func kept(root string) (vm.Kept, error) {
	guests, err := folders(root)
	return vm.Kept{Guests: guests, Rooms: []vm.Room{{
		What: "Wine templates", Dir: templatesDir(root), Entries: templates(root),
		Remove: func(some []string) error { return removeTemplates(root, some) },
	}}}, err
}

// folders are those of all guests below root.
func folders(root string) ([]vm.KeptGuest, error) {
	dirs, err := foldersIn(guestsDir(root))
	if err != nil {
		return nil, fmt.Errorf("look for Wine guests: %w", err)
	}
	var all []vm.KeptGuest
	for _, dir := range dirs {
		id := filepath.Base(dir)
		one := vm.KeptGuest{What: "Wine guest " + id, ID: id, Dir: dir, Up: served(dir)}
		var c guestConfig
		if readJSON(filepath.Join(dir, configFile), &c) == nil {
			one.Needs = []string{c.Template, c.Host, c.Netio}
			for _, file := range c.Seed {
				one.Needs = append(one.Needs, file)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

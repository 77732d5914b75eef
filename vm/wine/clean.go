package wine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Templates are the templates below root, and what is left of those that were not finished.
func Templates(root string) []string {
	all, _ := foldersIn(TemplatesDir(root)) // where it can't be read there are none
	return all
}

// RemoveTemplates removes some of these, unless somebody is making one.
func RemoveTemplates(root string, some []string) error {
	unlock, err := tryLock(filepath.Join(TemplatesDir(root), lockName))
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

// Left is a guest's folder.
type Left struct {
	ID  string
	Dir string
	Up  bool // a process serves it; else it is what a killed one has left, which Sweep removes
	// Needs are the template and the files that the guest is made of anew when it is reverted.
	Needs []string
}

// Folders are those of all guests below root.
func Folders(root string) ([]Left, error) {
	dirs, err := foldersIn(guestsDir(root))
	if err != nil {
		return nil, fmt.Errorf("look for Wine guests: %w", err)
	}
	var all []Left
	for _, dir := range dirs {
		one := Left{ID: filepath.Base(dir), Dir: dir, Up: served(dir)}
		var c Config
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

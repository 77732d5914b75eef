package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"wskharness/bundle"
	"wskharness/child"
	"wskharness/config"
	"wskharness/settings"
)

// pack writes a run into one file, which is whole or not there.
func (o *reportOptions) pack(c *config.Config, dir string, args []string) (err error) {
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return &settings.UsageError{Err: fmt.Errorf("find the run: %w", err)}
	}
	path := "wskharness-" + filepath.Base(dir) + ".zip"
	if len(args) > 1 {
		path = args[1]
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return settings.Usagef("write %s: it is there already: remove it, or name another", settings.DisplayPath(path))
	}
	if err != nil {
		return settings.Usagef("write the bundle: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	home, _ := os.UserHomeDir()
	contents, err := bundle.Write(f, bundle.Options{
		Dir: dir, Secrets: c.Redactor(o.io.getenv), Values: child.Values, Home: home, Dumps: o.dumps,
	})
	switch {
	case errors.Is(err, bundle.ErrRunning), errors.Is(err, fs.ErrNotExist):
		return &settings.UsageError{Err: fmt.Errorf("pack %s: %w", settings.DisplayPath(dir), err)}
	case err != nil:
		return fmt.Errorf("pack %s: %w", settings.DisplayPath(dir), err)
	}
	fmt.Fprintf(o.io.out, "%s\n%s\nLook through it before you send it: its README.txt says what each file is.\n", settings.DisplayPath(path), contents.Text())
	return f.Sync()
}

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wskharness/config"
	"wskharness/examples"
	"wskharness/settings"
)

//go:embed init.yaml
var initConfig []byte

//go:embed init-suite.yaml
var initSuite []byte

func newInit(c *common) *cobra.Command {
	driver := false
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a commented " + config.Name + " and a suite to start from, or a whole driver with both",
		Long: `Write a commented ` + config.Name + ` and a first suite into this folder; or, with --driver, a small driver that has
nothing to do with WSK, with its Makefile, its test program, its suite and its configuration. A file that is here already is
not touched: then nothing is written.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			files := map[string][]byte{config.Name: initConfig, "suites/mine.yaml": initSuite}
			if driver {
				var err error
				if files, err = exampleDriver(); err != nil {
					return fmt.Errorf("read the example: %w", err)
				}
			}
			if err := writeNew(files); err != nil {
				return err
			}
			fmt.Fprintf(c.io.out, "wrote %s; next: wskharness run\n", strings.Join(slices.Sorted(maps.Keys(files)), ", "))
			return nil
		},
	}
	cmd.Flags().BoolVar(&driver, "driver", false, "write a driver to start from")
	return cmd
}

// exampleDriver is every file of the example, by its path with slashes.
func exampleDriver() (map[string][]byte, error) {
	from, err := examples.Reverse()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	err = fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(from, path)
		return err
	})
	return files, err
}

// writeNew writes files below the current folder: all of them, or, where one is there, none.
func writeNew(files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	var here []error
	for _, name := range names {
		if _, err := os.Lstat(filepath.FromSlash(name)); err == nil {
			here = append(here, fmt.Errorf("%s is here already; it was not touched, and nothing was written", name))
		}
	}
	if err := errors.Join(here...); err != nil {
		return &settings.UsageError{Err: err}
	}
	for _, name := range names {
		if err := writeFile(filepath.FromSlash(name), files[name]); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"wskharness/config"
	"wskharness/examples"
	"wskharness/settings"
	"wskharness/vm/kinds"
)

//go:embed init
var initFiles embed.FS

type initOptions struct {
	*common
	driver bool
}

func newInit(c *common) *cobra.Command {
	o := &initOptions{common: c}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a commented " + config.Name + " and a suite to start from, or a whole driver with both",
		Long: `Write a commented ` + config.Name + ` and a first suite into this folder; or, with --driver, a small driver that has
nothing to do with WSK, with its Makefile, its test program, its suite and its configuration. A file that is here already is
not touched: then nothing is written.`,
		Args: cobra.NoArgs,
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.driver, "driver", false, "write a driver to start from")
	return cmd
}

func (o *initOptions) run(*cobra.Command, []string) error {
	from, err := fs.Sub(initFiles, "init")
	if o.driver {
		from, err = examples.Reverse()
	}
	if err != nil {
		return fmt.Errorf("read the example: %w", err)
	}
	written, err := writeNew(from)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.io.out, "wrote %s; next: %s\n", strings.Join(written, ", "), next())
	return nil
}

// next is what to do with what was written. Not every system can have the guest that its configuration begins with.
func next() string {
	c, err := config.Load(kinds.All(), config.Name, ".")
	if err != nil {
		return "wskharness validate"
	}
	for i := range c.Targets {
		if err := c.Targets[i].Here(); err != nil {
			return "put a machine of yours into " + config.Name + ", and its name below run: (" + err.Error() + ")"
		}
	}
	return "wskharness run"
}

// writeNew writes files below the current folder: all of them, or, where one is there, none. It returns their names.
func writeNew(from fs.FS) ([]string, error) {
	var names []string
	var here []error
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, name)
		if _, err := os.Lstat(filepath.FromSlash(name)); err == nil {
			here = append(here, fmt.Errorf("%s is here already; it was not touched, and nothing was written", name))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	if err := errors.Join(here...); err != nil {
		return nil, &settings.UsageError{Err: err}
	}
	if err := os.CopyFS(".", from); err != nil {
		return nil, fmt.Errorf("write what to start from: %w", err)
	}
	return names, nil
}

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"wskharness/harness"
)

//go:embed init.yaml
var initConfig []byte

func newInit(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write a commented " + harness.ConfigName + " to start from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := os.OpenFile(harness.ConfigName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return &harness.UsageError{Err: fmt.Errorf("%s is here already; it was not touched", harness.ConfigName)}
			}
			if err != nil {
				return fmt.Errorf("write the configuration: %w", err)
			}
			_, err = f.Write(initConfig)
			if err := errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("write the configuration: %w", err)
			}
			fmt.Fprintf(c.io.out, "wrote %s; next: wskharness run\n", harness.ConfigName)
			return nil
		},
	}
}

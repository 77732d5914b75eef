package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"wskharness/report"
	"wskharness/workshop"
)

type buildOptions struct {
	*common
	json bool
}

func newBuild(c *common) *cobra.Command {
	o := &buildOptions{common: c}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Compile, test-sign and inspect the driver",
		Long: `Compile the configured driver, sign it with this user's test certificate (made on first use), and
inspect the result. Nothing is done again that was done before: packages are kept by their content.

Prints the path of the signed driver.`,
		Args: cobra.NoArgs,
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the package's manifest")
	return cmd
}

func (o *buildOptions) run(cmd *cobra.Command, _ []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	begun := time.Now()
	w, err := workshop.New(cmd.Context(), env)
	if err != nil {
		return err
	}
	w.Warn = func(text string) { o.io.tell("warning: " + text) }
	pkg, err := w.Package(cmd.Context(), config)
	if err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, pkg.Manifest)
	}
	done := "built, signed and inspected"
	if pkg.Cached {
		done = "unchanged"
	}
	fmt.Fprintf(o.io.err, "%s in %s: sha256 %s\n", done, time.Since(begun).Round(time.Millisecond), pkg.Manifest.Driver.SHA256)
	fmt.Fprintln(o.io.out, pkg.Driver)
	return nil
}

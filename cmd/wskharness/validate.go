package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"wskharness/harness"
)

type validateOptions struct{ *common }

func newValidate(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [FILE...]",
		Short: "Check the configuration and suites without running anything",
		Long: `Check the configuration, the built-in suites and those of the configuration; or, where files are
named, those files beside the built-in ones. Every mistake is printed at once, with its file, line
and column and what was expected there.`,
		RunE: (&validateOptions{c}).run,
	}
}

func (o *validateOptions) run(_ *cobra.Command, args []string) error {
	config, err := o.load()
	if err != nil {
		return err
	}
	if len(args) > 0 {
		config.Suites, config.Run.Suites = args, nil // which run by themselves is a matter of the configuration's own
	}
	catalog, err := config.Catalog()
	if err != nil {
		return err
	}
	if err := harness.Check(config, catalog); err != nil {
		return err
	}
	fmt.Fprintf(o.io.out, "%s, %s: no mistakes\n",
		count(len(catalog.Suites), "suite"), count(len(catalog.All()), "case"))
	return nil
}

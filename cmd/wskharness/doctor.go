package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"wskharness/host"
	"wskharness/report"
	"wskharness/results"
	"wskharness/vm"
)

type doctorOptions struct {
	*common
	json bool
}

func newDoctor(c *common) *cobra.Command {
	o := &doctorOptions{common: c}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what this machine lacks, and say how to install it",
		Long: `Check whether this machine has what the configured targets need. Whatever is missing is named with
the exact command that installs it. Exit code 3 when something that is needed is missing.`,
		Args: cobra.NoArgs,
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *doctorOptions) run(cmd *cobra.Command, _ []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	checks := host.Examine(cmd.Context(), config, env.Kinds)
	if o.json {
		err = report.JSON(o.io.out, checks)
	} else {
		o.print(checks)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(checks, func(c vm.Check) bool { return !c.OK && c.Needed }) {
		return &exitError{code: results.ExitInfrastructure}
	}
	return nil
}

func (o *doctorOptions) print(checks []vm.Check) {
	for _, c := range checks {
		mark := "ok     "
		switch {
		case !c.OK && c.Needed:
			mark = "MISSING"
		case !c.OK:
			mark = "absent "
		}
		fmt.Fprintf(o.io.out, "%s  %-22s %s\n", mark, c.Name, c.Detail)
		if !c.OK && c.Fix != "" {
			fmt.Fprintf(o.io.out, "         %-22s fix: %s\n", "", c.Fix)
		}
	}
}

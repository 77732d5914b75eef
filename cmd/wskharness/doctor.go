package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"wskharness/host"
	"wskharness/prepare"
	"wskharness/report"
	"wskharness/results"
	"wskharness/vm"
)

type doctorOptions struct {
	*common
	targetOptions
	json    bool
	explain string
}

func newDoctor(c *common) *cobra.Command {
	o := &doctorOptions{common: c}
	cmd := &cobra.Command{
		Use:   "doctor [TARGET]",
		Short: "Check what this machine lacks, or what keeps a target from taking test-signed drivers",
		Long: `Check whether this machine has what the configured targets need. Whatever is missing is named with
the exact command that installs it. Exit code 3 when something that is needed is missing.

With a target that is a Windows, check that one: whatever is in the way of a test-signed driver, or of a run, is named with
what mends it. Nothing on it is changed. Exit code 3 when no test-signed driver would load.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeTargets,
		RunE:              o.run,
	}
	o.declare(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&o.explain, "explain", "", "say what an error comes to with which a driver does not load: a number such as 577 or 0xC0000428")
	return cmd
}

func (o *doctorOptions) run(cmd *cobra.Command, args []string) error {
	if o.explain != "" {
		code, err := strconv.ParseUint(o.explain, 0, 32)
		if err != nil {
			return &flagError{fmt.Errorf("--explain %s: want a number, such as 577 or 0xC0000428", o.explain)}
		}
		_, err = fmt.Fprintln(o.io.out, prepare.Explain(uint32(code)))
		return err
	}
	if len(args) > 0 {
		return o.target(cmd.Context(), args[0])
	}
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

// target checks a target that is a Windows.
func (o *doctorOptions) target(ctx context.Context, name string) error {
	return o.onWindows(ctx, name, &o.targetOptions, false, func(ctx context.Context, p *prepare.Preparation) error {
		findings, err := p.Look(ctx)
		if err != nil {
			return err
		}
		if o.json {
			err = report.JSON(o.io.out, findings)
		} else {
			printFindings(o.io.out, findings)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(findings, func(f prepare.Finding) bool { return f.Needed && f.Wrong() }) {
			return &exitError{code: results.ExitInfrastructure}
		}
		return nil
	})
}

// printFindings shows what a target is, and what mends what is wrong.
func printFindings(to io.Writer, findings []prepare.Finding) {
	for _, f := range findings {
		fmt.Fprintf(to, "%-7s  %-18s %s\n", f.Status, f.Setting, f.Detail)
		if f.Status == prepare.OK {
			continue
		}
		fmt.Fprintf(to, "         %-18s why: %s\n", "", f.Why)
		if f.Fix != "" {
			fmt.Fprintf(to, "         %-18s fix: %s\n", "", f.Fix)
		}
	}
}

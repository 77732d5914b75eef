package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"wskharness/harness"
	"wskharness/results"
)

func newSelftest(c *common) *cobra.Command {
	var out string
	var asJSON bool
	var modes []string
	cmd := &cobra.Command{
		Use:   "selftest [TARGET]",
		Short: "Misbehave on purpose, and check that it is called what it is",
		Long: `Run cases that crash, hang, lose the agent or the machine, in each phase of a run and each through the whole
path on a target, and check the verdict and the evidence. What the target can't show is skipped with the reason. Where
a time was up that may be all that is wrong, the machine was too slow to tell: that is "slow", not "WRONG", and the
exit code is 3.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, env, err := c.configAndEnv()
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join(config.Out, "selftest-"+results.RunID(time.Now()))
			}
			var wrong, slow int
			var all []harness.Finding
			err = harness.Selftest(cmd.Context(), config, first(args), modes, out, harness.Env{Host: env}, func(f harness.Finding) {
				all = append(all, f)
				switch {
				case f.OK || f.Skipped != "":
				case f.Slow != "":
					slow++
				default:
					wrong++
				}
				if !asJSON {
					c.tellFinding(f)
				}
			})
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(c.io.out, all); err != nil {
					return err
				}
			}
			if wrong > 0 {
				return &exitError{results.ExitFailed, fmt.Errorf("%d of %d modes are not called what they are: the runs are in %s", wrong, len(all), out)}
			}
			if slow > 0 {
				return &exitError{results.ExitInfrastructure, fmt.Errorf("%d of %d modes say nothing, since time was up: run them again (--mode) when less else runs on this machine; the runs are in %s", slow, len(all), out)}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the runs")
	cmd.Flags().StringSliceVar(&modes, "mode", nil, "only these ways to misbehave, or patterns of them, such as 'agent-killed*'")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *common) tellFinding(f harness.Finding) {
	word := "ok"
	switch {
	case f.Skipped != "":
		word = "skip"
	case f.Slow != "":
		word = "slow"
	case !f.OK:
		word = "WRONG"
	}
	fmt.Fprintf(c.io.out, "%-6s %-27s %6s  %s\n", word, f.Mode, f.Elapsed.Round(100*time.Millisecond), f.Doc)
	for _, text := range append(f.Wrong, f.Slow, f.Skipped, f.Evidence) {
		if text != "" {
			fmt.Fprintf(c.io.out, "       %s\n", text)
		}
	}
}

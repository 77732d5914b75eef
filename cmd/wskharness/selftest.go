package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"wskharness/harness"
	"wskharness/report"
	"wskharness/results"
	"wskharness/selftest"
)

type selftestOptions struct {
	*common
	out   string
	modes []string
	json  bool
}

func newSelftest(c *common) *cobra.Command {
	o := &selftestOptions{common: c}
	cmd := &cobra.Command{
		Use:   "selftest [TARGET]",
		Short: "Misbehave on purpose, and check that it is called what it is",
		Long: `Run cases that crash, hang, lose the agent or the machine, in each phase of a run and each through the whole
path on a target, and check the verdict and the evidence. What the target can't show is skipped with the reason. Where
a time was up that may be all that is wrong, the machine was too slow to tell: that is "slow", not "WRONG", and the
exit code is 3.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeTargets,
		RunE:              o.run,
	}
	cmd.Flags().StringVar(&o.out, "out", "", "folder for the runs")
	cmd.Flags().StringSliceVar(&o.modes, "mode", nil, "only these ways to misbehave, or patterns of them, such as 'agent-killed*'")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *selftestOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join(config.Out, "selftest-"+results.RunID(time.Now()))
	}
	counts := map[string]int{}
	var all []selftest.Finding
	r := selftest.Request{Config: config, Target: first(args), Modes: o.modes, Out: o.out}
	err = r.Run(cmd.Context(), harness.Env{Host: env}, func(f selftest.Finding) {
		all = append(all, f)
		counts[called(f)]++
		if !o.json {
			o.print(f)
		}
	})
	if err == nil && o.json {
		err = report.JSON(o.io.out, all)
	}
	wrong, slow := counts["WRONG"], counts["slow"]
	switch {
	case err != nil:
		return err
	case wrong > 0:
		return &exitError{results.ExitFailed, fmt.Errorf("%d of %d modes are not called what they are: the runs are in %s", wrong, len(all), o.out)}
	case slow > 0:
		return &exitError{results.ExitInfrastructure, fmt.Errorf("%d of %d modes say nothing, since time was up: run them again (--mode) when less else runs on this machine; the runs are in %s", slow, len(all), o.out)}
	}
	return nil
}

// called is the word for what came of a mode.
func called(f selftest.Finding) string {
	switch {
	case f.OK:
		return "ok"
	case f.Skipped != "":
		return "skip"
	case f.Slow != "":
		return "slow"
	}
	return "WRONG"
}

func (o *selftestOptions) print(f selftest.Finding) {
	fmt.Fprintf(o.io.out, "%-6s %-27s %6s  %s\n", called(f), f.Mode, f.Elapsed.Round(100*time.Millisecond), f.Doc)
	for _, text := range append(f.Wrong, f.Slow, f.Skipped, f.Evidence) {
		if text != "" {
			fmt.Fprintf(o.io.out, "       %s\n", text)
		}
	}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wskharness/harness"
	"wskharness/report"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/targets"
)

// runOptions are the flags of `run`.
type runOptions struct {
	*common
	request harness.Request
	tags    []string
	flaky   string
	dryRun  bool
	json    bool
	steps   bool
	resume  string
	on      string
}

func newRun(c *common) *cobra.Command {
	o := &runOptions{common: c}
	cmd := &cobra.Command{
		Use:   "run [SUITE[/CASE]...]",
		Short: "Build, deploy, run suites and judge",
		Long: `Build and sign the driver, bring up the targets, run the selected cases there, and judge.

Cases are selected by suite (capture), by name (capture.no_wait or capture/no_wait) or by glob
('capture.dereg*'). Cases that misuse the API run only when they are named exactly.`,
		Example: `  wskharness run
  wskharness run capture --repeat 10 --shuffle
  wskharness run registration.basic --target lab1 --steps
  wskharness run registration.basic --warm
  wskharness run registration.basic --on wine`,
		RunE:              o.run,
		ValidArgsFunction: c.completeCases,
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.tags, "tags", nil, "only cases with this tag, or without it: `TAG,!TAG`")
	f.StringSliceVar(&o.request.Targets, "target", nil, "run on these targets of the configuration")
	f.IntVar(&o.request.Repeat, "repeat", 1, "attempts of each case")
	f.BoolVar(&o.request.FailFast, "fail-fast", false, "stop a target at its first case that is not as expected")
	f.BoolVar(&o.request.Shuffle, "shuffle", false, "run the cases in random order")
	f.Uint64Var(&o.request.Seed, "seed", 0, "of all that is left to chance, to repeat it: the order of --shuffle, the choices in loops (default: chosen, and recorded)")
	f.DurationVar(&o.request.StressFor, "stress-for", 0, "how long each loop runs that runs for a time (default: as its suite says, 1s or so)")
	f.BoolVar(&o.request.Keep, "keep", false, "leave the guests up when the run is over")
	f.BoolVar(&o.request.Warm, "warm", false, "use the guests that are up, as they are, and leave them up; where none is, bring one up")
	f.StringVar(&o.on, "on", "", "run on this `GUEST`, which is up, as it is, and leave it up: its id or its target, as vm list shows them")
	f.BoolVar(&o.request.Record, "record", false, "keep what is said to the guests over WinRM, without passwords, in the run folder: for a bug report (wskharness report --bundle)")
	f.StringVar(&o.request.Out, "out", "", "folder for run folders (default: wskharness-runs beside the configuration)")
	f.StringVar(&o.flaky, "flaky", "warn", "what a flaky case does to the exit code: warn or fail")
	f.BoolVar(&o.request.Policy.SkippedOK, "allow-skipped", false, "end with 0 also where every selected case was skipped")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and do nothing")
	f.BoolVar(&o.json, "json", false, "print the record as JSON on standard output")
	f.StringVar(&o.resume, "resume", "", "continue this `RUN`, whose controller was killed: its name, its folder, or latest")
	f.BoolVar(&o.steps, "steps", false, "show every step")
	_ = cmd.RegisterFlagCompletionFunc("target", c.completeTargets)
	_ = cmd.RegisterFlagCompletionFunc("on", c.completeGuests)
	return cmd
}

func (o *runOptions) run(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("resume") {
		return o.continueRun(cmd, args)
	}
	plan, err := o.plan(cmd, args)
	switch {
	case err != nil:
		return err
	case o.dryRun:
		return plan.Describe(o.io.out)
	}
	return o.show(cmd.Context(), plan.Run)
}

// plan is what the flags ask for.
func (o *runOptions) plan(cmd *cobra.Command, args []string) (*harness.Plan, error) {
	r := &o.request
	switch {
	case cmd.Flags().Changed("seed") && r.Seed == 0:
		return nil, &flagError{errors.New("--seed 0: want at least 1")}
	case r.Repeat < 1:
		return nil, &flagError{fmt.Errorf("--repeat %d: want at least 1", r.Repeat)}
	case o.flaky != "warn" && o.flaky != "fail":
		return nil, &flagError{fmt.Errorf("--flaky %q: want warn or fail", o.flaky)}
	}
	config, err := o.load()
	if err != nil {
		return nil, err
	}
	r.Config, r.Out = config, cmp.Or(r.Out, config.Out)
	if cmd.Flags().Changed("on") {
		if err := o.useGuest(cmd.Context()); err != nil {
			return nil, err
		}
	}
	r.Selection = suites.Selection{Patterns: args, Tags: o.tags}
	r.Policy.FlakyFails = o.flaky == "fail"
	r.Version, r.Command = version(), commandLine(os.Args)
	return harness.NewPlan(*r)
}

// useGuest has the run on the guest that --on names.
func (o *runOptions) useGuest(ctx context.Context) error {
	env, err := o.env()
	if err != nil {
		return err
	}
	r := &o.request
	g, err := targets.Kept(ctx, env, r.Config, o.on, r.Targets)
	if err != nil {
		return err
	}
	r.Targets, r.Guest, r.Warm = []string{g.Target}, g.ID, true
	return nil
}

// continueRun goes on with a run as it was asked for when it was begun.
func (o *runOptions) continueRun(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &flagError{fmt.Errorf("--resume goes on with what was selected then: leave %s away", strings.Join(args, " "))}
	}
	fitting := []string{"resume", "out", "json", "steps", "config", "verbose"} // everything else is as the run was begun
	var other error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if other == nil && !slices.Contains(fitting, f.Name) {
			other = &flagError{fmt.Errorf("--resume goes on with what was asked for then: leave --%s away", f.Name)}
		}
	})
	if other != nil {
		return other
	}
	base := o.request.Out
	if base == "" {
		config, err := o.load()
		if err != nil {
			return err
		}
		base = config.Out
	}
	dir := harness.FindRun(base, o.resume)
	return o.show(cmd.Context(), func(ctx context.Context, env harness.Env, subscribers ...results.Subscriber) (*harness.Finished, error) {
		return harness.Resume(ctx, dir, env, subscribers...)
	})
}

// show executes a run before the user's eyes, and decides the exit code by its record.
func (o *runOptions) show(ctx context.Context, do func(context.Context, harness.Env, ...results.Subscriber) (*harness.Finished, error)) error {
	env, err := o.env()
	if err != nil {
		return err
	}
	out := o.io.screen()
	if o.json {
		out = o.io.err // standard output is for the record alone
	}
	view := report.NewTerminal(report.TerminalOptions{
		Out: out, Err: o.io.err, Steps: o.steps, Getenv: o.io.getenv,
	})
	defer view.Close()
	env.Logger = o.logger(view.LogWriter())
	done, err := do(ctx, harness.Env{Host: env}, view)
	if done == nil {
		return err
	}
	if err := view.Summary(done.Record, done.Dir, done.Reports); err != nil {
		return err
	}
	if o.json {
		if err := report.JSON(o.io.out, done.Record); err != nil {
			return err
		}
	}
	code := results.ExitCode(done.Record, done.Record.Run.Policy)
	if err != nil { // the summary has told all of it
		line, more, _ := strings.Cut(err.Error(), "\n")
		if more != "" {
			line += " …"
		}
		if code == results.ExitOK || code == results.ExitNothing { // the record knows nothing of it
			code = exitCode(ctx, err)
		}
		return &exitError{code: code, err: errors.New(line)}
	}
	if code != results.ExitOK {
		return &exitError{code: code}
	}
	return nil
}

// commandLine is how the program was called, for the record.
func commandLine(args []string) string {
	words := []string{"wskharness"}
	for _, arg := range args[min(1, len(args)):] {
		words = append(words, harness.ShellQuote(arg))
	}
	return strings.Join(words, " ")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wskharness/config"
	"wskharness/results"
	"wskharness/vm"
	"wskharness/vm/kinds"
)

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, io streams) int {
	out := &printed{to: io.out}
	io.out = out
	cmd := newRoot(io)
	played, err := vm.Play(ctx, kinds.All(), args, (&common{}).logger(io.err))
	if !played {
		cmd.SetArgs(args)
		cmd, err = cmd.ExecuteContextC(ctx)
	}
	code := exitCode(ctx, err)
	if errors.Is(err, context.Canceled) && err.Error() == context.Canceled.Error() { // else it says what was under way
		err = errors.New("interrupted")
	}
	if decided, ok := errors.AsType[*exitError](err); err != nil && !(ok && decided.err == nil) {
		io.tell(err.Error())
		if code == exitUsage && is[*flagError](err) {
			fmt.Fprintf(io.err, "See '%s --help'.\n", cmd.CommandPath())
		}
	}
	if lost := out.failed(); lost != nil && !errors.Is(err, lost) {
		io.tell(lost.Error())
		if code == results.ExitOK {
			code = results.ExitInfrastructure
		}
	}
	return code
}

func newRoot(io streams) *cobra.Command {
	c := &common{io: io}
	root := &cobra.Command{
		Use:   "wskharness",
		Short: "Test Winsock Kernel drivers on real guests",
		Long: `wskharness builds and test-signs a Winsock Kernel (WSK) driver, deploys it over WinRM to a guest,
runs suites against it there, and judges what happened. Without any configuration the guest is Wine.

Exit codes: 0 all as expected; 1 a test failed; 2 usage or configuration; 3 target or infrastructure;
4 nothing selected; 5 build or signing; 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetIn(io.in)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return emptyFlags(cmd.Flags()) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &flagError{err} })
	root.PersistentFlags().StringVar(&c.config, "config", "", "configuration file (default: the nearest "+config.Name+", else the embedded one)")
	root.PersistentFlags().BoolVarP(&c.verbose, "verbose", "v", false, "log what is done, on standard error")
	root.AddCommand(
		newRun(c), newList(c), newBuild(c), newInspect(c), newValidate(c), newDoctor(c), newVM(c), newClean(c),
		newImage(c), newInit(c), newSchema(c), newReport(c), newSelftest(c), newVersion(c),
	)
	strictNumbers(root)
	return root
}

// strictNumbers has every flag of a number take it as it is typed: to the flag package 010 is 8, and 1_0 is 10.
func strictNumbers(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if kind := f.Value.Type(); strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") {
			f.Value = decimal{f.Value}
		}
	})
	for _, sub := range cmd.Commands() {
		strictNumbers(sub)
	}
}

// decimal is a flag's number in decimal digits.
type decimal struct{ pflag.Value }

var decimalText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (d decimal) Set(text string) error {
	if !decimalText.MatchString(text) {
		return errors.New("want a whole number in decimal, without a leading zero")
	}
	return d.Value.Set(text)
}

// emptyFlags says which flags were given without a value: as a rule a variable of a script that is not set. To take them
// as not given would run everything, on every target.
func emptyFlags(flags *pflag.FlagSet) error {
	var empty []error
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			if values = list.GetSlice(); len(values) == 0 {
				values = []string{""}
			}
		} else if f.Value.Type() != "string" {
			return
		}
		if slices.ContainsFunc(values, func(value string) bool { return strings.TrimSpace(value) == "" }) {
			empty = append(empty, fmt.Errorf("--%s is empty, or has an empty entry; leave it out where it is not meant", f.Name))
		}
	})
	if err := errors.Join(empty...); err != nil {
		return &flagError{err}
	}
	return nil
}

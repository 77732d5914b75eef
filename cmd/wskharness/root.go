package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/harness"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
	"wskharness/vm/kinds"
	"wskharness/workshop"
)

// exitUsage is the exit code that no record decides; results has the others.
const exitUsage = 2

// common are the flags that every command has.
type common struct {
	io      streams
	config  string
	verbose bool
	made    *vm.Host // what env has made; nil: nobody has asked for it
	release func()   // lets go of the cache that is used, which the end of the process does, too
}

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
	var decided *exitError
	if err != nil && !(errors.As(err, &decided) && decided.err == nil) {
		fmt.Fprintf(io.err, "wskharness: %v\n", err)
		if code == exitUsage && isFlagError(err) {
			fmt.Fprintf(io.err, "See '%s --help'.\n", cmd.CommandPath())
		}
	}
	if lost := out.failed(); lost != nil && !errors.Is(err, lost) {
		fmt.Fprintf(io.err, "wskharness: %v\n", lost)
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
		newInit(c), newSchema(c), newReport(c), newSelftest(c), newVersion(io),
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

// flagError is a flag or an argument that can't be: the help is worth naming.
type flagError struct{ error }

func (e *flagError) Unwrap() error { return e.error }

func isFlagError(err error) bool {
	var flag *flagError
	return errors.As(err, &flag)
}

// exitError is an exit code that was decided by what a command found, with what is still to be
// said of it.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// exitCode is the one place where errors become exit codes.
func exitCode(ctx context.Context, err error) int {
	var (
		decided  *exitError
		usage    *settings.UsageError
		mistakes strictyaml.Mistakes
		nothing  *harness.NothingSelectedError
		build    *workshop.BuildError
	)
	switch {
	case err == nil:
		return results.ExitOK
	case errors.As(err, &decided):
		return decided.code
	case ctx.Err() != nil:
		return results.ExitInterrupted
	case errors.As(err, &build):
		return results.ExitBuild
	case errors.As(err, &nothing):
		return results.ExitNothing
	case errors.As(err, &usage), errors.As(err, &mistakes), isFlagError(err), isCobraUsage(err):
		return exitUsage
	}
	return results.ExitInfrastructure
}

// isCobraUsage reports the errors that cobra makes without a type: an unknown command, a wrong
// number of arguments.
func isCobraUsage(err error) bool {
	for _, prefix := range []string{"unknown command", "accepts ", "requires at least", "requires at most", "invalid argument"} {
		if len(err.Error()) >= len(prefix) && err.Error()[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}

func (c *common) logger(w io.Writer) hclog.Logger {
	level := hclog.Error
	if c.verbose {
		level = hclog.Debug
	}
	return hclog.New(&hclog.LoggerOptions{Name: "wskharness", Level: level, Output: w})
}

func (c *common) load() (*config.Config, error) {
	return config.Load(kinds.All(), c.config, ".")
}

// env is what a run needs of this machine.
func (c *common) env() (vm.Host, error) {
	if c.made != nil {
		return *c.made, nil
	}
	if err := checkHomes(c.io.getenv); err != nil {
		return vm.Host{}, err
	}
	usable, why, err := driver.UserCache()
	if err != nil {
		return vm.Host{}, err
	}
	if why != nil {
		fmt.Fprintf(c.io.err, "wskharness: %v; until then %s is used\n", why, usable.Dir)
	}
	c.release = usable.Reference()
	exe, err := os.Executable()
	if err != nil {
		return vm.Host{}, fmt.Errorf("find this program, to serve a guest with: %w", err)
	}
	exe, err = filepath.EvalSymlinks(exe)
	if err != nil {
		return vm.Host{}, fmt.Errorf("find this program, to serve a guest with: %w", err)
	}
	c.made = &vm.Host{
		Logger: c.logger(c.io.err), Cache: usable.Dir, Program: []string{exe}, Kinds: kinds.All(), Getenv: c.io.getenv,
		Tell: func(text string) { fmt.Fprintf(c.io.err, "wskharness: %s\n", text) },
	}
	return *c.made, nil
}

// checkHomes refuses folders of the user that depend on the current one: there would be another signing key, and another
// cache, wherever a command is given, and Wine takes no such path.
func checkHomes(getenv func(string) string) error {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		if dir := getenv(name); dir != "" && !filepath.IsAbs(dir) {
			return &settings.UsageError{Err: fmt.Errorf("%s is %q, which is not an absolute path: set it to one that begins with /", name, dir)}
		}
	}
	return nil
}

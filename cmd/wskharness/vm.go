package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"wskharness/config"
	"wskharness/remote"
	"wskharness/report"
	"wskharness/targets"
	"wskharness/vm"
)

func newVM(c *common) *cobra.Command {
	cmd := &cobra.Command{Use: "vm", Short: "Start, use and stop guests by hand"}
	cmd.AddCommand(newVMUp(c), newVMDown(c), newVMRevert(c), newVMList(c), newVMExec(c), newVMPush(c), newVMPull(c),
		newVMConsole(c), newVMDump(c), newVMReset(c), newVMPrepare(c))
	return cmd
}

type vmUpOptions struct {
	*common
	json bool
}

func newVMUp(c *common) *cobra.Command {
	o := &vmUpOptions{common: c}
	cmd := &cobra.Command{
		Use:               "up [TARGET]",
		Short:             "Bring up a guest, and leave it up",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeTargets,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print where it is, and where password and certificate are kept")
	return cmd
}

func (o *vmUpOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	if name := first(args); targets.IsThere(config, name) {
		return o.turnOn(cmd.Context(), config, env, name)
	}
	up, err := targets.Up(cmd.Context(), config, env, first(args))
	if err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, up)
	}
	g := up.Info()
	fmt.Fprintf(o.io.out, "%s is up (ready after %s): %s\n", g.ID, g.Ready.Round(time.Millisecond), g.Endpoint)
	fmt.Fprintf(o.io.out, "user %s, password in %s, certificate in %s\n", g.User, g.PasswordFile, g.CertificateFile)
	return nil
}

// turnOn is for a machine that is always there, if not always on.
func (o *vmUpOptions) turnOn(ctx context.Context, config *config.Config, env vm.Host, name string) error {
	was, err := targets.On(ctx, config, env, name)
	if err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, map[string]any{"target": name, "was": was})
	}
	word := "is turned on"
	if was == vm.On {
		word = "was on"
	}
	fmt.Fprintf(o.io.out, "%s %s, and answers\n", name, word)
	return nil
}

type vmDownOptions struct {
	*common
	all bool
}

func newVMDown(c *common) *cobra.Command {
	o := &vmDownOptions{common: c}
	cmd := &cobra.Command{
		Use:   "down [GUEST...]",
		Short: "End guests, and whatever dead runs left behind",
		Long: `End guests by target or id (with --all: all of them), and remove what guests left behind whose process,
or whose controller, was killed. A machine that is always there is turned off, by name, where its target says
how.`,
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "end every guest")
	return cmd
}

func (o *vmDownOptions) run(cmd *cobra.Command, args []string) error {
	if !o.all && len(args) == 0 {
		return &flagError{errors.New("name a guest, or say --all")}
	}
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	ended, err := targets.Down(cmd.Context(), config, env, args, o.all)
	for _, what := range ended {
		fmt.Fprintln(o.io.out, what)
	}
	return err
}

type vmRevertOptions struct{ *common }

func newVMRevert(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "revert GUEST",
		Short: "Bring a guest back to its clean state",
		Args:  cobra.ExactArgs(1),
		RunE:  (&vmRevertOptions{c}).run,
	}
}

func (o *vmRevertOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	took, err := targets.Revert(cmd.Context(), config, env, args[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(o.io.out, "%s is reverted, ready after %s\n", args[0], took.Round(time.Millisecond))
	return nil
}

type vmListOptions struct {
	*common
	json bool
}

func newVMList(c *common) *cobra.Command {
	o := &vmListOptions{common: c}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the guests that are up",
		Args:  cobra.NoArgs,
		RunE:  o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *vmListOptions) run(cmd *cobra.Command, _ []string) error {
	env, err := o.env()
	if err != nil {
		return err
	}
	guests, err := targets.Guests(cmd.Context(), env)
	if err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, guests)
	}
	w := tabwriter.NewWriter(o.io.out, 0, 0, 2, ' ', 0)
	for _, up := range guests {
		g := up.Info()
		kept := "until its run ends"
		if g.Kept {
			kept = "kept"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\tup %s\t%s\n", g.ID, g.Target, g.Endpoint, time.Since(g.Started).Round(time.Second), kept)
	}
	return w.Flush()
}

type vmExecOptions struct {
	*common
	dir string
}

func newVMExec(c *common) *cobra.Command {
	o := &vmExecOptions{common: c}
	cmd := &cobra.Command{
		Use:   "exec [flags] GUEST [--] COMMAND [ARG...]",
		Short: "Run a command in a guest; its exit code is this one's",
		Long: `Run a command in a guest that is up, or on a static target, through its cmd.exe, with standard input and
both outputs. One argument is a command line as it is; several are quoted for Windows, so that the program gets
them as they are, percent signs and quotes included.

All that stands behind GUEST is the command's, also what looks like a flag of this one; one -- before it is not.

Exit codes that do not fit here (Windows has 32 bits) are told, and become 255.`,
		DisableFlagsInUseLine: true,
		Args:                  cobra.MinimumNArgs(2),
		RunE:                  o.run,
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "folder in the guest to run it in")
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func (o *vmExecOptions) run(cmd *cobra.Command, args []string) error {
	line, err := execLine(args[1:])
	if err != nil {
		return &flagError{err}
	}
	return o.onGuest(cmd.Context(), args[0], func(ctx context.Context, _ vm.Host, client *remote.WinRM) error {
		code, err := remote.Exec(ctx, client, line, remote.ShellOptions{Name: "wskharness vm exec", Dir: o.dir}, o.io.in, o.io.out, o.io.err)
		switch {
		case err != nil:
			return err
		case code > 255:
			return &exitError{255, fmt.Errorf("exit code 0x%08X (%d)", code, code)}
		case code != 0:
			return &exitError{code: int(code)}
		}
		return nil
	})
}

// execLine is the command that is typed behind a guest.
func execLine(words []string) (remote.CommandLine, error) {
	switch {
	case words[0] == "--":
		words = words[1:]
	case strings.HasPrefix(words[0], "-"):
		return remote.CommandLine{}, fmt.Errorf("%s stands behind the guest, where the command begins: a flag of vm exec comes before the guest, a command that begins so behind --", words[0])
	}
	switch len(words) {
	case 0:
		return remote.CommandLine{}, errors.New("no command behind --")
	case 1:
		if strings.TrimSpace(words[0]) == "" {
			return remote.CommandLine{}, errors.New("the command is empty")
		}
		return remote.CommandLine{Line: words[0]}, nil
	}
	return remote.CommandLine{Line: remote.QuoteArg(words[0]), Args: words[1:]}, nil
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"wskharness/targets"
)

type vmConsoleOptions struct {
	*common
	follow, raw bool
}

func newVMConsole(c *common) *cobra.Command {
	o := &vmConsoleOptions{common: c}
	cmd := &cobra.Command{
		Use:   "console GUEST",
		Short: "Show what a guest's console has printed",
		Long: `Show the last of what a guest's console, its serial port, has printed. What could control a terminal is shown as
text, unless --raw is given.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeGuests,
		RunE:              o.run,
	}
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on with what it prints, until it ends or Ctrl-C")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "print it byte by byte as it is")
	return cmd
}

func (o *vmConsoleOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	out := o.io.out
	if !o.raw {
		out = plain{out}
	}
	if o.follow {
		return targets.FollowConsole(cmd.Context(), config, env, args[0], out)
	}
	return targets.Console(cmd.Context(), config, env, args[0], out)
}

// plain shows what a guest has printed as text that does nothing to a terminal.
type plain struct{ to io.Writer }

func (p plain) Write(b []byte) (int, error) {
	safe := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c == '\r': // consoles end their lines with it, too
		case c == '\n' || c == '\t' || c >= ' ' && c < 0x7f:
			safe = append(safe, c)
		default:
			safe = fmt.Appendf(safe, `\x%02x`, c)
		}
	}
	if _, err := p.to.Write(safe); err != nil {
		return 0, err
	}
	return len(b), nil
}

type vmDumpOptions struct{ *common }

func newVMDump(c *common) *cobra.Command {
	return &cobra.Command{
		Use:   "dump GUEST FILE",
		Short: "Write a machine's memory to a file, from outside",
		Long: `Write what is in a machine's memory to a file that is not there yet. The machine stands still meanwhile, and goes on
as it was. The format depends on what runs the machine, and is printed.`,
		Args: cobra.ExactArgs(2),
		RunE: (&vmDumpOptions{c}).run,
	}
}

func (o *vmDumpOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	format, err := targets.Dump(cmd.Context(), config, env, args[0], args[1])
	if err != nil {
		return err
	}
	fmt.Fprintf(o.io.out, "the memory of %s is in %s (%s)\n", args[0], args[1], format)
	return nil
}

type vmResetOptions struct {
	*common
	nmi bool
}

func newVMReset(c *common) *cobra.Command {
	o := &vmResetOptions{common: c}
	cmd := &cobra.Command{
		Use:   "reset GUEST",
		Short: "Turn a machine off and on again, from outside; its disk stays",
		Long: `Turn a machine off and on again from outside, whatever its guest is doing, without reverting it. With --nmi
its kernel gets a non-maskable interrupt instead, so that one that hangs crashes and leaves a dump.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeGuests,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.nmi, "nmi", false, "make the kernel crash by an NMI, instead")
	return cmd
}

func (o *vmResetOptions) run(cmd *cobra.Command, args []string) error {
	config, env, err := o.configAndEnv()
	if err != nil {
		return err
	}
	do, what := targets.Reset, "is reset"
	if o.nmi {
		do, what = targets.InjectNMI, "got an NMI"
	}
	if err := do(cmd.Context(), config, env, args[0]); err != nil {
		return err
	}
	fmt.Fprintf(o.io.out, "%s %s\n", args[0], what)
	return nil
}

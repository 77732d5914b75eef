package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/remote"
	"wskharness/report"
	"wskharness/settings"
	"wskharness/targets"
	"wskharness/vm"
	"wskharness/vm/powershell"
)

type vmPrepareOptions struct {
	*common
	targetOptions
	yes, undo, dryRun, json bool
}

func newVMPrepare(c *common) *cobra.Command {
	o := &vmPrepareOptions{common: c}
	cmd := &cobra.Command{
		Use:   "prepare TARGET",
		Short: "Make a plain Windows a target for test-signed drivers, or bring it back",
		Long: `Make a plain Windows a target for test-signed drivers: test signing and the test certificate, crash dumps, no
memory integrity and no policies that refuse drivers, no updates and no sleep in the middle of a run.

The plan is shown first. What the machine was is written down on it before anything is changed, so that it can be cut
off anywhere: the same command goes on, also behind a reboot, and does nothing where nothing is left to do. --undo
brings back all that was changed.

docs/prepare.md says what each setting is for.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeTargets,
		RunE:              o.run,
	}
	o.declare(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.yes, "yes", "y", false, "do it without asking; the machine reboots where that is needed")
	f.BoolVar(&o.undo, "undo", false, "bring the machine back to what it was")
	f.BoolVar(&o.dryRun, "dry-run", false, "only show the plan")
	f.BoolVar(&o.json, "json", false, "print the plan as JSON")
	return cmd
}

func (o *vmPrepareOptions) run(cmd *cobra.Command, args []string) error {
	return o.onWindows(cmd.Context(), args[0], &o.targetOptions, true, func(ctx context.Context, p *prepare.Preparation) error {
		if o.undo {
			return o.bringBack(ctx, p)
		}
		return o.prepare(ctx, p)
	})
}

// onWindows connects to a target that is a Windows: to its machine, which nobody else has meanwhile, or, to look only, to its
// guest where one is up.
func (c *common) onWindows(ctx context.Context, name string, o *targetOptions, own bool, do func(context.Context, *prepare.Preparation) error) error {
	options, err := o.read()
	if err != nil {
		return err
	}
	config, env, err := c.configAndEnv()
	if err != nil {
		return err
	}
	t := config.Target(name)
	if t != nil && t.Kind.Name == "wine" {
		return settings.Usagef("target %s is a Wine guest: it takes any driver, and there is nothing in it to prepare", name)
	}
	if own = t != nil && (own || t.Machine.Endpoint == nil); own && t.Machine.Endpoint == nil {
		guests, err := targets.Guests(ctx, env)
		if err != nil {
			return err
		}
		if up := slices.IndexFunc(guests, func(g vm.Guest) bool { return g.Info().Target == name }); up >= 0 {
			return settings.Usagef("guest %s of target %s is up: name that one, or end it with `wskharness vm down %s`", guests[up].Info().ID, name, guests[up].Info().ID)
		}
	}
	if !own {
		endpoint, err := targets.Endpoint(ctx, config, env, name)
		if err != nil {
			return err
		}
		return c.onPreparation(endpoint, name, o, options, env, func(p *prepare.Preparation) error { return do(ctx, p) })
	}
	machine, err := targets.Acquire(ctx, config, env, name)
	if err != nil {
		return err
	}
	defer machine.Release(context.WithoutCancel(ctx))
	return c.onPreparation(machine.Endpoint(), name, o, options, env, func(p *prepare.Preparation) error {
		p.BootWithin = max(t.Machine.BootWithin, prepare.LongestBoot)
		if checkpointer, ok := machine.Machine.(vm.Checkpointer); ok {
			p.Checkpoint = checkpointer.Checkpoint
		}
		return do(ctx, p)
	})
}

// onPreparation logs on to a Windows.
func (c *common) onPreparation(endpoint remote.Endpoint, name string, o *targetOptions, options prepare.Options, env vm.Host, do func(*prepare.Preparation) error) error {
	endpoint, err := o.reach(endpoint, &options, env.Getenv, c.io.tell)
	if err != nil {
		return err
	}
	client, err := remote.New(endpoint, remote.Options{Logger: env.Logger, Owner: "wskharness prepare"})
	if err != nil {
		return err
	}
	p := prepare.New(windows.PowerShell{Host: powershell.Remote(client, name)}, options)
	p.Tell = c.io.tell
	return errors.Join(do(p), client.Close())
}

func (o *vmPrepareOptions) prepare(ctx context.Context, p *prepare.Preparation) error {
	plan, err := p.Plan(ctx)
	if err != nil {
		return err
	}
	if o.json {
		err = report.JSON(o.io.out, plan)
	} else {
		printFindings(o.io.out, plan.Findings)
	}
	if err != nil || o.dryRun {
		return err
	}
	if plan.Done() {
		fmt.Fprintln(o.io.err, "nothing is left to do")
	} else if err := o.confirm(plan.Reboot); err != nil {
		return err
	}
	if err := p.Run(ctx); err != nil {
		return err
	}
	if p.Checkpoint == nil {
		fmt.Fprintln(o.io.err, "prepared; the harness can't make a checkpoint of this machine: make one by hand, where it has such a thing")
	}
	return nil
}

func (o *vmPrepareOptions) bringBack(ctx context.Context, p *prepare.Preparation) error {
	plan, err := p.PlanUndo(ctx)
	if err != nil {
		return err
	}
	if o.json {
		err = report.JSON(o.io.out, plan)
	}
	reboot := false
	for _, one := range plan {
		reboot = reboot || one.Reboot
		if !o.json {
			fmt.Fprintf(o.io.out, "%-18s %s: %s → %s\n", one.Setting, one.Item, one.Now, one.Was)
		}
	}
	if err != nil || o.dryRun {
		return err
	}
	if err := o.confirm(reboot); err != nil {
		return err
	}
	return p.Undo(ctx)
}

// confirm asks the person at the terminal.
func (o *vmPrepareOptions) confirm(reboot bool) error {
	if o.yes {
		return nil
	}
	question := "Do that? "
	if reboot {
		question = "Do that, and reboot the machine? "
	}
	fmt.Fprint(o.io.err, question+"[y/N] ")
	line, _ := bufio.NewReader(o.io.in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
		return nil
	}
	return &flagError{errors.New("nothing was changed: answer y, or say --yes")}
}

package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wskharness/driver"
	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/remote"
	"wskharness/report"
	"wskharness/settings"
	"wskharness/targets"
	"wskharness/vm"
	"wskharness/vm/powershell"
)

// targetOptions are the flags that say what a target is to be.
type targetOptions struct {
	certificate   string
	keep, drivers []string
	flags, debug  string
	https         bool
}

func (o *targetOptions) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.certificate, "certificate", "", "the certificate that signs the driver, PEM or DER (default: the harness's own)")
	f.StringSliceVar(&o.keep, "keep", nil, "settings that stay as they are: "+strings.Join(prepare.Names(), ", "))
	f.StringSliceVar(&o.drivers, "verify", nil, "drivers that Driver Verifier is to verify, such as wsksample.sys")
	f.StringVar(&o.flags, "verifier-flags", "standard", "what it is to verify: standard, or a number such as 0x209bb")
	f.StringVar(&o.debug, "debug", "", "kernel debugging: serial:PORT[:BAUD], or net:ADDRESS:PORT of the debugger")
	f.BoolVar(&o.https, "https", false, "WinRM is to answer over HTTPS, and to take Basic there")
}

var (
	driverFile    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,60}\.[sS][yY][sS]$`)
	verifierFlags = regexp.MustCompile(`^(standard|0x[0-9A-Fa-f]{1,8})$`)
)

// read checks all flags, and makes options of them.
func (o *targetOptions) read() (prepare.Options, error) {
	var options prepare.Options
	var wrong []error
	for _, name := range o.keep {
		if !slices.Contains(prepare.Names(), name) {
			wrong = append(wrong, fmt.Errorf("--keep %s: no such setting; there are %s", name, strings.Join(prepare.Names(), ", ")))
		}
	}
	options.Keep, options.HTTPS = o.keep, o.https
	for _, name := range o.drivers {
		if !driverFile.MatchString(name) {
			wrong = append(wrong, fmt.Errorf("--verify %s: want the name of a driver's file, such as wsksample.sys", name))
		}
	}
	if !verifierFlags.MatchString(o.flags) {
		wrong = append(wrong, fmt.Errorf("--verifier-flags %s: want standard, or a number of 0x and at most eight hexadecimal digits", o.flags))
	}
	if len(o.drivers) > 0 {
		options.Verifier = &prepare.Verifier{Flags: o.flags, Drivers: o.drivers}
	}
	var err error
	if options.Debug, err = readDebug(o.debug); err != nil {
		wrong = append(wrong, err)
	}
	if options.Certificate, err = readCertificate(o.certificate); err != nil {
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return options, &flagError{err}
	}
	return options, nil
}

func readDebug(text string) (*prepare.Debugging, error) {
	if text == "" {
		return nil, nil
	}
	bad := fmt.Errorf("--debug %s: want serial:PORT, serial:PORT:BAUD, or net:ADDRESS:PORT with an IPv4 address and a port from 49152 to 65535", text)
	how, rest, _ := strings.Cut(text, ":")
	first, second, both := strings.Cut(rest, ":")
	switch how {
	case "serial":
		port, err := strconv.ParseUint(first, 10, 8)
		baud := uint64(115200)
		if err == nil && both {
			baud, err = strconv.ParseUint(second, 10, 32)
		}
		if err != nil || port < 1 || baud < 1200 {
			return nil, bad
		}
		return &prepare.Debugging{Port: port, Baud: baud}, nil
	case "net":
		address, err := netip.ParseAddrPort(rest)
		if err != nil || !address.Addr().Is4() || address.Port() < 49152 { // KDNET's ports ("Setting up KDNET network kernel debugging manually")
			return nil, bad
		}
		var host uint64
		for _, b := range address.Addr().As4() {
			host = host<<8 | uint64(b)
		}
		return &prepare.Debugging{Host: host, HostPort: uint64(address.Port())}, nil
	}
	return nil, bad
}

// readCertificate is a file's, or that by which the harness signs.
func readCertificate(path string) (*x509.Certificate, error) {
	if path == "" {
		signer, err := driver.UserSigner(time.Now())
		if err != nil {
			return nil, err
		}
		return signer.Certificate, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--certificate: %w", err)
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	certificate, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("--certificate %s: %w", path, err)
	}
	return certificate, nil
}

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
	options, err := o.read()
	if err != nil {
		return err
	}
	return o.onWindows(cmd.Context(), args[0], options, true, func(ctx context.Context, p *prepare.Preparation) error {
		if o.undo {
			return o.bringBack(ctx, p)
		}
		return o.prepare(ctx, p)
	})
}

// onWindows connects to a target that is a Windows: to its machine, which nobody else has meanwhile, or, to look only, to its
// guest where one is up.
func (c *common) onWindows(ctx context.Context, name string, options prepare.Options, own bool, do func(context.Context, *prepare.Preparation) error) error {
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
		return c.onGuest(ctx, name, func(ctx context.Context, _ vm.Host, client *remote.WinRM) error {
			return do(ctx, c.preparation(client, name, options))
		})
	}
	machine, err := targets.Acquire(ctx, config, env, name)
	if err != nil {
		return err
	}
	defer machine.Release(context.WithoutCancel(ctx))
	client, err := remote.New(machine.Endpoint(), remote.Options{Logger: env.Logger, Owner: "wskharness prepare"})
	if err != nil {
		return err
	}
	p := c.preparation(client, name, options)
	p.BootWithin = max(t.Machine.BootWithin, prepare.LongestBoot)
	if checkpointer, ok := machine.Machine.(vm.Checkpointer); ok {
		p.Checkpoint = checkpointer.Checkpoint
	}
	return errors.Join(do(ctx, p), client.Close())
}

func (c *common) preparation(client remote.Client, name string, options prepare.Options) *prepare.Preparation {
	p := prepare.New(windows.PowerShell{Host: powershell.Remote(client, name)}, options)
	p.Tell = c.io.tell
	return p
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

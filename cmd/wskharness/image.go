package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wskharness/image"
	"wskharness/report"
)

type imageOptions struct {
	*common
	image.Options
	firmware string
	disk     int64 // GiB
	dryRun   bool
}

func newImage(c *common) *cobra.Command {
	o := &imageOptions{common: c}
	cmd := &cobra.Command{
		Use:   "image ISO FOLDER",
		Short: "Make the base image of a Windows machine from an installation disc",
		Long: `Install Windows from an installation disc (an ISO as Microsoft has them: Windows 10, 11, Server 2019 to 2025,
for x64) in a machine of QEMU's, so that it answers to WinRM over HTTPS with a certificate of its own, takes
test-signed drivers, and has an administrator with a generated password. Nobody has to press a key.

FOLDER gets the disk, UEFI's variables, the password (for you alone), the certificate's authority, image.json,
which says all of it, and what a target in wskharness.yaml has to say. It gets its name when a machine that was
started from it has answered; whatever goes wrong before that leaves nothing, and the log of it is printed.

With KVM it takes about half an hour, without it hours. The network of the machine leads nowhere meanwhile.`,
		Example: `  wskharness image editions Win11_24H2_English_x64.iso
  wskharness image --edition Professional --drivers virtio-win.iso Win11_24H2_English_x64.iso images/win11`,
		Args: cobra.ExactArgs(2),
		RunE: o.run,
	}
	f := cmd.Flags()
	f.StringVar(&o.Edition, "edition", "", "which edition: its number, name or word, as 'image editions' prints them")
	f.StringVar(&o.Drivers, "drivers", "", "virtio-win.iso: the drivers of QEMU's devices, by which it learns of crashes")
	f.StringVar(&o.firmware, "firmware", "uefi", "uefi or bios")
	f.StringVar(&o.Code, "firmware-code", "", "UEFI's code, raw (default: the distribution's)")
	f.StringVar(&o.Vars, "firmware-vars", "", "the variables that go with it, raw, without Secure Boot's keys")
	f.StringVar(&o.TPM, "tpm", "auto", "yes, no, or auto: where Microsoft asks for one")
	f.StringVar(&o.Accel, "accel", "auto", "kvm, tcg, or auto: KVM where there is one")
	f.StringVar(&o.KeyFile, "product-key-file", "", "the file that has a product key (default: none is given; Windows then is not activated)")
	f.Int64Var(&o.disk, "disk", 64, "size of the disk in GiB; it takes what is in it")
	f.Int64Var(&o.Memory, "memory", 4096, "memory in MiB")
	f.IntVar(&o.CPUs, "cpus", 0, "processors (default: 2 to 4)")
	f.DurationVar(&o.Within, "within", 0, "how long it may take (default: 3h with KVM, 24h without)")
	f.StringVar(&o.QEMU, "qemu", "", "the program to run (default: qemu-system-x86_64)")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be done, with every file of the answer disc, and do nothing")
	cmd.AddCommand(newImageEditions(c))
	return cmd
}

func (o *imageOptions) run(cmd *cobra.Command, args []string) error {
	for _, one := range []struct {
		flag, value string
		words       []string
	}{{"firmware", o.firmware, []string{"uefi", "bios"}}, {"tpm", o.TPM, []string{"auto", "yes", "no"}}, {"accel", o.Accel, []string{"auto", "kvm", "tcg"}}} {
		if !slices.Contains(one.words, one.value) {
			return &flagError{fmt.Errorf("--%s is %q, and is to be one of %s", one.flag, one.value, strings.Join(one.words, ", "))}
		}
	}
	o.ISO, o.Out, o.BIOS, o.Disk = args[0], args[1], o.firmware == "bios", o.disk<<30
	plan, err := image.NewPlan(o.Options)
	if err != nil {
		return err
	}
	if o.dryRun {
		return printImagePlan(o.io.out, plan)
	}
	o.io.tell("making " + args[1] + ":\n" + plan.Describe())
	made, err := plan.Run(cmd.Context(), func(text string) { o.io.tell(time.Now().Format(time.TimeOnly) + " " + text) })
	if err != nil {
		return err
	}
	fmt.Fprintf(o.io.err, "made %s in %s\n", made.Dir, made.Took.Round(time.Second))
	_, err = fmt.Fprint(o.io.out, made.Snippet)
	return err
}

// printImagePlan prints the plan, and behind it the files.
func printImagePlan(out io.Writer, plan *image.Plan) error {
	files, err := plan.Files()
	if err != nil {
		return err
	}
	fmt.Fprint(out, plan.Describe())
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(out, "\n--- %s\n%s", name, strings.ReplaceAll(string(files[name]), "\r\n", "\n"))
	}
	return nil
}

type imageEditionsOptions struct {
	*common
	json bool
}

func newImageEditions(c *common) *cobra.Command {
	o := &imageEditionsOptions{common: c}
	cmd := &cobra.Command{
		Use:   "editions ISO",
		Short: "Print the editions on an installation disc of Windows",
		Args:  cobra.ExactArgs(1),
		RunE:  o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *imageEditionsOptions) run(_ *cobra.Command, args []string) error {
	editions, err := image.Editions(args[0])
	if err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, editions)
	}
	_, err = fmt.Fprintln(o.io.out, image.Table(editions))
	return err
}

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"wskharness/crashdump"
	"wskharness/driver"
	"wskharness/report"
	"wskharness/results"
	"wskharness/settings"
)

type inspectOptions struct {
	*common
	json bool
}

func newInspect(c *common) *cobra.Command {
	o := &inspectOptions{common: c}
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Print the facts of a driver image, and what Windows would refuse, or of a crash dump",
		Long: `Print what a driver image is made of, and everything for which Windows would refuse to load it, each
with its reason. Exit code 1 when there is anything to refuse.

Of a Windows kernel crash dump (MEMORY.DMP, a minidump; x64 or arm64) print the stop code in words,
the module and offset at fault, the signature by which the same crash is known again, and what is
missing of the dump.`,
		Args: cobra.ExactArgs(1),
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

func (o *inspectOptions) run(_ *cobra.Command, args []string) error {
	path := args[0]
	if isDump(path) {
		return o.runDump(path)
	}
	image, err := driver.InspectFile(path)
	if err != nil {
		return &settings.UsageError{Err: err}
	}
	findings := image.Findings(time.Now())
	if o.json {
		err = report.JSON(o.io.out, struct {
			File     string           `json:"file"`
			Image    *driver.Image    `json:"image"`
			Findings []driver.Finding `json:"findings"`
		}{path, image, findings})
	} else {
		err = printImage(o.io.out, image, findings)
	}
	if err != nil {
		return err
	}
	if n := len(driver.Refusals(findings)); n > 0 {
		return &exitError{results.ExitFailed, fmt.Errorf("inspect %s: Windows would refuse it: %s", path, count(n, "reason"))}
	}
	return nil
}

// printImage is the human view of an image.
func printImage(out io.Writer, i *driver.Image, findings []driver.Finding) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("sha256", "%s (%d bytes)", i.SHA256, i.Size)
	row("machine", "%s, subsystem %s", i.Machine, i.Subsystem)
	row("characteristics", "%s", strings.Join(i.DLLCharacteristics, ", "))
	row("entry point", "%s", i.EntryPoint)
	row("checksum", "stored %s, computed %s", i.Checksum.Stored, i.Checksum.Computed)
	row("timestamp", "%s", buildTime(i.Timestamp))
	row("alignment", "sections %s, file %s", i.SectionAlignment, i.FileAlignment)
	for _, s := range i.Sections {
		row("section "+s.Name, "%s at %s, %s bytes", s.Permissions, s.Address, s.Size)
	}
	for _, m := range i.Imports {
		row("imports "+m.Module, "%s", strings.Join(m.Functions, " "))
	}
	if s := i.Signature; s != nil {
		row("signature", "%s by %s", s.Digest, s.Subject)
		row("", "certificate %s, valid %s to %s", s.Thumbprint, s.NotBefore.Format(time.DateOnly), s.NotAfter.Format(time.DateOnly))
		row("", "digest matches: %v", s.Matches())
	} else {
		row("signature", "none")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range findings {
		if _, err := fmt.Fprintf(out, "%s: %s: %s (%s)\n  %s\n", f.Severity, f.Rule, f.Detail, f.By, f.Advice); err != nil {
			return err
		}
	}
	if len(driver.Refusals(findings)) == 0 {
		_, err := fmt.Fprintln(out, "nothing here that Windows would refuse on a test-signing machine that trusts this certificate")
		return err
	}
	return nil
}

// buildTime reads the header's time stamp; reproducible images have none.
func buildTime(seconds uint32) string {
	if seconds == 0 {
		return "none (reproducible)"
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

// isDump tells a crash dump from anything else by its first bytes. A file that can't be read is
// none: whoever reads it next says why.
func isDump(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 8)
	n, _ := io.ReadFull(f, start)
	return crashdump.Recognises(start[:n])
}

// runDump prints what a crash dump tells. That parts of it are missing is among the facts, and no
// failure.
func (o *inspectOptions) runDump(path string) error {
	dump, err := crashdump.Open(path)
	if err != nil {
		return &settings.UsageError{Err: err}
	}
	if o.json {
		return report.JSON(o.io.out, struct {
			File string          `json:"file"`
			Dump *crashdump.Dump `json:"dump"`
		}{path, dump})
	}
	_, err = fmt.Fprint(o.io.out, dump.Describe())
	return err
}

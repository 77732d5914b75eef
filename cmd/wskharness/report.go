package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"wskharness/disk"
	"wskharness/harness"
	"wskharness/report"
	"wskharness/results"
	"wskharness/settings"
)

type reportOptions struct {
	*common
	json   bool
	bundle bool
	dumps  bool
}

func newReport(c *common) *cobra.Command {
	o := &reportOptions{common: c}
	cmd := &cobra.Command{
		Use:   "report [RUN [FILE]]",
		Short: "Write the reports of a run anew, from its journal",
		Long: `Write junit.xml and summary.md of a run folder (default: the newest) from its journal, and print the
summary. It also serves for a run that is under way, or whose controller was killed.

With --bundle, pack the run into one file instead, which can be attached to a bug report: without
passwords, and without what is large. What is in it is printed, and said in its README.txt.`,
		Example: `  wskharness report
  wskharness report --bundle latest
  wskharness report --bundle latest for-the-report.zip --with-dumps`,
		Args: cobra.MaximumNArgs(2),
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the record as JSON instead of the summary")
	cmd.Flags().BoolVar(&o.bundle, "bundle", false, "pack the run into one file (default: wskharness-RUN.zip)")
	cmd.Flags().BoolVar(&o.dumps, "with-dumps", false, "with --bundle: dumps of memory, too, which are large, and hold whatever the guest had in its memory")
	return cmd
}

func (o *reportOptions) run(_ *cobra.Command, args []string) error {
	config, err := o.load()
	if err != nil {
		return err
	}
	name := "latest"
	if len(args) > 0 {
		name = args[0]
	}
	dir := harness.FindRun(config.Out, name)
	switch {
	case o.bundle:
		return o.pack(config, dir, args)
	case len(args) > 1:
		return &flagError{fmt.Errorf("%s: a file is written with --bundle alone", args[1])}
	case o.dumps:
		return &flagError{errors.New("--with-dumps: it says what --bundle packs")}
	}
	f, err := os.Open(filepath.Join(dir, results.JournalName))
	if err != nil {
		return &settings.UsageError{Err: fmt.Errorf("find the run's journal: %w", err)}
	}
	defer f.Close()
	events, err := results.Read(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Name(), err)
	}
	record := results.Reduce(events)
	if _, err := report.WriteReports(disk.OS(), dir, record); err != nil {
		return err
	}
	if o.json {
		return report.JSON(o.io.out, record)
	}
	return report.Markdown(o.io.out, record)
}

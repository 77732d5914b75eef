package main

import (
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
	json bool
}

func newReport(c *common) *cobra.Command {
	o := &reportOptions{common: c}
	cmd := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Write the reports of a run anew, from its journal",
		Long: `Write junit.xml and summary.md of a run folder (default: the newest) from its journal, and print the
summary. It also serves for a run that is under way, or whose controller was killed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the record as JSON instead of the summary")
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

package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/disk"
	"wskharness/report"
	"wskharness/results"
)

// A run is recorded event by event, and judged from what was recorded.
func Example() {
	base, err := os.MkdirTemp("", "results-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(base)

	dir, err := results.NewRunDir(disk.OS(), base, results.RunID(time.Now()))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := record(dir); err != nil {
		fmt.Println(err)
		return
	}

	file, err := os.Open(filepath.Join(dir, results.JournalName))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	events, err := results.Read(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	rec := results.Reduce(events)
	for _, c := range rec.Targets[0].Cases {
		fmt.Println(c.Final, c.Name, "on", rec.Targets[0].Guest.Label)
	}
	fmt.Println(report.Headline(rec, results.Policy{}))
	fmt.Println("exit code", results.ExitCode(rec, results.Policy{}))

	// Output:
	// pass registration.basic on wine 8.0, Wine's own netio.sys
	// not-run capture.no_wait on wine 8.0, Wine's own netio.sys
	// incomplete: trouble with a target or with the harness, no verdict on the driver
	// exit code 3
}

func record(dir string) error {
	journal, err := results.Create(disk.OS(), dir)
	if err != nil {
		return err
	}
	defer journal.Close()
	events := []results.Event{
		{Kind: results.KindRunStarted, Run: &results.Run{ID: filepath.Base(dir), Plan: []results.PlanTarget{{
			Name:  "wine",
			Cases: []results.PlanCase{{Name: "registration.basic"}, {Name: "capture.no_wait"}},
		}}}},
		{Kind: results.KindCaseStarted, Target: "wine", Case: "registration.basic", Attempt: 1},
		{Kind: results.KindCaseFinished, Target: "wine", Case: "registration.basic", Attempt: 1, Verdict: &results.Verdict{
			Outcome: results.Pass, Elapsed: 1900 * time.Microsecond, Guest: results.Guest{Kind: "wine", Label: "wine 8.0, Wine's own netio.sys"}, DriverRun: 1,
		}},
		{Kind: results.KindDriverRun, Target: "wine", DriverRun: &results.DriverRun{N: 1, State: results.DriverEnded, Clean: true}},
		{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: results.Done}},
	}
	for _, e := range events {
		if err := journal.Append(e); err != nil {
			return err
		}
	}
	return journal.Close()
}

// Package results is the record of a run: what happened, written down as it happens.
//
// Everything that becomes known is an [Event], appended to the [Journal] of the run
// (events.ndjson) before anybody acts on it. The journal is the only truth: [Reduce] folds its
// events into a [Record], and [ExitCode] judges a record. What people and other programs look at
// is made of records by package report.
//
//	dir, err := results.NewRunDir(disk.OS(), "wskharness-runs", results.RunID(time.Now()))
//	…
//	journal, err := results.Create(disk.OS(), dir)
//	…
//	journal.Subscribe(report.NewTerminal(report.TerminalOptions{Out: os.Stdout, Err: os.Stderr}))
//	err = journal.Append(results.Event{Kind: results.KindRunStarted, Run: &results.Run{…}})
//	…
//	err = journal.Close()
//
// and at any later time, also while the run goes on or after its controller was killed:
//
//	events, err := results.Read(file)
//	record := results.Reduce(events)
//	err = report.Markdown(os.Stdout, record)
//
// The package carries plain data and knows nothing of how a run is made. Texts in events may come
// from a guest and are hostile: [Journal.Append] bounds them, and every renderer neutralises them
// for its own format.
package results

package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/results"
	"wskharness/results/resultstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds what people and programs see of two runs: one as it should be, and one with
// everything that can go wrong. All times come from the events, so nothing has to be normalised.
func TestGolden(t *testing.T) {
	runs := []struct {
		name   string
		events []results.Event
	}{
		{"happy", resultstest.HappyRun()},
		{"bad", resultstest.BadRun()},
	}
	for _, run := range runs {
		rec := results.Reduce(run.events)
		renderers := []struct {
			name   string
			render func(io.Writer) error
		}{
			{"events.ndjson", func(w io.Writer) error { return writeJournal(w, run.events) }},
			{"junit.xml", func(w io.Writer) error { return junit(w, rec) }},
			{"summary.md", func(w io.Writer) error { return Markdown(w, rec) }},
			{"plain.txt", func(w io.Writer) error { return replay(w, run.events, TerminalOptions{}) }},
			{"steps.txt", func(w io.Writer) error { return replay(w, run.events, TerminalOptions{Steps: true}) }},
			{"80.txt", func(w io.Writer) error { return replay(w, run.events, TerminalOptions{width: 80}) }},
		}
		for _, r := range renderers {
			name := run.name + "." + r.name
			t.Run(name, func(t *testing.T) {
				var out bytes.Buffer
				if err := r.render(&out); err != nil {
					t.Fatal(err)
				}
				golden(t, name, out.Bytes())
			})
		}
	}
}

func writeJournal(w io.Writer, events []results.Event) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	return nil
}

// replay shows a run as on something that is no terminal.
func replay(w io.Writer, events []results.Event, opts TerminalOptions) error {
	opts.Out, opts.Err = w, io.Discard
	if opts.Getenv == nil {
		opts.Getenv = func(string) string { return "" }
	}
	view := NewTerminal(opts)
	state := results.NewFold()
	for _, e := range events {
		state.Apply(e)
		if err := view.Handle(results.Update{Event: e, State: state}); err != nil {
			return err
		}
	}
	rec := results.Reduce(events)
	return view.Summary(rec, "wskharness-runs/"+rec.Run.ID, []string{junitName, markdownName, results.JournalName})
}

// golden compares what a user sees with the file that holds it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./report -update makes it", err)
	}
	if runtime.GOOS == "windows" { // the paths of the reports are this system's
		got = ofARun.ReplaceAllFunc(got, func(path []byte) []byte { return bytes.ReplaceAll(path, []byte(`\`), []byte("/")) })
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); go test ./report -update accepts it:\n%s", path, diff)
	}
}

// ofARun is the path of a file of a run.
var ofARun = regexp.MustCompile(`wskharness-runs\\\S+`)

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"wskharness/disk"
	"wskharness/results"
)

// The names of the reports in the run folder.
const (
	junitName    = "junit.xml"
	markdownName = "summary.md"
)

// renderer is a report in the run folder: its name, and the function that makes it of the record.
type renderer struct {
	name   string
	render func(io.Writer, *results.Record) error
}

// renderers lists the reports that every run gets.
func renderers() []renderer {
	return []renderer{
		{junitName, junit},
		{markdownName, Markdown},
	}
}

// WriteReports writes the reports of a run into its folder, and returns their names. Each is
// there whole or not at all; one that cannot be written does not keep the others from it.
func WriteReports(on disk.FS, dir string, rec *results.Record) ([]string, error) {
	var names []string
	var errs []error
	for _, r := range renderers() {
		if err := r.write(on, dir, rec); err != nil {
			errs = append(errs, fmt.Errorf("write report: %w", err))
			continue
		}
		names = append(names, r.name)
	}
	return names, errors.Join(errs...)
}

func (r renderer) write(on disk.FS, dir string, rec *results.Record) error {
	var text bytes.Buffer
	if err := r.render(&text, rec); err != nil {
		return err
	}
	return disk.Replace(on, filepath.Join(dir, r.name), text.Bytes(), 0o644)
}

// JSON writes a record, or what else a command prints for programs, as one indented JSON value. Times that end in Ns
// are in nanoseconds. Fields are only ever added.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

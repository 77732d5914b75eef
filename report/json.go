package report

import (
	"encoding/json"
	"fmt"
	"io"

	"wskharness/results"
)

// JSON writes the record as one indented JSON object, for programs. Times that end in Ns are in
// nanoseconds. Fields are only ever added.
func JSON(w io.Writer, rec *results.Record) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(rec); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

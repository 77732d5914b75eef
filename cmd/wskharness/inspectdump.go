package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"wskharness/crashdump"
	"wskharness/report"
	"wskharness/settings"
)

// isDump tells a crash dump from anything else by its first bytes. A file that can't be read is
// none: whoever reads it next says why.
func isDump(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, 8)
	n, err := io.ReadFull(f, start)
	return (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) && crashdump.Recognises(start[:n])
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

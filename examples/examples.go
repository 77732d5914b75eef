// Package examples has a whole driver of one's own, from C to its verdict: what `wskharness init --driver` writes.
package examples

import (
	"embed"
	"io/fs"
)

//go:embed reverse/.gitignore reverse/Makefile reverse/README.md reverse/wskharness.yaml reverse/driver reverse/suites reverse/test
var files embed.FS

// Reverse is the folder of the driver that turns bytes round.
func Reverse() (fs.FS, error) { return fs.Sub(files, "reverse") }

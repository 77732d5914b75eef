package report

import (
	"strings"
	"testing"

	"wskharness/results"
)

// TestDriverLine: what was ready when the run began was not "just built".
func TestDriverLine(t *testing.T) {
	for want, p := range map[string]results.Package{
		"just built":      {Toolchain: "gcc 12"},
		"unchanged":       {Toolchain: results.BuiltElsewhere, Cached: true},
		"built elsewhere": {Toolchain: results.BuiltElsewhere},
	} {
		p.File, p.SHA256, p.Size = "a.sys", strings.Repeat("0", 64), 1
		got := strings.Join(view{width: 200}.driver(&p), "\n")
		if !strings.HasSuffix(got, ", "+want) {
			t.Errorf("%q, want %q at its end", got, want)
		}
	}
}

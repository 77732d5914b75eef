package harness

import (
	"strings"
	"testing"

	"wskharness/harness/harnesstest"
)

// TestControlConfig: control: is about a provider of the user's own.
func TestControlConfig(t *testing.T) {
	for text, want := range map[string]string{
		"{provider: wine, control: true}":                   "c.yaml:1:43: control of a target without a provider of your own (expected netio: and the path",
		"{provider: wine, netio: model, control: true}":     "control of a target without a provider of your own",
		"{provider: wine, netio: builtin, control: false}":  "control of a target without a provider of your own",
		"{provider: wine, netio: mine.sys, control: maybe}": `c.yaml:1:60: control is "maybe" (expected true or false)`,
		"{provider: static, control: true}":                 `unknown key "control" in target mine`,
	} {
		_, err := harnesstest.ParseConfig([]byte("targets: {mine: "+text+"}\n"), "c.yaml", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

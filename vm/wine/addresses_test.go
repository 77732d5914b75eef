//go:build linux

package wine

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/child/childtest"
)

func TestStartFixesTheAddressesOfWhatItStartsAndNoOthers(t *testing.T) {
	t.Parallel()
	const fixed = "00040000"
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", "cat /proc/self/personality; sh -c 'cat /proc/self/personality'") // and what that starts
	cmd.Stdout = &out
	if err := errors.Join(Start(cmd), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	if want := fixed + "\n" + fixed + "\n"; out.String() != want {
		if err := exec.Command("setarch", "--addr-no-randomize", "true").Run(); err != nil {
			t.Skip("nobody may do that here, as in some containers: ", err)
		}
		t.Errorf("personalities %q, want %q", out.String(), want)
	}
	if own, err := exec.Command("cat", "/proc/self/personality").Output(); err != nil || strings.Contains(string(own), fixed) {
		t.Errorf("another process has %q, %v", own, err)
	}
}

// A program that does not start in the middle of making a template is not noticed by whoever started it: what it had to
// do would be missing for ever.
func TestATemplateOfWhichAProgramDidNotStartIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "wine64")
	made := filepath.Join(dir, "made") // a line for each try
	text := `#!/bin/sh
[ "$1" = wineboot ] || exit 0
echo try >> ` + made + `
mkdir -p "$WINEPREFIX/drive_c/users"
touch "$WINEPREFIX/system.reg"
[ $(wc -l < ` + made + `) -gt $SPOILED ] || echo 'err:virtual:virtual_alloc_first_teb wine: ` + unmapped + `: c0000018' >&2
exit 0
`
	for _, c := range []struct {
		spoiled string // so many tries
		tries   int
		want    error
	}{{"0", 1, nil}, {"1", 2, nil}, {"9", bootTries, errUnmapped}} {
		if err := os.RemoveAll(made); err != nil {
			t.Fatal(err)
		}
		childtest.Program(t, script, strings.ReplaceAll(text, "$SPOILED", c.spoiled))
		final := filepath.Join(dir, "template"+c.spoiled)
		err := buildTemplate(t.Context(), &Software{Loader: script, Server: "/bin/true"}, final)
		if !errors.Is(err, c.want) {
			t.Errorf("%s spoiled: %v, want %v", c.spoiled, err, c.want)
		}
		if lines, _ := os.ReadFile(made); strings.Count(string(lines), "\n") != c.tries {
			t.Errorf("%s spoiled: %d tries, want %d", c.spoiled, strings.Count(string(lines), "\n"), c.tries)
		}
		if _, err := os.Stat(final); (err == nil) != (c.want == nil) {
			t.Errorf("%s spoiled: the template: %v", c.spoiled, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

package child

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLineOf gives cmd.exe what somebody has written.
func TestLineOf(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"msbuild", "/c", "a b"}, ""},
		{[]string{"cmd", "/c", "build it.cmd"}, ""},
		{[]string{"cmd", "/c"}, ""},
		{[]string{"cmd", "/c", "build.cmd", "x64"}, `cmd /s /c "build.cmd x64"`},
		{[]string{"cmd", "/C", "build it.cmd", `C:\a b\c.sys`}, `cmd /s /c ""build it.cmd" "C:\a b\c.sys""`},
		{[]string{`C:\Windows\System32\CMD.EXE`, "/v:on", "/c", `"C:\Program Files\x.bat" && msbuild`}, `C:\Windows\System32\CMD.EXE /v:on /s /c ""C:\Program Files\x.bat" && msbuild"`},
	} {
		if got := lineOf(test.args); got != test.want {
			t.Errorf("%q: got %s, want %s", test.args, got, test.want)
		}
	}
}

// TestBatchFile runs one with blanks in its path and in its arguments.
func TestBatchFile(t *testing.T) {
	batch := filepath.Join(t.TempDir(), "a folder", "build it.cmd")
	if err := errors.Join(os.Mkdir(filepath.Dir(batch), 0o700), os.WriteFile(batch, []byte("@echo got %~1 and %~2\r\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"/c", batch, "one two", "three"}, {"/c", `"` + batch + `" "one two" three`}} {
		out, err := Command(t.Context(), os.Environ(), "cmd", args...).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "got one two and three" {
			t.Errorf("%q: got %s, %v; want both arguments", args, out, err)
		}
	}
}

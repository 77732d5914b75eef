//go:build linux

package wine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
)

// TestArguments holds that a program gets its arguments as they are, through a cmd.exe that would act on what is in them.
func TestArguments(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	shell := open(t, m, remote.ShellOptions{})
	for _, args := range [][]string{
		{"50%", "50% 60%", "%OS%", "%OS:W=x%", "%OS", "%%OS%%", "%", "%1 %*", "%PATH%%OS%"},
		{`a"b`, `"`, `""`, `"a&b"`, `a "b c" d`, `\"`, `a\`, `b c\`, `C:\x y\"`, `"%OS%"`},
		{"", "a&b", "a|b", "<in", ">out", "a^b", "^", "(x)", "!OS!", "@x", "a;b,c=d", "~", "'x'", "`x`"},
		{"-h", "--help", "--", "--dir", "/?", "-"},
	} {
		r, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe words`, Args: args}, nil)
		got := strings.Split(strings.TrimSuffix(string(r.Stdout), "\n"), "\n")
		if diff := cmp.Diff(args, got); diff != "" || err != nil || len(r.Stderr) > 0 {
			t.Errorf("%q: %v, %s\n%s", args, err, r.Stderr, diff)
		}
	}
	for line, want := range map[string]string{"echo 50%": "50%", `echo "a&b"`: `"a&b"`, "echo %OS%": "Windows_NT", `echo "50%" a^&b`: `"50%" a&b`} {
		r, err := shell.Run(t.Context(), remote.CommandLine{Line: "cmd", Args: []string{"/c", line}}, nil)
		if string(r.Stdout) != want+"\r\n" || err != nil {
			t.Errorf("cmd /c %s: %q%q, %v; want %q", line, r.Stdout, r.Stderr, err, want)
		}
	}
}

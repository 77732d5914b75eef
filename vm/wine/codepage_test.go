//go:build linux

package wine

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm/vmtest"
)

// characters are of every kind that somebody has lost before: of one to four bytes of UTF-8, composed and not, from right
// to left, and beyond the first plane.
const characters = "grün ÄÖÜß e\u0301 n\u0303 Привет 中文 日本語 한국어 שלום 😀 👩\u200d💻 € ½ ∑ \u00a0 ｈａｌｆ"

// TestUnicode holds that in a shell that asked for UTF-8 every character comes through: in the command line, arguments, both
// outputs, input, the environment's values and names, and names of folders.
func TestUnicode(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	const folder = `C:\` + characters
	if r := vmtest.Command(t.Context(), t, m, `mkdir "`+folder+`"`); r.ExitCode != 0 {
		t.Fatalf("mkdir: exit code %d, want 0: %s", r.ExitCode, r.Stderr)
	}
	shell := open(t, m, remote.ShellOptions{Dir: folder, Env: map[string]string{"WSK": characters, "Ж": characters}, Name: characters})
	for _, tt := range []struct{ line, in, stdout, stderr string }{
		{line: "chcp", stdout: "Active code page: 65001\r\n"},
		{line: "echo " + characters, stdout: characters + "\r\n"},
		{line: "echo " + characters + ">&2", stderr: characters + "\r\n"},
		{line: `C:\probe.exe args "` + characters + `"`, stdout: `C:\probe.exe args "` + characters + `"`},
		{line: `C:\probe.exe env WSK`, stdout: characters},
		{line: "echo %Ж%", stdout: characters + "\r\n"},
		{line: "cd", stdout: folder + "\r\n"},
		{line: `dir /b /ad C:\gr*`, stdout: characters + "\r\n"},
		{line: "set /p IN=&& call echo %IN%", in: characters + "\r\n", stdout: characters + "\r\n"},
		{line: "more", in: characters + "\r\n", stdout: characters + "\r\n"},
		{line: `C:\probe.exe echo`, in: characters, stdout: characters},
		{line: "echo " + characters + ">out.txt& type out.txt", stdout: characters + "\r\n"},
	} {
		r, err := shell.Run(t.Context(), remote.CommandLine{Line: tt.line}, strings.NewReader(tt.in))
		stdout := string(r.Stdout)
		if tt.line == "more" { // Wine 10's ends with an empty line
			stdout = strings.TrimRight(stdout, "\r\n") + "\r\n"
		}
		if err != nil || stdout != tt.stdout || string(r.Stderr) != tt.stderr {
			t.Errorf("%s: output %q, errors %q, %v; want %q, %q", tt.line, r.Stdout, r.Stderr, err, tt.stdout, tt.stderr)
		}
	}
	r, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe`, Args: []string{"args", characters}}, nil)
	if want := "C:\\probe.exe args " + remote.QuoteArg(characters); err != nil || string(r.Stdout) != want {
		t.Errorf("as an argument: %q, %v; want %q", r.Stdout, err, want)
	}
}

// TestCodePages holds that a command's console has the code page that its shell asked for, in both directions, and that
// one which there is not is refused.
func TestCodePages(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	for _, tt := range []struct {
		codepage   int
		text       string // what is said
		bytes      string // how it is written
		unwritable string // becomes a question mark
	}{
		{437, "grün", "gr\x81n", "中"},
		{850, "grün Ý", "gr\x81n \xed", "中"},
		{1252, "grün €", "gr\xfcn \x80", "Ж"},
		{1251, "Привет", "\xcf\xf0\xe8\xe2\xe5\xf2", "中"},
		{932, "日本", "\x93\xfa\x96\x7b", "한"},
		{65001, "grün 中 😀", "grün 中 😀", ""},
	} {
		shell := open(t, m, remote.ShellOptions{Codepage: tt.codepage})
		for _, c := range []struct{ line, in, want string }{
			{line: "echo " + tt.text, want: tt.bytes + "\r\n"},
			{line: "echo [" + tt.unwritable + "]", want: "[" + strings.Repeat("?", len([]rune(tt.unwritable))) + "]\r\n"},
			{line: `set /p IN=&& call C:\probe.exe env IN`, in: tt.bytes + "\r\n", want: tt.text},
		} {
			r, err := shell.Run(t.Context(), remote.CommandLine{Line: c.line}, strings.NewReader(c.in))
			if err != nil || string(r.Stdout) != c.want {
				t.Errorf("code page %d: %s: %q%q, %v; want %q", tt.codepage, c.line, r.Stdout, r.Stderr, err, c.want)
			}
		}
	}
	client, err := remote.New(m.Endpoint(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, codepage := range []int{12345, 1200, 65535, 1} {
		shell, err := client.Shell(t.Context(), remote.ShellOptions{Codepage: codepage})
		if fault, ok := errors.AsType[*remote.Fault](err); !ok || fault.Subcode != "InvalidOptions" || !strings.Contains(err.Error(), "code page") {
			t.Errorf("code page %d: %v, %v; want a fault that says so", codepage, shell, err)
		}
	}
}

// TestConsoles holds that a command has its console to itself, and that what it does to that is gone with it.
func TestConsoles(t *testing.T) {
	t.Parallel()
	m := acquire(t, testProvider(t, nil))
	shell := open(t, m, remote.ShellOptions{})
	run := func(line, want string) {
		t.Helper()
		if r, err := shell.Run(t.Context(), remote.CommandLine{Line: line}, nil); err != nil || string(r.Stdout) != want {
			t.Errorf("%s: %q%q, %v; want %q", line, r.Stdout, r.Stderr, err, want)
		}
	}
	start := func(line string) *remote.Command {
		t.Helper()
		c, err := shell.Start(t.Context(), remote.CommandLine{Line: line})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	finish := func(c *remote.Command, want string) {
		t.Helper()
		if err := c.Stdin.Close(); err != nil {
			t.Error(err)
		}
		output, err := io.ReadAll(c.Stdout)
		if _, waited := c.Wait(t.Context()); string(output) != want || err != nil || waited != nil {
			t.Errorf("%q, %v, %v; want %q", output, err, waited, want)
		}
	}
	for range 3 {
		run("chcp 437 >nul & echo grün", "gr\x81n\r\n")
		run("echo grün", "grün\r\n")
	}
	keepers := func() int { return count(t, m, "winrshost.exe console") }
	if n := keepers(); n != 1 {
		t.Errorf("%d consoles were made for commands that ran one after the other", n)
	}
	// Side by side, with more of them than consoles are kept.
	var side []*remote.Command
	for range 6 {
		side = append(side, start("echo up& C:\\probe.exe echo& echo grün"))
	}
	for _, c := range side {
		if _, err := io.ReadFull(c.Stdout, make([]byte, len("up\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	run("chcp 437 >nul & echo grün", "gr\x81n\r\n")
	if r, err := shell.Run(t.Context(), remote.CommandLine{Line: `C:\probe.exe break`}, nil); err != nil || r.ExitCode == 0 || len(r.Stdout) > 0 {
		t.Errorf("a command that types Ctrl-Break: exit code 0x%X, %q, %v", r.ExitCode, r.Stdout, err)
	}
	for _, c := range side {
		finish(c, "grün\r\n")
	}
	testtime.Await(t, "the consoles that nobody needs to end", func() bool { return keepers() <= 4 })
	// Whoever ends the keepers takes no command along, and the next one has a console.
	last := start("echo up& C:\\probe.exe echo& echo grün")
	if _, err := io.ReadFull(last.Stdout, make([]byte, len("up\r\n"))); err != nil {
		t.Fatal(err)
	}
	for _, pid := range running(m, "winrshost.exe console") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	finish(last, "grün\r\n")
	run("chcp", "Active code page: 65001\r\n")
}

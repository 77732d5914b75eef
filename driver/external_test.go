//go:build unix

package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/child"
	"wskharness/remote"
)

// A command whose time is up is told with what it has written: its limit is one in which it can begin on this machine.
func TestCommandThatIsSlow(t *testing.T) {
	for limit := 200 * time.Millisecond; ; limit *= 2 {
		ran, err := Command{Dir: t.TempDir(), Args: []string{"sh", "-c", "echo begun; sleep 3600"}, Limit: limit}.Run(t.Context())
		failed, ok := errors.AsType[*CommandError](err)
		if !ok || !strings.Contains(err.Error(), fmt.Sprintf("it did not end within %s", limit)) || failed.Output != ran.Output {
			t.Fatalf("got %v, want a CommandError that tells the limit", err)
		}
		if ran.Output == "" {
			continue // it was not even begun
		}
		if !strings.HasSuffix(err.Error(), fmt.Sprintf("%s\nbegun", limit)) {
			t.Errorf("got %v, want what it has written", err)
		}
		return
	}
}

// awaitSleep waits until what a script has put into the background is the sleep that it becomes: it is told by that name.
const awaitSleep = "until grep -qx sleep /proc/$!/comm; do sleep 0.01; done"

// A build command that leaves somebody with its output has ended well all the same, and who it is is told: also where its
// time is up while they are given theirs.
func TestCommandThatLeavesSomebody(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"nobody":            {"make() { echo made; }; make", ""},
		"in the background": {"make() { echo made; }; make && (sleep 600 & " + awaitSleep + ")", "it was ended with the build"},
		"a daemon":          {"echo made; (exec setsid sleep 600) & echo $! >daemon; " + awaitSleep, "it goes on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Command{Dir: t.TempDir(), Args: []string{"sh", "-c", test.script}, Limit: time.Hour}
			ran, err := c.Run(t.Context())
			if err != nil || ran.Output != "made\n" {
				t.Errorf("got %q, %v, want \"made\\n\"", ran.Output, err)
			}
			if notice := ran.Notice(); test.want == "" && notice != "" || !strings.Contains(notice, test.want) || test.want != "" && !strings.Contains(notice, "sleep (pid ") {
				t.Errorf("it is told: %q", notice)
			}
			if daemon, err := os.ReadFile(filepath.Join(c.Dir, "daemon")); err == nil {
				pid, err := strconv.Atoi(strings.TrimSpace(string(daemon)))
				if err == nil {
					err = syscall.Kill(pid, syscall.SIGTERM)
				}
				if err != nil {
					t.Errorf("the daemon, which is its user's, is not there any more: %v", err)
				}
			}
		})
	}
}

func TestCommand(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"done":       {"echo built; echo warned >&2", ""},
		"fails":      {"echo 'x.c:1: wrong'; exit 3", "sh -c echo 'x.c:1: wrong'; exit 3 in "},
		"says a lot": {"yes | head -c 1000000; exit 1", "[131054 more lines]"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Command{Dir: t.TempDir(), Args: []string{"sh", "-c", test.script}, Limit: time.Hour}
			ran, err := c.Run(t.Context())
			out := ran.Output
			var failed *CommandError
			switch {
			case test.want == "":
				if err != nil || out != "built\nwarned\n" {
					t.Errorf("got %q, %v, want \"built\\nwarned\\n\"", out, err)
				}
			case !errors.As(err, &failed) || !strings.Contains(err.Error(), test.want) || len(failed.Output) > maxToolOutput+100:
				t.Errorf("got %v, want a CommandError with %q", err, test.want)
			}
		})
	}
	if _, err := (Command{Dir: ".", Args: []string{"no-such-program"}, Limit: time.Hour}).Run(t.Context()); err == nil {
		t.Error("a program that is not there ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Command{Dir: ".", Args: []string{"true"}, Limit: time.Second}).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestPackageExternal(t *testing.T) {
	dir, cache, signer := t.TempDir(), Cache{Dir: t.TempDir()}, newSigner(t)
	pkg, err := BuildPackage(t.Context(), toolchain(t), tinySpec(tinySources()), cache, signer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, from string) string {
		path := filepath.Join(dir, name)
		if err := copyFile(from, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	unsigned := file("mine.sys", pkg.Symbols) // unsigned, with its debug information
	inf := file("mine.inf", pkg.Certificate)
	now := time.Now()

	signed, err := PackageExternal(t.Context(), External{Driver: unsigned, INF: inf, Sign: true, Command: []string{"make"}, Log: "cc mine.c\n"}, cache, signer, now)
	if err != nil {
		t.Fatal(err)
	}
	if m := signed.Manifest; m.Certificate.Subject == "" || m.INF.File != "mine.inf" || signed.Symbols == "" || !signed.Signed() || signed.Cached {
		t.Errorf("got manifest %+v, want it signed, with mine.inf and symbols", m)
	}
	if _, err := OpenSymbols(signed.Symbols); err != nil {
		t.Error(err)
	}
	if log, err := os.ReadFile(signed.Log); err != nil || string(log) != "cc mine.c\n" {
		t.Errorf("the log is %q, %v", log, err)
	}
	again, err := PackageExternal(t.Context(), External{Driver: unsigned, INF: inf, Sign: true, Command: []string{"make"}, Log: "made already\n"}, cache, signer, now)
	if err != nil || !again.Cached || again.Dir != signed.Dir {
		t.Errorf("the same files again: %+v, %v", again, err)
	}
	if copied, err := signed.CopyTo(filepath.Join(dir, "copy")); err != nil || copied.INF == "" || copied.Catalog != "" {
		t.Errorf("the copy: %+v, %v", copied, err)
	}

	// Unsigned and to stay so: a package, of which the target decides.
	bare, err := PackageExternal(t.Context(), External{Driver: unsigned}, cache, signer, now)
	switch {
	case err != nil:
		// Its checksum is that of a signed file or of none: only then may it be refused.
		var refused *RefusedError
		if !errors.As(err, &refused) || slices.ContainsFunc(refused.Findings, func(f Finding) bool { return f.Rule == "unsigned" }) {
			t.Fatal(err)
		}
	case bare.Signed() || bare.Certificate != "":
		t.Errorf("got manifest %+v, want no signature and no certificate", bare.Manifest)
	}

	for name, own := range map[string]External{
		"is not there":                    {Driver: filepath.Join(dir, "gone.sys")},
		"ended well, but did not leave":   {Driver: filepath.Join(dir, "gone.sys"), Command: []string{"make"}},
		"Windows would refuse":            {Driver: file("text.sys", pkg.Certificate), Sign: true},
		"two files of it are called":      {Driver: unsigned, INF: unsigned},
		"name is not of at most 64 lette": {Driver: file("ä.sys", unsigned)},
	} {
		_, err := PackageExternal(t.Context(), own, cache, signer, now)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if name != "is not there" && name != "Windows would refuse" && !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// A build gets what most programs need and what is passed to it by name, and no other variable. What its filter takes
// out of its output is not kept, also where the output is cut.
func TestCommandIsDiscreet(t *testing.T) {
	t.Setenv("LAB1_PASSWORD", "canary")
	t.Setenv("LC_PASSWORD", "canary")
	t.Setenv("TOKEN", "given")
	t.Setenv("CCACHE_DIR", "/ccache")
	dir := t.TempDir()
	c := Command{
		Dir: dir, Args: []string{"sh", "-c", "env; cat /proc/$$/environ; echo SECRET; yes SECRET | head -c 1000000; exit 1"}, Limit: time.Minute,
		Environment: child.Environment{Also: []string{"TOKEN"}, Never: []string{"LC_PASSWORD"}},
		Filter:      func(to io.Writer) io.WriteCloser { return remote.NewRedactor("SECRET").Writer(to) },
	}
	ran, err := c.Run(t.Context())
	out := ran.Output
	failed, ok := errors.AsType[*CommandError](err)
	if !ok || failed.Output != out {
		t.Fatal(err)
	}
	for _, want := range []string{"TOKEN=given\n", "CCACHE_DIR=/ccache\n", "PWD=" + dir + "\n", "PATH=", "[redacted]\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in it", want)
		}
	}
	if strings.Contains(out, "canary") || strings.Contains(out, "SECRET") {
		t.Error("it has a secret in it")
	}
	c.Environment.Also = []string{"NOT_SET_ANYWHERE"}
	if _, err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "in "+dir+": the environment variable NOT_SET_ANYWHERE, which it is to be given, is not set: export it") {
		t.Error(err)
	}
}

// The tools of the toolchain get less than that.
func TestToolsInheritNothing(t *testing.T) {
	t.Setenv("LAB1_PASSWORD", "canary")
	out, err := runTool(t.Context(), ".", "env")
	if err != nil || strings.Contains(string(out), "canary") || !strings.Contains(string(out), "PATH=") {
		t.Errorf("got the environment %s, %v, want PATH, and no password", out, err)
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wskharness/crashdump/dumptest"
	"wskharness/driver"
	"wskharness/results"
	"wskharness/testtime"
	"wskharness/vm/wine"
)

// exitFile names the environment variable with the file in which the program under test leaves its
// exit code: testscript itself tells no more than success or failure.
const exitFile = "WSKHARNESS_TEST_EXIT"

// mainForScripts is main, for a test binary that plays wskharness. Its guests stall where a script says so.
func mainForScripts() {
	if len(os.Args) == 3 && os.Args[1] == "wine-guest" {
		if order := stallOrder(os.Args[2]); order != "" {
			os.Exit(serveStalling(os.Args[2], order))
		}
	}
	code := mainWithSignals(os.Args[1:], stdio())
	if path := os.Getenv(exitFile); path != "" {
		if err := os.WriteFile(path, []byte(strconv.Itoa(code)), 0o644); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}

// sharedCache is the user's own cache: what is kept there by content (builds, the Wine template) is
// the same for every script.
func sharedCache(t *testing.T) string {
	t.Helper()
	cache, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	return cache.Dir
}

// commands are the scripts' own commands.
func commands(t *testing.T) map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	ctx := testtime.Context(t)
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"exitcode": exitCodeIs, "cases": atLeastCases,
		"noguests":  func(ts *testscript.TestScript, neg bool, args []string) { noGuests(ctx, ts) },
		"waitfor":   func(ts *testscript.TestScript, neg bool, args []string) { waitFor(ctx, ts, neg, args) },
		"copybuilt": copyBuilt, "example": copyExample, "makedump": makeDump, "truncate": truncate, "flip": flip, "staticconfig": staticConfig, "killserver": killServer,
		"random": randomFile, "stall": stall, "waitsize": func(ts *testscript.TestScript, neg bool, args []string) { waitSize(ctx, ts, neg, args) },
	}
}

// exitCodeIs checks the exit code of the last exec.
func exitCodeIs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: exitcode N")
	}
	code, err := os.ReadFile(ts.Getenv(exitFile))
	ts.Check(err)
	if string(code) != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// atLeastCases checks that a run folder's journal has so many cases that were judged or recorded.
func atLeastCases(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: cases DIR N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.Open(filepath.Join(ts.MkAbs(args[0]), results.JournalName))
	ts.Check(err)
	defer f.Close()
	events, err := results.Read(f)
	ts.Check(err)
	record := results.Reduce(events)
	judged := record.Counts[results.Pass] + record.Counts[results.KnownIssue]
	if judged < want {
		ts.Fatalf("%d cases were judged or recorded, want at least %d: %v", judged, want, record.Counts)
	}
	if record.Counts[results.KnownIssue] == 0 {
		ts.Fatalf("no known issue among the cases: %v", record.Counts)
	}
}

// noGuests checks that nothing of a script's guests is left: no folder, and no process that has the
// script's cache in its environment or on its command line.
func noGuests(ctx context.Context, ts *testscript.TestScript) {
	cache := filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "wskharness")
	guests := func() []string {
		left, err := filepath.Glob(filepath.Join(cache, "wine", "guests", "*"))
		ts.Check(err)
		return left
	}
	// The guard of a guest whose server was killed is done a moment later.
	if !until(ctx, func() bool { return len(guests()) == 0 }) {
		ts.Fatalf("guests are left: %v", guests())
	}
	if !until(ctx, func() bool { return len(processesOf(cache)) == 0 }) {
		ts.Fatalf("processes are left: %s", strings.Join(processesOf(cache), "; "))
	}
}

// processesOf lists the processes that have something to do with a folder, but for this one.
func processesOf(dir string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		if filepath.Base(proc) == strconv.Itoa(os.Getpid()) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		if strings.Contains(string(cmdline), dir) || strings.Contains(string(environ), "WINEPREFIX="+dir) {
			found = append(found, filepath.Base(proc)+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}

// until looks every few milliseconds whether something is so. It gives up when ctx ends.
func until(ctx context.Context, so func() bool) bool {
	for !so() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return true
}

// waitFor waits until a file has a line that matches.
func waitFor(ctx context.Context, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: waitfor FILE PATTERN")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	there := func() bool {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && pattern.Match(data)
	}
	if !until(ctx, there) {
		ts.Fatalf("%s: no match of %s as long as the tests may take", args[0], args[1])
	}
}

// waitSize waits until so many bytes of the file that matches a pattern have arrived, from its beginning on.
func waitSize(ctx context.Context, ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: waitsize PATTERN BYTES")
	}
	want, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if !until(ctx, func() bool { return hasArrived(ts.MkAbs(args[0]), want) }) {
		ts.Fatalf("%s: nothing of %d bytes as long as the tests may take", args[0], want)
	}
}

// randomFile writes a file of so many bytes that can't be compressed.
func randomFile(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: random FILE BYTES")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // it never fails
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// copyBuilt copies the driver that `wskharness build` has built: its path is the last output.
func copyBuilt(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: copybuilt FILE")
	}
	built, err := filepath.Glob(filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "wskharness", "package", "*", "wsksample.sys"))
	ts.Check(err)
	if len(built) == 0 {
		ts.Fatalf("nothing was built")
	}
	data, err := os.ReadFile(built[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// flip changes one byte of a file.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if offset >= len(data) {
		ts.Fatalf("%s has only %d bytes", args[0], len(data))
	}
	data[offset] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// makeDump writes a crash dump of a type (its number), in which the sample driver is at fault.
func makeDump(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: makedump FILE TYPE")
	}
	kind, err := strconv.ParseUint(args[1], 10, 32)
	ts.Check(err)
	const base = 0xfffff8052a3d0000
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), dumptest.Spec{
		Type: uint32(kind), Code: 0xD1, Parameters: [4]uint64{0x18, 2, 1, base + 0x1a2c}, Processors: 2, Build: 26100,
		Time: time.Date(2026, 11, 25, 9, 30, 15, 0, time.UTC), Uptime: 95 * time.Second,
		Modules: []dumptest.Module{{Name: "WskSample.sys", Base: base, Size: 0x9000}},
	}.Bytes(), 0o644))
}

// truncate cuts a file to a size.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: truncate FILE SIZE")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// staticConfig writes a configuration in which the guest that `vm up --json` told of is a static target.
func staticConfig(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: staticconfig UP.json CONFIG")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var up struct{ Endpoint, User, PasswordFile, CertificateSha256 string }
	ts.Check(json.Unmarshal(data, &up))
	text := fmt.Sprintf("targets:\n  lab:\n    provider: static\n    url: %s\n    user: %s\n    password_file: %s\n"+
		"    auth: basic\n    certificate_sha256: %s\n", up.Endpoint, up.User, up.PasswordFile, up.CertificateSha256)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// killServer kills the processes that serve the script's guests, as nothing should.
func killServer(ts *testscript.TestScript, neg bool, args []string) {
	states, err := wine.List(filepath.Join(ts.Getenv("XDG_CACHE_HOME"), "wskharness"))
	ts.Check(err)
	if len(states) == 0 {
		ts.Fatalf("no guest is up")
	}
	for _, s := range states {
		ts.Check(syscall.Kill(s.PID, syscall.SIGKILL))
	}
}

// condition tells what a script can ask of this machine.
func condition(name string) (bool, error) {
	if name != "pywinrm" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return exec.Command("/usr/bin/python3", "-c", "import winrm").Run() == nil, nil
}

// endGuests ends what a script that failed half-way has left up.
func endGuests(cache string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	up, _ := wine.List(cache) // nothing to list is nothing to end
	for _, s := range up {
		_ = s.Down(ctx) // the script has failed already
	}
	_, _ = wine.Sweep(cache)
}

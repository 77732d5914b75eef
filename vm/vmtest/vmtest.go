// Package vmtest checks that a provider keeps to the contract of package vm. Each provider's tests run it
// against a real machine:
//
//	func TestConformance(t *testing.T) {
//		vmtest.Run(t, provider, vmtest.Expect{Command: "cmd.exe /c echo up", Output: "up", Reverts: true})
//	}
package vmtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"wskharness/remote"
	"wskharness/vm"
)

// Expect says what the machine under test is able to do.
type Expect struct {
	Command string // a command line that any of its guests runs …
	Output  string // … and what it prints, without white space at the ends
	Reverts bool   // false: Revert has to say vm.ErrCannotRevert
	// Dirty is a command that changes the machine, and Clean one that exits with 0 only where that
	// change is not there. Needed where Reverts is set.
	Dirty, Clean string
	// BootID is a command that prints what is another in every boot; empty: that is not looked at.
	BootID string
	// Crash is a command that crashes the guest's kernel, of which the machine tells; empty: it tells of none.
	Crash string
	// One says why there is only one such machine, so that a second Acquire has to be refused; empty: there are several.
	One string
	// Shared says that who acquires it twice has it twice, and that others keep them apart (vm.Definition.Shared).
	Shared bool
	// Left finds what is left of machines of this provider: processes, files, domains. nil: there is never anything.
	Left func() ([]string, error)
}

const limit = 10 * time.Minute

// stages is at how many moments of an Acquire it is cancelled.
const stages = 5

// Run checks the contract; every clause is a subtest.
func Run(t *testing.T, p vm.Provider, want Expect) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()

	t.Run("a cancelled Acquire fails with the reason", func(t *testing.T) {
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		m, err := p.Acquire(cancelled, vm.Target{Name: "conformance"})
		if err == nil {
			release(t, m)
			t.Fatal("Acquire succeeded with a cancelled context")
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Acquire: %v; want an error that wraps context.Canceled", err)
		}
		nothingLeft(t, want)
	})

	begun := time.Now()
	m, err := p.Acquire(ctx, vm.Target{Name: "conformance"})
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	defer release(t, m) // Release may be called again
	took := time.Since(begun)

	t.Run("the endpoint is valid and runs commands", func(t *testing.T) {
		if err := m.Endpoint().Validate(); err != nil {
			t.Fatal(err)
		}
		answers(ctx, t, m, want)
	})
	t.Run("what runs it has a version", func(t *testing.T) {
		versioned, ok := m.(vm.Versioned)
		if !ok {
			t.Skip("the machine does not know what runs it")
		}
		got := versioned.Versions()
		if !strings.ContainsAny(got, "0123456789") || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q, want names with versions, on one line", got)
		}
	})
	t.Run("acquired twice, it is two or refused", func(t *testing.T) { twice(ctx, t, p, m, want) })
	t.Run("no event without a cause", func(t *testing.T) { quiet(t, m) })
	t.Run("no end without a cause", func(t *testing.T) {
		mortal, ok := m.(vm.Mortal)
		if !ok {
			t.Skip("the machine is not a vm.Mortal")
		}
		select {
		case <-mortal.Ended():
			t.Error("Ended is closed")
		default:
		}
	})
	t.Run("reset", func(t *testing.T) {
		r, ok := m.(vm.Resetter)
		if !ok {
			t.Skip("the machine is not a vm.Resetter")
		}
		before := bootID(ctx, t, m, want)
		if err := r.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		awaitAnswer(ctx, t, m, want)
		if after := bootID(ctx, t, m, want); want.BootID != "" && after == before {
			t.Errorf("the boot's id is %s before Reset and after it", before)
		}
	})
	t.Run("revert", func(t *testing.T) { reverts(ctx, t, m, want) })
	t.Run("a crash is told, and reverted", func(t *testing.T) { crashes(ctx, t, m, want) })
	t.Run("memory", func(t *testing.T) { memory(ctx, t, m, want) })
	t.Run("console", func(t *testing.T) {
		c, ok := m.(vm.Console)
		if !ok {
			t.Skip("the machine is not a vm.Console")
		}
		if text, err := c.Console(); err != nil || len(text) == 0 {
			t.Errorf("%d bytes of console, %v; want some", len(text), err)
		}
	})
	t.Run("Release closes Events and may be repeated", func(t *testing.T) {
		if err := m.Release(ctx); err != nil {
			t.Fatal(err)
		}
		for open := true; open; {
			select {
			case _, open = <-m.Events():
			case <-ctx.Done():
				t.Fatal("Events is still open after Release")
			}
		}
		if mortal, ok := m.(vm.Mortal); ok {
			select {
			case <-mortal.Ended():
			case <-ctx.Done():
				t.Fatal("Ended is still open after Release")
			}
		}
		if err := m.Release(ctx); err != nil {
			t.Errorf("the second Release: %v", err)
		}
		nothingLeft(t, want)
	})
	t.Run("an Acquire that is cancelled leaves nothing", func(t *testing.T) { cancels(ctx, t, p, want, took) })
}

// twice acquires a second machine beside the first.
func twice(ctx context.Context, t *testing.T, p vm.Provider, m vm.Machine, want Expect) {
	if want.Shared {
		t.Skip("the machine is shared, and runs are kept off it by others")
	}
	other, err := p.Acquire(ctx, vm.Target{Name: "conformance"})
	if want.One != "" {
		if err == nil {
			release(t, other)
			t.Fatalf("a second Acquire succeeded; want an error: %s", want.One)
		}
		if !strings.Contains(err.Error(), want.One) {
			t.Errorf("a second Acquire: %v; want %q in it", err, want.One)
		}
		answers(ctx, t, m, want) // the first is as it was
		return
	}
	if err != nil {
		t.Fatalf("a second Acquire: %v; want another machine", err)
	}
	defer release(t, other)
	if m.Endpoint().URL == other.Endpoint().URL {
		t.Fatalf("both machines answer at %s", m.Endpoint().URL)
	}
	if want.Dirty == "" {
		return
	}
	run(ctx, t, other, want.Dirty)
	if r := Command(ctx, t, m, want.Clean); r.ExitCode != 0 {
		t.Errorf("%s: exit code %d on the first machine, after %q on the second", want.Clean, r.ExitCode, want.Dirty)
	}
	release(t, other)
	answers(ctx, t, m, want)
}

// quiet fails for each event that is told.
func quiet(t *testing.T, m vm.Machine) {
	t.Helper()
	select {
	case e, ok := <-m.Events():
		if ok {
			t.Errorf("event %+v", e)
		}
	default:
	}
}

// crashes has the guest crash: the machine tells of that, and of nothing else before it, and Revert brings it back.
func crashes(ctx context.Context, t *testing.T, m vm.Machine, want Expect) {
	if want.Crash == "" {
		t.Skip("the machine tells of no crash")
	}
	client, err := remote.New(m.Endpoint(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // whether it is answered is nobody's business
		if shell, err := client.Shell(asking, remote.ShellOptions{}); err == nil {
			_, _ = shell.Run(asking, remote.CommandLine{Line: want.Crash}, nil)
		}
	}()
	select {
	case e, ok := <-m.Events():
		if !ok || e.Kind != vm.Panicked {
			t.Fatalf("after %q the machine told of %+v; want %s", want.Crash, e, vm.Panicked)
		}
	case <-ctx.Done():
		t.Fatalf("after %q the machine told of nothing", want.Crash)
	}
	stop()
	if !want.Reverts {
		awaitAnswer(ctx, t, m, want)
		return
	}
	if err := m.Revert(ctx); err != nil {
		t.Fatal(err)
	}
	answers(ctx, t, m, want)
}

// memory dumps the machine's memory, which goes on afterwards.
func memory(ctx context.Context, t *testing.T, m vm.Machine, want Expect) {
	dumper, ok := m.(vm.MemoryDumper)
	if !ok {
		t.Skip("the machine is not a vm.MemoryDumper")
	}
	path := filepath.Join(t.TempDir(), "memory")
	format, err := dumper.DumpMemory(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 || format == "" {
		t.Errorf("format %q, %v; want a file with something in it", format, err)
	}
	if format, err := dumper.DumpMemory(ctx, path); err == nil {
		t.Errorf("dumped over a file that is there, as %q", format)
	}
	answers(ctx, t, m, want)
}

// cancels ends Acquire at moments all over the time that it takes.
func cancels(ctx context.Context, t *testing.T, p vm.Provider, want Expect, took time.Duration) {
	for stage := range stages {
		after := took * time.Duration(stage+1) / (stages + 1)
		stopped, stop := context.WithTimeoutCause(ctx, after, context.Canceled)
		m, err := p.Acquire(stopped, vm.Target{Name: "conformance"})
		stop()
		if err == nil { // it was faster this time
			release(t, m)
		}
		nothingLeft(t, want)
		if t.Failed() {
			t.Fatalf("cancelled after %s of %s (%v)", after, took, err)
		}
	}
}

func nothingLeft(t *testing.T, want Expect) {
	t.Helper()
	if want.Left == nil {
		return
	}
	if left, err := want.Left(); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v; want nothing", left, err)
	}
}

// bootID is what the guest says of its boot.
func bootID(ctx context.Context, t *testing.T, m vm.Machine, want Expect) string {
	t.Helper()
	if want.BootID == "" {
		return ""
	}
	return run(ctx, t, m, want.BootID)
}

// run is a command that has to end with 0, and what it prints.
func run(ctx context.Context, t *testing.T, m vm.Machine, line string) string {
	t.Helper()
	r := Command(ctx, t, m, line)
	if r.ExitCode != 0 {
		t.Fatalf("%s: exit code %d: %s%s", line, r.ExitCode, r.Stdout, r.Stderr)
	}
	return strings.TrimSpace(string(r.Stdout))
}

// awaitAnswer waits for a machine that may still be booting.
func awaitAnswer(ctx context.Context, t *testing.T, m vm.Machine, want Expect) {
	t.Helper()
	if err := remote.Await(ctx, m.Endpoint()); err != nil {
		t.Fatal(err)
	}
	answers(ctx, t, m, want)
}

func release(t *testing.T, m vm.Machine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	if err := m.Release(ctx); err != nil {
		t.Errorf("Release: %v", err)
	}
}

func reverts(ctx context.Context, t *testing.T, m vm.Machine, want Expect) {
	if !want.Reverts {
		if err := m.Revert(ctx); !errors.Is(err, vm.ErrCannotRevert) {
			t.Errorf("Revert: %v; want vm.ErrCannotRevert", err)
		}
		return
	}
	run(ctx, t, m, want.Dirty)
	before := bootID(ctx, t, m, want)
	if _, ok := m.(vm.Resetter); !ok {
		before = "" // a snapshot with the machine's memory in it has this very boot in it
	}
	if r := Command(ctx, t, m, want.Clean); r.ExitCode == 0 {
		t.Fatalf("%s: exit code 0 although %q changed the machine: the check proves nothing", want.Clean, want.Dirty)
	}
	if err := m.Revert(ctx); err != nil {
		t.Fatal(err)
	}
	if r := Command(ctx, t, m, want.Clean); r.ExitCode != 0 {
		t.Errorf("%s: exit code %d after Revert: the machine still has what %q did", want.Clean, r.ExitCode, want.Dirty)
	}
	if after := bootID(ctx, t, m, want); before != "" && after == before {
		t.Errorf("the boot's id is %s before Revert and after it", before)
	}
	quiet(t, m) // a revert is an order, and no news
}

func answers(ctx context.Context, t *testing.T, m vm.Machine, want Expect) {
	t.Helper()
	r := Command(ctx, t, m, want.Command)
	if out := strings.TrimSpace(string(r.Stdout)); r.ExitCode != 0 || out != want.Output {
		t.Errorf("%s: exit code %d, output %q, errors %q; want 0 and %q", want.Command, r.ExitCode, out, r.Stderr, want.Output)
	}
}

// Command runs one command on a machine, in a shell of its own; it fails the test when WinRM does.
func Command(ctx context.Context, t *testing.T, m vm.Machine, line string) remote.Result {
	t.Helper()
	client, err := remote.New(m.Endpoint(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(ctx, remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close(context.WithoutCancel(ctx))
	r, err := shell.Run(ctx, remote.CommandLine{Line: line}, nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r
}

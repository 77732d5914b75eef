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
	"strings"
	"testing"
	"time"

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
}

const limit = 10 * time.Minute

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
	})

	m, err := p.Acquire(ctx, vm.Target{Name: "conformance"})
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	defer release(t, m) // Release may be called again

	t.Run("the endpoint is valid and runs commands", func(t *testing.T) {
		if err := m.Endpoint().Validate(); err != nil {
			t.Fatal(err)
		}
		answers(ctx, t, m, want)
	})
	t.Run("no event without a cause", func(t *testing.T) {
		select {
		case e, ok := <-m.Events():
			if ok {
				t.Errorf("event %+v", e)
			}
		default:
		}
	})
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
	t.Run("revert", func(t *testing.T) { reverts(ctx, t, m, want) })
	t.Run("reset", func(t *testing.T) {
		r, ok := m.(vm.Resetter)
		if !ok {
			t.Skip("the machine is not a vm.Resetter")
		}
		if err := r.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		answers(ctx, t, m, want)
	})
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
	})
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
	if r := Command(ctx, t, m, want.Dirty); r.ExitCode != 0 {
		t.Fatalf("%s: exit code %d: %s%s", want.Dirty, r.ExitCode, r.Stdout, r.Stderr)
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

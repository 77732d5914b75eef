//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wskharness/child"
	"wskharness/windowstest"
)

// errFailed is a test that failed, of which all is said.
var errFailed = errors.New("a test failed")

// goVariables are those by which `go` finds what it has, beyond what any program gets.
var goVariables = []string{"GOCACHE", "GOFLAGS", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN", "GOROOT"}

// test runs the tests of packages, by `go test`'s own names for them.
func test(ctx context.Context, patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("usage: windows-packages PACKAGE ..., in the root of the sources")
	}
	computer, err := windowstest.New(ctx)
	if err != nil {
		return err
	}
	err = testOn(ctx, computer, patterns)
	return errors.Join(err, computer.End())
}

func testOn(ctx context.Context, computer *windowstest.Computer, patterns []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	env, err := environment(computer)
	if err != nil {
		return err
	}
	packages, err := testedOnWindows(ctx, env, patterns)
	if err != nil {
		return err
	}
	replaced, err := overlay(ctx, env, filepath.Join(filepath.Dir(self), "_windows-library"))
	if err != nil {
		return err
	}
	stop, err := warmUp(ctx, computer)
	if err != nil {
		return err
	}
	defer stop()
	// Tests are compiled and run two at a time: Wine's server, which all programs ask for everything, is one process.
	args := append([]string{"test", "-json", "-vet=off", "-p=2", "-timeout=15m", "-overlay", replaced, "-exec", self + " " + startWord}, packages...)
	cmd := child.Command(ctx, env, "go", args...)
	var complaints bytes.Buffer
	said, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = &complaints
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	told, unread := tell(os.Stdout, said)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case unread != nil:
		return unread
	case err == nil && told.failed == 0:
		return nil
	}
	_, _ = os.Stderr.Write(complaints.Bytes())
	return errFailed
}

// environment is what `go` gets, with the computer that a test is to be started on.
func environment(computer *windowstest.Computer) ([]string, error) {
	set := slices.DeleteFunc(slices.Clone(goVariables), func(name string) bool { _, is := os.LookupEnv(name); return !is })
	env, err := child.Environment{Also: set}.List()
	if err != nil {
		return nil, err
	}
	how, err := json.Marshal(place{Loader: computer.Loader(), Env: computer.Environment()})
	return append(env, "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", placeVariable+"="+string(how)), err
}

// testedOnWindows are the packages that have tests there. Those of the root are about the sources, which are the same everywhere.
func testedOnWindows(ctx context.Context, env, patterns []string) ([]string, error) {
	list := child.Command(ctx, env, "go", append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"}, patterns...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(out)), func(path string) bool { return !strings.Contains(path, "/") })
	if len(packages) == 0 {
		return nil, fmt.Errorf("%s: no package among them has a test on Windows", strings.Join(patterns, " "))
	}
	return packages, nil
}

// overlay is a file that has `go` take our copy of a file of its library.
func overlay(ctx context.Context, env []string, dir string) (string, error) {
	out, err := child.Command(ctx, env, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its library: %w", err)
	}
	const (
		goes  = "case STATUS_INVALID_INFO_CLASS, "
		takes = "case NTStatus(0xC0000002) /* STATUS_NOT_IMPLEMENTED: Wine */, STATUS_INVALID_INFO_CLASS, "
	)
	file := filepath.Join(strings.TrimSpace(string(out)), "src", "internal", "syscall", "windows", "at_windows.go")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), goes) != 1 {
		return "", fmt.Errorf("%s has not one %q, behind which Go's library falls back: see what Deleteat does there now", file, goes)
	}
	ours := filepath.Join(dir, "at_windows.go")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{file: ours}})
	path := filepath.Join(dir, "overlay.json")
	err = errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(ours, []byte(strings.Replace(string(text), goes, takes, 1)), 0o644), os.WriteFile(path, replace, 0o644))
	return path, err
}

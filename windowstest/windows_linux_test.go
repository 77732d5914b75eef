package windowstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/driver"
	"wskharness/harness/harnesstest"
	"wskharness/testtime"
	"wskharness/vm/wine"
)

// TestMain makes the test binary the process that serves a guest, too.
func TestMain(m *testing.M) { harnesstest.Main(m, nil) }

// controller is a Windows with the program on it: a Wine prefix.
type controller struct {
	software *wine.Software
	env      []string
	program  string // wskharness.exe
	dir      string // the folder of a project
}

// TestWindowsController does with the Windows build what a driver developer does, in the order in which he would, one command
// after the other; the machine that it is done to is a Wine guest, of which it knows url, password and certificate.
func TestWindowsController(t *testing.T) {
	host := harnesstest.Host(t)
	c := newController(t)
	guest := harnesstest.BringUp(t, host)
	c.write(t, "wskharness.yaml", fmt.Sprintf("targets:\n  lab:\n    provider: static\n    url: %s\n    user: %s\n    password_file: password\n    certificate_sha256: %s\n",
		guest.Endpoint, guest.User, guest.CertificateSHA))
	password, err := os.ReadFile(guest.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "password", string(password))
	c.write(t, "there.txt", "there and back\n")
	for _, step := range []struct {
		args []string
		code int
		want string // in what it says
	}{
		{[]string{"version"}, 0, "windows/amd64"},
		{[]string{"validate"}, 0, "no mistakes"},
		{[]string{"list", "registration"}, 0, "registration.basic"},
		{[]string{"doctor"}, 0, "test certificate"},
		{[]string{"vm", "exec", "lab", "--", "cmd", "/c", "echo", "hello"}, 0, "hello"},
		{[]string{"vm", "push", "lab", "there.txt", `C:\there.txt`}, 0, "15 bytes"},
		{[]string{"vm", "pull", "lab", `C:\there.txt`, "back.txt"}, 0, "15 bytes"},
		{[]string{"run", "registration.basic", "registration.parallel"}, 0, "2 pass"},
		{[]string{"report"}, 0, "all as expected"},
		{[]string{"run", "--target", "wine", "--config", "wine.yaml"}, 2, "a Wine guest needs Linux"},
	} {
		if strings.Contains(strings.Join(step.args, " "), "wine.yaml") {
			c.write(t, "wine.yaml", "targets: {wine: {provider: wine}}\n")
		}
		if said, code := c.run(t, step.args...); code != step.code || !strings.Contains(said, step.want) {
			t.Errorf("%v: exit code %d, want %d with %q; it said:\n%s", step.args, code, step.code, step.want, said)
		}
	}
	if back, err := os.ReadFile(filepath.Join(c.dir, "back.txt")); err != nil || string(back) != "there and back\n" {
		t.Errorf("what was pulled is %q, %v; want what was pushed", back, err)
	}
	c.killAndResume(t)
}

// killAndResume ends a run's process when its first case is over, and goes on with the run.
func (c *controller) killAndResume(t *testing.T) {
	cmd := c.command("run", "registration")
	if err := wine.Start(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	journal := ""
	for running := true; journal == "" && running; {
		select {
		case <-ended:
			running = false
		case <-time.After(5 * time.Millisecond):
		}
		all, _ := filepath.Glob(filepath.Join(c.dir, "wskharness-runs", "*", "events.ndjson"))
		for _, path := range all {
			text, _ := os.ReadFile(path)
			if !bytes.Contains(text, []byte(`"run-finished"`)) && bytes.Contains(text, []byte(`"case-finished"`)) {
				journal = path
			}
		}
	}
	_ = cmd.Process.Kill()
	<-ended
	if text, err := os.ReadFile(journal); err != nil || bytes.Contains(text, []byte(`"run-finished"`)) {
		t.Fatalf("the run has ended before it was killed (%v): the test proves nothing", err)
	}
	run := filepath.Base(filepath.Dir(journal))
	if said, code := c.run(t, "run", "--resume", run); code != 0 || !strings.Contains(said, "pass") {
		t.Errorf("resume %s: exit code %d; want 0, and passes:\n%s", run, code, said)
	}
	if said, code := c.run(t, "run", "--resume", run); code == 0 && !strings.Contains(said, "pass") {
		t.Errorf("resume %s once more: exit code %d:\n%s", run, code, said)
	}
}

// newController builds the program for Windows, with its images in it, and a Windows to run it on, which ends with the test.
func newController(t *testing.T) *controller {
	t.Helper()
	ctx := testtime.Context(t)
	software, err := wine.Find(ctx)
	if err != nil {
		t.Skip(err)
	}
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		t.Skip(err)
	}
	built := t.TempDir()
	tool(t, "..", nil, "go", "run", "./driver/prebuild", built)
	program := filepath.Join(built, "wskharness.exe")
	tool(t, "..", []string{"GOOS=windows", "CGO_ENABLED=0"}, "go", "build", "-overlay", filepath.Join(built, "overlay.json"), "-o", program, "./cmd/wskharness")
	shared, err := driver.DefaultCache()
	if err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(shared.Dir, "test-") // beside the template
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.MkdirTemp("/tmp", "wc") // the length of their paths is limited
	if err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(beside, "prefix")
	t.Cleanup(func() {
		if err := errors.Join(wine.EndPrefix(prefix, ""), wine.ForgetServer(prefix, sockets), os.RemoveAll(sockets), os.RemoveAll(beside)); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(wine.Prefix(ctx, shared.Dir, prefix, software), wine.PlaceServer(prefix, sockets)); err != nil {
		t.Fatal(err)
	}
	// Unlike a guest, it is to see the folders of this machine.
	if err := os.Symlink("/", filepath.Join(prefix, "dosdevices", "z:")); err != nil {
		t.Fatal(err)
	}
	tool(t, ".", nil, tc.CC, "-shared", "-O2", "-o", filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll"), "testdata/bcryptprimitives.c", "-ladvapi32")
	return &controller{
		software: software, program: program, dir: t.TempDir(),
		env: append(software.Environment(prefix, sockets, "-all"), "WINEDLLOVERRIDES=mscoree,mshtml="),
	}
}

// tool runs a program of this machine.
func tool(t *testing.T, dir string, env []string, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(testtime.Context(t), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, said)
	}
}

// command is the program with its arguments.
func (c *controller) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), c.software.Loader, append([]string{c.program}, args...)...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.WaitDelay = 10 * time.Second // Wine's services have its output open, where it was the first to start them
	return cmd
}

// run runs the program to its end.
func (c *controller) run(t *testing.T, args ...string) (said string, code int) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "said") // a file, and no pipe, which Wine's services would hold open
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := wine.Start(cmd); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// write puts a file into the project.
func (c *controller) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

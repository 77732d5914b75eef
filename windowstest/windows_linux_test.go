package windowstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wskharness/harness/harnesstest"
	"wskharness/testtime"
	"wskharness/vm/wine"
)

// inside names the variable with the folder of the computer, for the process that has the tests.
const inside = "WSKHARNESS_TEST_COMPUTER"

// TestMain makes the test binary the process that serves a guest, too. The tests themselves are in a child of it: however that ends,
// and be it by a time-out or a kill, computer and guests are ended here.
func TestMain(m *testing.M) {
	isTest := !slices.ContainsFunc(os.Args[1:], func(arg string) bool { return !strings.HasPrefix(arg, "-test.") })
	if isTest && os.Getenv(inside) == "" {
		os.Exit(guard())
	}
	harnesstest.Main(m, nil)
}

// guard runs the tests, and clears away behind them.
func guard() (code int) {
	stopped := make(chan os.Signal, 8)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT) // by the last, go test asks for what it does
	computer, err := New(context.Background())
	if err != nil {
		if missing, is := errors.AsType[*wine.MissingError](err); is {
			fmt.Println("skipped:", missing)
			return 0
		}
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runtime.LockOSThread() // the child is killed when the thread ends that has started it
	tests := exec.Command(os.Args[0], os.Args[1:]...)
	tests.Env = append(os.Environ(), inside+"="+computer.Dir(), "TMPDIR="+computer.Room)
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	tests.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = tests.Start()
	if err == nil {
		over := make(chan struct{})
		go func() {
			for {
				select {
				case s := <-stopped:
					_ = tests.Process.Signal(s)
				case <-over:
					return
				}
			}
		}()
		err = tests.Wait()
		close(over)
	}
	if err := errors.Join(err, computer.End()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// controller is a Windows with the program on it: a Wine prefix.
type controller struct {
	computer *Computer
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
	c.write(t, "wine.yaml", "targets: {wine: {provider: wine}}\n")
	c.steps(t, []step{
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
	})
	if back, err := os.ReadFile(filepath.Join(c.dir, "back.txt")); err != nil || string(back) != "there and back\n" {
		t.Errorf("what was pulled is %q, %v; want what was pushed", back, err)
	}
	c.asAStranger(t, guest)
	c.interrupt(t)
	c.killAndResume(t)
}

// step is a command line, and what comes of it.
type step struct {
	args []string
	code int
	want string // in what it says
}

// elsewhere are words that advice for Windows never has.
var elsewhere = []string{"apt-get", "sudo ", "chmod ", "XDG_"}

// steps carries out one after the other.
func (c *controller) steps(t *testing.T, steps []step) {
	t.Helper()
	for _, step := range steps {
		said, code := c.run(t, step.args...)
		if code != step.code || !strings.Contains(said, step.want) {
			t.Errorf("%v: exit code %d, want %d with %q; it said:\n%s", step.args, code, step.code, step.want, said)
		}
		for _, word := range elsewhere {
			if strings.Contains(said, word) {
				t.Errorf("%v speaks of %s, which Windows has not:\n%s", step.args, word, said)
			}
		}
		if strings.Contains(said, "\x1b[") {
			t.Errorf("%v: colours, in a file: %q", step.args, said)
		}
	}
}

// asAStranger does what somebody does who has a Windows editor, a folder with a blank in its name, and a build command of his own:
// the configuration has a byte order mark and lines that end as Windows' do, and names its files by drive and backslashes.
func (c *controller) asAStranger(t *testing.T, guest *wine.State) {
	t.Helper()
	here := `Z:` + strings.ReplaceAll(c.dir, "/", `\`)
	c.write(t, "start/.keep", "")
	c.write(t, "own suites/own.yaml", "\ufeffsuite: own\r\ndoc: d\r\ncases:\r\n  - id: starts\r\n    doc: It starts.\r\n    steps: [sleep: 1ms]\r\n")
	c.write(t, "build it.cmd", "@echo off\r\nif not exist \"out dir\" mkdir \"out dir\"\r\ncopy /y \"%~1\" \"out dir\\own.sys\" >nul\r\necho built by %~nx0\r\n")
	c.write(t, "own.yaml", strings.ReplaceAll(fmt.Sprintf("\ufefftargets:\n  lab:\n    provider: static\n    url: %s\n    user: %s\n    password_file: '%s'\n    certificate_sha256: %s\n"+
		"suites: ['%s']\ndriver:\n  source: .\n  build: [cmd, /c, 'build it.cmd', '%s']\n  sys: 'out dir\\own.sys'\n",
		guest.Endpoint, guest.User, here+`\password`, guest.CertificateSHA, here+`\own suites`, here+`\some where\wsksample.sys`), "\n", "\r\n"))
	said, code := c.run(t, "build")
	lines := strings.Fields(strings.TrimSpace(said))
	if code != 0 || len(lines) == 0 {
		t.Fatalf("build: exit code %d: %s", code, said)
	}
	image, err := os.ReadFile(c.here(lines[len(lines)-1]))
	if err != nil {
		t.Fatalf("build says %s: %v", said, err)
	}
	c.write(t, "some where/wsksample.sys", string(image))
	c.steps(t, []step{
		{[]string{"validate", "--config", "own.yaml"}, 0, "no mistakes"},
		{[]string{"build", "--config", here + `\own.yaml`}, 0, "own.sys"},
		{[]string{"run", "own", "--config", "own.yaml"}, 0, "1 pass"},
		{[]string{"validate", "--config", `no where\own.yaml`}, 2, `no where\own.yaml`},
		{[]string{"vm", "list"}, 0, ""},
		{[]string{"clean", "--dry-run"}, 0, ""},
		{[]string{"schema", "config"}, 0, "targets"},
		{[]string{"image", "--help"}, 0, "Usage"},
	})
	for _, words := range []string{"", "build", "clean", "completion", "doctor", "image", "init", "inspect", "list", "report", "run", "schema", "selftest", "validate", "version",
		"vm", "vm up", "vm down", "vm exec", "vm push", "vm pull", "vm revert", "vm prepare", "vm reset", "vm console", "vm dump"} {
		c.steps(t, []step{{append(strings.Fields(words), "--help"), 0, "Usage"}})
	}
	was := c.dir
	c.dir = filepath.Join(c.dir, "start")
	c.steps(t, []step{
		{[]string{"init"}, 0, "wskharness.yaml"},
		{[]string{"validate"}, 0, "no mistakes"},
		{[]string{"run"}, 2, "a Wine guest needs Linux"},
	})
	c.dir = was
}

// here is where a path of the computer's is on this machine.
func (c *controller) here(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	if rest, is := strings.CutPrefix(path, "C:/"); is {
		return c.computer.Drive(rest)
	}
	return strings.TrimPrefix(path, "Z:")
}

// interrupt presses Ctrl-Break in the middle of a run: it is ended in order, and the machine is free for the next.
func (c *controller) interrupt(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "interrupt.exe")
	tool(t, "..", []string{"GOOS=windows", "CGO_ENABLED=0"}, "go", "build", "-o", program, "./windowstest/interrupt")
	cmd := c.computer.Command(context.Background(), c.dir, program, c.program, "run", "registration")
	cmd.WaitDelay = 10 * time.Second
	console, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := wine.Start(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	journal := c.awaitCase(ended)
	_ = console.Close()
	<-ended
	said, _ := os.ReadFile(out.Name())
	text, err := os.ReadFile(journal)
	code := cmd.ProcessState.ExitCode()
	if bytes.Contains(said, []byte("interrupt: GenerateConsoleCtrlEvent")) || bytes.Contains(said, []byte("interrupt: AllocConsole")) {
		t.Logf("Wine had no console to interrupt at, which it has most of the time: %s", bytes.TrimSpace(said[bytes.LastIndex(said, []byte("interrupt: ")):]))
		return
	}
	if code != 130 || !strings.Contains(string(text), `"run-finished"`) {
		t.Errorf("interrupted: exit code %d (%v); want 130, and a run with an end:\n%s", code, err, said)
	}
	c.steps(t, []step{{[]string{"run", "registration.basic"}, 0, "1 pass"}})
}

// awaitCase waits for the first case of a run that has no end to be over, and gives the run's journal; none where the run's process has
// ended before.
func (c *controller) awaitCase(ended <-chan struct{}) (journal string) {
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
	return journal
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
	journal := c.awaitCase(ended)
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
	changes(t)
	built := t.TempDir()
	tool(t, "..", nil, "go", "run", "./driver/prebuild", built)
	program := filepath.Join(built, "wskharness.exe")
	tool(t, "..", []string{"GOOS=windows", "CGO_ENABLED=0"}, "go", "build", "-overlay", filepath.Join(built, "overlay.json"), "-o", program, "./cmd/wskharness")
	computer, err := Open(ctx, os.Getenv(inside))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a driver") // with a blank, as most have it
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &controller{computer: computer, program: program, dir: dir}
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

// changes looks at every folder of the sources, so that go test knows that what it has kept of this test is not true any more.
func changes(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "bin" || d.Name() == "wskharness-runs" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// command is the program with its arguments.
func (c *controller) command(args ...string) *exec.Cmd {
	cmd := c.computer.Command(context.Background(), c.dir, c.program, args...)
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
	path := filepath.Join(c.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

//go:build linux

package vmimage

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wskharness/child"
	"wskharness/driver"
	"wskharness/driver/drivertest"
	"wskharness/testtime"
)

// desk is a folder in which somebody calls the program, whose guests are this one's alone: what others have up, and clear away,
// is not.
type desk struct {
	program, dir string
}

var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wskharness-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "wskharness")
	env := os.Environ() // of the go that runs this
	said, err := child.Command(context.Background(), env, "go", "build", "-o", path, "wskharness/cmd/wskharness").CombinedOutput()
	if err != nil {
		os.Stderr.Write(said)
	}
	return path, err
})

// TestMain removes what was built for all tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if *withVM {
		if path, err := program(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	os.Exit(code)
}

func newDesk(t *testing.T, config string) *desk {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal("build the program: ", err)
	}
	dir, err := os.MkdirTemp("/tmp", "vm") // short: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &desk{program: path, dir: dir}
	t.Cleanup(func() {
		if t.Failed() {
			d.keep(t)
		}
		d.run(t, 0, "vm", "down", "--all")
	})
	if err := os.Mkdir(filepath.Join(d.dir, "suites"), 0o755); err != nil {
		t.Fatal(err)
	}
	shared, err := driver.DefaultCache()
	if err == nil {
		err = drivertest.Share(shared.Dir, filepath.Join(d.cache(), "wskharness"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"wskharness.yaml": config, "suites/vm.yaml": suite} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *desk) cache() string { return filepath.Join(d.dir, "cache") }

func (d *desk) latest() string { return filepath.Join(d.dir, "wskharness-runs", "latest") }

// read is a file of the last run.
func (d *desk) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.latest(), name))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// keep shows what the machine has printed, of a test that failed.
func (d *desk) keep(t *testing.T) {
	consoles, _ := filepath.Glob(filepath.Join(d.dir, "wskharness-runs", "*", "targets", "vm", "console-*.log"))
	for _, console := range consoles {
		text, _ := os.ReadFile(console)
		t.Logf("%s: %s", console, text)
	}
}

func (d *desk) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	env, err := child.Environment{}.List()
	if err != nil {
		t.Fatal(err)
	}
	cmd := child.Command(testtime.Context(t), append(env, "XDG_CACHE_HOME="+d.cache()), d.program, args...)
	cmd.Dir = d.dir
	return cmd
}

// run calls the program, and returns what it says.
func (d *desk) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := d.command(t, args...)
	var said, complained bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complained
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("wskharness %s: got %v, want exit code %d; it said: %s%s", strings.Join(args, " "), err, code, &said, &complained)
	}
	t.Logf("wskharness %s: %s", strings.Join(args, " "), &said)
	return said.String()
}

// controller is the program while it runs.
type controller struct {
	*exec.Cmd
	desk *desk
	said bytes.Buffer
}

func (d *desk) start(t *testing.T, args ...string) *controller {
	t.Helper()
	os.Remove(d.latest()) // or it may be taken for the last run's
	c := &controller{Cmd: d.command(t, args...), desk: d}
	c.Stdout, c.Stderr = &c.said, &c.said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// await waits until the journal of the run has something.
func (c *controller) await(t *testing.T, pattern string) {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	testtime.Await(t, pattern+" in the journal of the run", func() bool {
		text, _ := os.ReadFile(filepath.Join(c.desk.latest(), "events.ndjson"))
		return wanted.Match(text)
	})
}

// kill kills the program, and nothing that it has started.
func (c *controller) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.Wait()
}

func expect(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("got %s\nwant something like %s", text, pattern)
		}
	}
}

// running are the processes that have something among their arguments.
func running(argument string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(argument)) {
			found = append(found, filepath.Base(filepath.Dir(file)))
		}
	}
	return found
}

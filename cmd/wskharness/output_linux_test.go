package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/results"
	"wskharness/testtime"
)

// TestNobodyReads runs as `run | head -1` does when head is gone, before the first line or behind it, and onto a disk that is
// full: the run goes on to its end, its journal has that, its reports are there, its guest is not, and the exit code says
// that not all of it could be told.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	for name, output := range map[string]func(t *testing.T) *os.File{"gone": goneReader, "head": headReader, "full": fullDevice} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			cmd, _ := l.command(testtime.Context(t), "unread", "run", "life.quick")
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = output(t), &said
			err := cmd.Run()
			want := results.ExitInfrastructure
			if name == "head" && !strings.Contains(said.String(), "write ") {
				want = results.ExitOK // all was written before the reader, on a machine that stood still, came to go away
			}
			if code := cmd.ProcessState.ExitCode(); code != want || want != results.ExitOK && !strings.Contains(said.String(), "write ") {
				t.Errorf("exit code %d (%v): %s", code, err, &said)
			}
			lines := strings.Split(strings.TrimSpace(l.journal("unread")), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, string(results.KindRunFinished)) {
				t.Errorf("the run did not come to its end: %s", last)
			}
			for _, report := range []string{"junit.xml", "summary.md"} {
				if _, err := os.Stat(filepath.Join(l.dir, "unread", "latest", report)); err != nil {
					t.Error(err)
				}
			}
			l.nothingLeft(t)
		})
	}
}

// goneReader is a pipe that nobody reads.
func goneReader(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	t.Cleanup(func() { write.Close() })
	return write
}

// headReader is a pipe that somebody reads a byte of.
func headReader(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { write.Close() })
	go func() {
		defer read.Close()
		_, _ = read.Read(make([]byte, 1)) // what there was, does not matter
	}()
	return write
}

// fullDevice takes nothing.
func fullDevice(t *testing.T) *os.File {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { full.Close() })
	return full
}

// TestUnprinted gives commands an output that takes nothing: whatever was to be printed, the exit code says that it was
// not, and so does one line of standard error. A script that reads `$(wskharness build)` depends on it.
func TestUnprinted(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(sharedCache(t), "test-config"))
	t.Setenv("XDG_CACHE_HOME", filepath.Dir(sharedCache(t)))
	t.Chdir(t.TempDir())
	driver := strings.TrimSpace(printedBy(t, "build"))
	if err := os.WriteFile(results.JournalName, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"", "--help", "help", "run --help", "vm", "completion bash", "__complete run capture.no",
		"build", "build --json", "doctor", "doctor --json", "init", "inspect " + driver, "inspect --json " + driver,
		"list", "list --json", "list --steps", "report .", "report --json .", "run --dry-run",
		"schema config", "schema suites", "validate", "version", "vm list", "vm list --json",
	} {
		t.Run(line, func(t *testing.T) {
			code, said := command(t, fullWriter{}, strings.Fields(line)...)
			if code != results.ExitInfrastructure || strings.Count(said, errFull.Error()) != 1 {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}

// printedBy is what a command prints where it can.
func printedBy(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code, said := command(t, &out, args...); code != results.ExitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, said)
	}
	return out.String()
}

// command runs one command line in this process. It returns the exit code, and what was said on standard error.
func command(t *testing.T, out io.Writer, args ...string) (code int, said string) {
	t.Helper()
	var errs bytes.Buffer
	code = execute(t.Context(), args, streams{in: strings.NewReader(""), out: out, err: &errs, getenv: os.Getenv})
	return code, errs.String()
}

var errFull = errors.New("it is full")

// fullWriter takes nothing.
type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

package child

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sh is a command with its two outputs.
func sh(ctx context.Context, script string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	cmd = Command(ctx, []string{"PATH=" + os.Getenv("PATH")}, "sh", "-c", script)
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// awaitSleep waits until what a script has put into the background is the sleep that it becomes.
const awaitSleep = "until grep -qx sleep /proc/$!/comm; do sleep 0.01; done"

// TestHeld leaves processes behind that have a program's output open, in each way that there is: the program ended as it
// did, what it wrote is there, and who it was is known. None of them is killed.
func TestHeld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		leave string // a command, to be followed by &
		await string // what the program does before it ends
		held  bool
		group bool
	}{
		"nothing":                   {leave: "true", await: "wait"},
		"quiet":                     {leave: "exec sleep 600 >/dev/null 2>&1", await: awaitSleep},
		"both outputs":              {leave: "sleep 600", held: true, group: true},
		"standard output only":      {leave: "sleep 600 2>/dev/null", held: true, group: true},
		"standard error only":       {leave: "sleep 600 >/dev/null", held: true, group: true},
		"a session of its own":      {leave: "exec setsid sleep 600", await: awaitSleep, held: true},
		"one that goes on to write": {leave: "while echo more; do sleep 1; done", held: true, group: true},
	} {
		for _, exit := range []int{0, 3} {
			t.Run(name+" "+strconv.Itoa(exit), func(t *testing.T) {
				t.Parallel()
				pid := filepath.Join(t.TempDir(), "pid")
				cmd, out, errs := sh(t.Context(), "echo said; echo warned >&2; ("+test.leave+") & echo $! >"+pid+"; "+test.await+"\nexit "+strconv.Itoa(exit))
				held, err := Run(t.Context(), cmd)
				left := left(t, pid)
				var ended *exec.ExitError
				if errors.As(err, &ended) != (exit != 0) || ended != nil && ended.ExitCode() != exit {
					t.Errorf("%v, want exit code %d", err, exit)
				}
				if !strings.HasPrefix(out.String(), "said\n") || !strings.HasPrefix(errs.String(), "warned\n") {
					t.Errorf("it wrote %q and %q", clip(out), clip(errs))
				}
				if held.Still != test.held || test.held && (len(held.By) == 0 || held.By[0].Group != test.group || held.By[0].Name == "?") {
					t.Errorf("%+v: %s", held, held)
				}
				if test.held && syscall.Kill(left, 0) != nil {
					t.Errorf("process %d, which was left running, is gone", left)
				}
			})
		}
	}
}

func clip(b *bytes.Buffer) string { return b.String()[:min(b.Len(), 100)] }

// left is the process that a script has left running, which ends with the test.
func left(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, child := range childrenOf(pid) {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	})
	return pid
}

func childrenOf(pid int) (children []int) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	for _, word := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(word); err == nil {
			children = append(children, child)
		}
	}
	return children
}

// What was written before a program's end is all kept, also where nobody had come to read it when the time was up.
func TestWhatWasWrittenIsKept(t *testing.T) {
	for _, size := range []int{0, 1, 60_000} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer write.Close() // somebody has it open to the end
		kept := &bytes.Buffer{}
		o := &output{read: read, write: write, to: kept, copied: make(chan struct{})}
		if _, err := write.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Fatal(err)
		}
		if err := read.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		go o.copy()
		if err := (outputs{o}).end(); err != nil || kept.Len() != size {
			t.Errorf("%d bytes kept of %d, %v", kept.Len(), size, err)
		}
	}
}

// A context that ends takes the whole group along.
func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	pid := filepath.Join(t.TempDir(), "pid")
	cmd, _, _ := sh(ctx, "sleep 600 & echo $! >"+pid+"; echo ready; wait")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	if _, err := Run(ctx, cmd); err == nil {
		t.Error("it was killed, and ended well")
	}
	child := left(t, pid)
	for syscall.Kill(child, 0) == nil && !zombie(child) && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

func zombie(pid int) bool {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return len(line) == 0
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What can't be kept is an error, and the program is told when it writes more.
func TestRunOfWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	cmd, _, _ := sh(t.Context(), "yes")
	cmd.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
	if _, err := Run(t.Context(), cmd); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	cmd = Command(t.Context(), nil, "/no/such/program")
	cmd.Stdout = io.Discard
	if _, err := Run(t.Context(), cmd); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestHeldText(t *testing.T) {
	one, two := Holder{PID: 1, Name: "sleep"}, Holder{PID: 2, Name: "ccache"}
	for want, held := range map[string]Held{
		"nobody has its output open":                                          {},
		"a process that this user can't see still has its output open":        {Still: true},
		"sleep (pid 1) still has its output open":                             {Still: true, By: []Holder{one}},
		"sleep (pid 1) and ccache (pid 2) still have its output open":         {Still: true, By: []Holder{one, two}},
		"sleep (pid 1), ccache (pid 2) and others still have its output open": {Still: true, By: []Holder{one, two}, More: true},
	} {
		if got := held.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

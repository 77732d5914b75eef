package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"wskharness/child"
)

// maxToolOutput bounds what is kept of one tool's output: a template error can fill a disk.
const maxToolOutput = 256 << 10

// toolError is a tool that ran and failed, with what it wrote.
type toolError struct {
	Args   []string
	Output string
	Err    error
}

func (e *toolError) Error() string {
	return fmt.Sprintf("%s: %v: %s", e.Args[0], e.Err, strings.TrimSpace(e.Output))
}

func (e *toolError) Unwrap() error { return e.Err }

// diskFull reports whether the tool found no room for what it makes, which is no mistake of the sources.
func (e *toolError) diskFull() bool {
	return strings.Contains(e.Output, syscall.ENOSPC.Error()) || strings.Contains(e.Output, "No space left on device")
}

// runTool runs a tool of the toolchain in dir and returns what it wrote on either stream. When ctx
// ends, the tool goes together with the processes that it started (gcc is only a driver of others).
func runTool(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	cmd := child.Command(ctx, toolEnvironment(), program, args...)
	cmd.Dir = dir
	out := &boundedBuffer{limit: maxToolOutput}
	cmd.Stdout, cmd.Stderr = out, out
	// When this process is killed, what gcc started (cc1, as) ends when its file is compiled, into a temporary folder that the
	// cache sweeps.
	_, err := child.RunGroup(ctx, cmd) // whoever else had its output open: it was not ours to read
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case err == nil:
		return out.Bytes(), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &toolError{Args: cmd.Args, Output: out.String(), Err: err}
	}
	return nil, err
}

// boundedBuffer keeps the beginning of what is written to it, and says when it left something out. The buffer is not
// embedded: its ReadFrom would be found, and knows no limit.
type boundedBuffer struct {
	kept  bytes.Buffer
	limit int
	cut   bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.kept.Len()
	if len(p) <= room {
		return b.kept.Write(p)
	}
	if !b.cut {
		b.kept.Write(p[:max(room, 0)])
		b.kept.WriteString("\n[the rest of the output was left out]\n")
		b.cut = true
	}
	return len(p), nil
}

func (b *boundedBuffer) Bytes() []byte  { return b.kept.Bytes() }
func (b *boundedBuffer) String() string { return b.kept.String() }

// anyFolder is a true name of the current folder, whatever its own name is, on Linux. The compiler believes PWD
// when it is true, so this is what it writes into debug information, and prefix maps can name it. Elsewhere nothing is called
// that: debug information names the temporary folder of its build, and the image does not.
const anyFolder = "/proc/self/cwd"

// toolEnvironment leaves out what would change a build behind the cache's back (CPATH, LIBRARY_PATH,
// GCC_EXEC_PREFIX and their like) and what would translate the messages.
func toolEnvironment() []string {
	env := []string{"LC_ALL=C", "PWD=" + anyFolder}
	for _, name := range child.Basics() {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

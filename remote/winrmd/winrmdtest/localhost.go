//go:build linux

package winrmdtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wskharness/child"
	"wskharness/remote/winrmd"
	"wskharness/winerr"
)

// LocalHost runs commands on this very machine with /bin/sh, as the user who runs the program: a
// host for tests of clients, without Windows. Spec.Command goes to sh -c; with SkipShell
// Spec.Program is started alone, without arguments. Ctrl-C arrives as SIGINT, Ctrl-Break as
// SIGQUIT. A command ended by a signal has exit code 128 + its number, as in a shell.
type LocalHost struct{}

func (LocalHost) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	env, err := child.Environment{}.List()
	if err != nil {
		return nil, err
	}
	for name, value := range spec.Env {
		env = append(env, name+"="+value)
	}
	cmd := child.Command(context.Background(), env, "/bin/sh", "-c", spec.Command)
	if spec.SkipShell {
		if _, err := os.Stat(spec.Program); err != nil {
			return nil, fmt.Errorf("start %s: %w", spec.Program, err)
		}
		cmd = child.Command(context.Background(), env, spec.Program)
	}
	cmd.Dir = spec.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it can be killed
	if spec.Dir != "" {
		if info, err := os.Stat(spec.Dir); err != nil || !info.IsDir() {
			return nil, &winrmd.Error{Win32: winerr.ErrorDirectory, Message: "There is no such folder."}
		}
	}
	p := &localProcess{cmd: cmd}
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("start %q: %w", spec.Command, err)
	}
	p.stop = context.AfterFunc(ctx, p.kill)
	return p, nil
}

type localProcess struct {
	cmd     *exec.Cmd
	in      *os.File
	outputs [2]*os.File // standard output, standard error
	stop    func() bool
	mu      sync.Mutex
	waited  bool
	killed  sync.Once
}

// start makes the pipes by hand: exec's own are closed by Wait, before the last bytes were read.
func (p *localProcess) start() error {
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err != nil {
			err = fmt.Errorf("make a pipe: %w", err)
		}
		return r, w, err
	}
	r, w, err := pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdin, p.in, theirs = r, w, append(theirs, r)
	for i, to := range []*io.Writer{&p.cmd.Stdout, &p.cmd.Stderr} {
		r, w, err := pipe()
		if err != nil {
			p.closeAll()
			return err
		}
		*to, p.outputs[i], theirs = w, r, append(theirs, w)
	}
	if err := p.cmd.Start(); err != nil {
		p.closeAll()
		return err
	}
	return nil
}

func (p *localProcess) closeAll() {
	p.in.Close()
	for _, f := range p.outputs {
		if f != nil {
			f.Close()
		}
	}
}

func (p *localProcess) Stdin() io.WriteCloser { return p.in }
func (p *localProcess) Stdout() io.Reader     { return p.outputs[0] }
func (p *localProcess) Stderr() io.Reader     { return p.outputs[1] }

// what a killed process group may still write before its pipes are closed under it
const lastWords = 200 * time.Millisecond

func (p *localProcess) kill() {
	p.killed.Do(func() {
		p.signal(syscall.SIGKILL)
		// A process that left the group may hold the outputs open for ever.
		for _, f := range p.outputs {
			f.SetReadDeadline(time.Now().Add(lastWords))
		}
		p.in.Close()
	})
}

// signal signals the whole group, unless it was waited for: its number may be somebody else's then.
func (p *localProcess) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waited {
		return nil
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process group %d: %w", p.cmd.Process.Pid, err)
	}
	return nil
}

func (p *localProcess) Signal(_ context.Context, s winrmd.Signal) error {
	switch s {
	case winrmd.SignalCtrlC:
		return p.signal(syscall.SIGINT)
	case winrmd.SignalCtrlBreak:
		return p.signal(syscall.SIGQUIT)
	}
	p.kill()
	return nil
}

func (p *localProcess) Wait() (uint32, error) {
	// Ended, but not reaped yet, so its number is still its own.
	var info unix.Siginfo
	for unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.stop()
	p.signal(syscall.SIGKILL) // what it left behind in its group: a job object ends with the command
	p.mu.Lock()
	p.waited = true
	p.mu.Unlock()
	state, err := p.cmd.Process.Wait()
	p.closeAll()
	if err != nil {
		return 0, fmt.Errorf("wait for process %d: %w", p.cmd.Process.Pid, err)
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return 128 + uint32(status.Signal()), nil
	}
	return uint32(state.ExitCode()), nil
}

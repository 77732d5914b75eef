//go:build unix

package child

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group is a program with what it has started: a process group.
type group struct {
	whole bool // nothing of it is left when the program has ended
	cmd   *exec.Cmd
	after func()
}

// prepare has a command start as a group of its own.
func (g *group) prepare(cmd *exec.Cmd) error {
	g.cmd = cmd
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if g.whole {
		g.after = endWithThisProcess(cmd.SysProcAttr)
	}
	return nil
}

// begin has nothing left to do.
func (g *group) begin(*exec.Cmd) error { return nil }

// number is the number of a group whose program was started, which is that of the program.
func (g *group) number() int { return g.cmd.Process.Pid }

// kill kills the group of a program that was started. One that is gone is no error.
func (g *group) kill() error {
	err := syscall.Kill(-g.number(), syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// end kills what is left, where nothing is to be.
func (g *group) end() {
	if g.whole && g.cmd != nil && g.cmd.Process != nil {
		_ = syscall.Kill(-g.number(), syscall.SIGKILL)
	}
	if g.after != nil {
		g.after()
	}
}

package image

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// tied is a program that the kernel kills when this one has ended, however that came.
type tied struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; of whoever has seen ended closed
}

// start starts a program. Its thread is the one that the kernel watches, and so waits for the program's end.
func start(cmd *exec.Cmd) (*tied, error) {
	p := &tied{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for good
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// kill ends it, and returns when it has ended.
func (p *tied) kill() {
	_ = p.cmd.Process.Kill() // at worst it has ended by itself
	<-p.ended
}

// connection makes one between this program and another, which inherits its end as a file.
func connection() (ours net.Conn, theirs *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	own := os.NewFile(uintptr(ends[0]), "monitor")
	theirs = os.NewFile(uintptr(ends[1]), "monitor")
	ours, err = net.FileConn(own) // a copy
	own.Close()
	if err != nil {
		theirs.Close()
	}
	return ours, theirs, err
}

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST)
}

package child

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Tied is a program that was started, and that the kernel kills when this process has ended, however that came about.
type Tied struct {
	Ended chan struct{} // closed when it has ended
	Err   error         // how, as exec.Cmd.Wait says it; of whoever has seen Ended closed

	cmd *exec.Cmd
}

// StartTied starts a program, in a group of its own. The kernel kills it when the thread ends that has started it; so that thread
// waits for its end.
func StartTied(cmd *exec.Cmd) (*Tied, error) {
	t := &Tied{cmd: cmd, Ended: make(chan struct{})}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: it ends with this goroutine
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err := cmd.Start()
		begun <- err
		if err == nil {
			t.Err = cmd.Wait()
			close(t.Ended)
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return t, nil
}

// Kill ends the program, and returns when it has ended.
func (t *Tied) Kill() {
	_ = t.cmd.Process.Kill() // it has ended already, at worst
	<-t.Ended
}

// Pair is two ends of one connection: ours, and a file for a program to inherit. The name is for messages.
func Pair(name string) (ours net.Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a connection for %s: %w", name, err)
	}
	theirs = os.NewFile(uintptr(fds[1]), name)
	own := os.NewFile(uintptr(fds[0]), name)
	ours, err = net.FileConn(own)
	own.Close() // FileConn has made another of it
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make a connection for %s: %w", name, err)
	}
	return ours, theirs, nil
}

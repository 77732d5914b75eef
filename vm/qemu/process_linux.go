package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a program that the kernel ends when this one has ended.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	result error // of whoever has seen ended closed
}

// startTied starts a program. The kernel kills it when the thread ends that has started it; so that thread waits for its end.
func startTied(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	begun := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: it ends with this goroutine
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		err := cmd.Start()
		begun <- err
		if err == nil {
			p.result = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-begun; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// kill ends the process, and returns when it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it has ended already, at worst
	<-p.ended
}

// pair is two ends of one connection: ours, and a file that a program inherits.
func pair(name string) (ours net.Conn, theirs *os.File, err error) {
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

// inFolder calls use with a name for a file in a folder that is short enough for a socket, however long the folder's own name is:
// the kernel takes 107 bytes.
func inFolder(dir, file string, use func(path string) error) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), file))
}

// peer is the process at the other end of a socket.
func peer(conn net.Conn) (pid int, err error) {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var credentials *unix.Ucred
		if credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); failed == nil {
			pid = int(credentials.Pid)
		}
	})
	return pid, errors.Join(err, failed)
}

// awaitExit waits for the end of a process that need not be a child, and kills it when ctx ends before.
func awaitExit(ctx context.Context, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for the end of process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	over := func(within time.Duration) (bool, error) {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(within.Milliseconds()))
			if !errors.Is(err, unix.EINTR) {
				return n > 0, err
			}
		}
	}
	for ctx.Err() == nil {
		if done, err := over(50 * time.Millisecond); done || err != nil {
			return err
		}
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d, which does not end: %w", pid, err)
	}
	const dying = 10 * time.Second // that the kernel may take to end it
	if done, err := over(dying); !done {
		return fmt.Errorf("process %d does not end, also when it is killed: %w", pid, errors.Join(context.Cause(ctx), err))
	}
	return nil
}

package qemu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

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

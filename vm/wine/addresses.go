//go:build linux

package wine

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// unmapped is what Wine's loader says when it can't start a program for its heap being in the way: see [Start].
const unmapped = "failed to map the shared user data"

// Start starts a process of Wine's so that its heap, and that of all that it starts, is where Wine's loader expects
// none. The loader is linked at 2 GiB, the kernel puts the heap up to 1 GiB behind it, and one start in some five
// thousand fails because it covers 0x7ffe0000, where Windows programs look for the system's data: with exit code 1, and
// without a word unless Wine's errors are printed. Some containers forbid to ask for that (personality(2)): what
// starts processes there has to try again.
func Start(cmd *exec.Cmd) error {
	const (
		addrNoRandomize = 0x0040000 // linux/personality.h
		current         = 0xffffffff
	)
	runtime.LockOSThread() // a thread has a personality of its own, and gives it to what it starts
	defer runtime.UnlockOSThread()
	was, _, refused := unix.Syscall(unix.SYS_PERSONALITY, current, 0, 0)
	if refused == 0 {
		if _, _, refused = unix.Syscall(unix.SYS_PERSONALITY, was|addrNoRandomize, 0, 0); refused == 0 {
			defer func() { _, _, _ = unix.Syscall(unix.SYS_PERSONALITY, was, 0, 0) }() // it was so before
		}
	}
	return cmd.Start()
}

package child

import (
	"runtime"
	"syscall"
)

// endWithThisProcess has the kernel kill a program when this process ends. It sends the signal when the thread ends that
// started the program, so the thread is kept until the program is waited for.
func endWithThisProcess(attr *syscall.SysProcAttr) (after func()) {
	attr.Pdeathsig = syscall.SIGKILL
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

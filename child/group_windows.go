package child

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// group is a program with what it has started: a job object. The system ends all of it when this process ends, however that
// comes about, since nobody else has the job's handle (JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE).
type group struct {
	whole bool // nothing of it is left when the program has ended

	mu     sync.Mutex
	job    windows.Handle
	killed bool // before the program was in the job
	in     bool // the program is
}

// prepare makes the job, and has the command start suspended, so that it can be put into the job before it starts others. As
// a process group on Unix, it hears nothing of a Ctrl-C on this console.
func (g *group) prepare(cmd *exec.Cmd) error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return fmt.Errorf("make a job for %s: %w", cmd.Path, err)
	}
	g.job = job
	if err := g.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE); err != nil {
		return fmt.Errorf("make a job for %s: %w", cmd.Path, err)
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_SUSPENDED | windows.CREATE_NEW_PROCESS_GROUP
	return nil
}

func (g *group) limit(flags uint32) error {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = flags
	_, err := windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	return err
}

// begin puts the program into the job, and lets it run. One that can't be is ended.
func (g *group) begin(cmd *exec.Cmd) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var refused error
	err := cmd.Process.WithHandle(func(handle uintptr) { refused = windows.AssignProcessToJobObject(g.job, windows.Handle(handle)) })
	if err == nil && refused != nil {
		err = fmt.Errorf("put it into a job: %w", refused)
	}
	g.in = err == nil
	switch {
	case err == nil && g.killed:
		_ = windows.TerminateJobObject(g.job, 1)
	case err == nil:
		err = resume(uint32(cmd.Process.Pid))
	}
	if err == nil {
		return nil
	}
	_ = cmd.Process.Kill() // one that is gone has ended
	_ = cmd.Wait()
	return fmt.Errorf("start %s: %w", cmd.Path, err)
}

// resume lets a process run that was started suspended. It has one thread, of which os/exec keeps no handle.
func resume(pid uint32) error {
	threads, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return fmt.Errorf("list the system's threads: %w", err)
	}
	defer windows.CloseHandle(threads)
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(threads, &entry); err == nil; err = windows.Thread32Next(threads, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return fmt.Errorf("open its thread: %w", err)
		}
		defer windows.CloseHandle(thread)
		if _, err := windows.ResumeThread(thread); err != nil {
			return fmt.Errorf("resume its thread: %w", err)
		}
		return nil
	}
	return fmt.Errorf("find its thread: %w", err)
}

// kill ends all of the job. One that has ended is no error.
func (g *group) kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killed = true
	if !g.in {
		return os.ErrProcessDone // begin ends it
	}
	return windows.TerminateJobObject(g.job, 1)
}

// end ends what is left, where nothing is to be; and lets it go on, where it may.
func (g *group) end() {
	if g.job == 0 {
		return
	}
	if g.whole {
		_ = windows.TerminateJobObject(g.job, 1)
	} else {
		_ = g.limit(0)
	}
	_ = windows.CloseHandle(g.job)
}

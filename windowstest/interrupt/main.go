//go:build windows

// Command interrupt starts a program of Windows, and when its own standard input ends it does what Ctrl-Break at the program's console
// does. It says what the program says, and ends as that does.
//
//	interrupt.exe wskharness.exe run
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/windows"

	"wskharness/child"
)

func main() {
	err := interrupt(os.Args[1], os.Args[2:])
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "interrupt: %v\n", err)
		os.Exit(99)
	}
}

func interrupt(program string, args []string) error {
	// Such events are a console's: where there is none, one is made.
	if ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("AllocConsole").Call(); ok == 0 && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return fmt.Errorf("AllocConsole: %w", err) // denied: there is one
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	cmd := child.Command(context.Background(), env, program, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	// Wine's console may not be there at once: it is another process.
	for tries := 0; ; tries++ {
		err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid))
		if err == nil {
			return cmd.Wait()
		}
		if tries == 200 {
			return errors.Join(fmt.Errorf("GenerateConsoleCtrlEvent: %w", err), cmd.Wait())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

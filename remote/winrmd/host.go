package winrmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"wskharness/remote"
	"wskharness/winerr"
)

// Host runs commands. Implementations must be safe for use by several goroutines.
type Host interface {
	// Start starts a command. ctx spans the command's life: when it ends (the command was
	// terminated, its shell deleted, the server reset or shut down), the host must kill the command
	// with everything it started, and let both outputs end. An error that wraps fs.ErrNotExist or
	// fs.ErrPermission, or that is an *Error, becomes the fault that Windows answers with.
	Start(ctx context.Context, spec Spec) (Process, error)
}

// Consoles is what a [Host] may be besides: one whose commands have consoles. A shell that asks for a code page
// that they can't have is refused when it is created.
type Consoles interface {
	// TakesCodepage reports whether a console can have a code page for input and output. An error says that it
	// can't be known now: then Start tells.
	TakesCodepage(ctx context.Context, codepage int) (bool, error)
}

// Spec says what to run.
type Spec struct {
	// Line is the whole command line, as Windows gives it to CreateProcess. Unless SkipShell is
	// set that is
	//
	//	%COMSPEC% /C "Command"
	//
	// with %COMSPEC% as in Options.ComSpec. With the two outer quotes cmd.exe takes what is between
	// them as it is (cmd /? : "strip the leading character and remove the last quote character").
	// That Windows wraps the line so is not in its documentation; that cmd.exe is between shows in
	// recordings, where built-in commands work with SkipShell off and bare program names do not
	// with it on.
	Line string

	// Command is the line as the client gave it: its Command and its Arguments, with a space
	// between each. It is what a host that has no cmd.exe may want.
	Command string

	// Program is the client's Command alone: with SkipShell the path of the program to start.
	Program string

	SkipShell    bool
	Dir          string            // empty: the host's choice; the user's profile on Windows
	Env          map[string]string // added to the host's own
	Codepage     int               // of the console, for input and output; 437 is what most clients ask for, 65001 is UTF-8
	NoProfile    bool              // the user's profile is not wanted
	ConsoleStdin bool              // the client's input is a console, not a pipe
	ShellID      string
	CommandID    string
}

// Process is a running command.
type Process interface {
	// Stdin takes the command's input. Close tells it that there is no more. A Write may block.
	Stdin() io.WriteCloser

	// Stdout and Stderr give the outputs. A reader that is slow makes the command wait. They must
	// end when the command has been killed, even if something that it started holds them open.
	Stdout() io.Reader
	Stderr() io.Reader

	// Signal delivers a signal. SignalTerminate must kill the command with all it started.
	Signal(ctx context.Context, signal Signal) error

	// Wait waits for the command to end. It is called once, after both outputs have ended. err is
	// for a command whose end cannot be known; its exit code is then reported as 1, and the error
	// on its standard error is the host's business.
	Wait() (exit uint32, err error)
}

// Signal is what a client can send to a command.
type Signal = remote.Signal

const (
	SignalCtrlC     = remote.SignalCtrlC
	SignalCtrlBreak = remote.SignalCtrlBreak
	SignalTerminate = remote.SignalTerminate
)

// ErrGoingDown is what a Host answers whose machine is on its way down: the client is told what it is told of a shell that is
// torn down under a request, which is what the next moment does.
var ErrGoingDown = errors.New("the machine is going down")

// Error is a Win32 error that a Host wants its client to see.
type Error struct {
	Win32   winerr.Win32
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Win32) }

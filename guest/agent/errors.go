package agent

import (
	"context"
	"errors"
	"fmt"

	"wskharness/remote"
	"wskharness/winerr"
)

// The agent's exit codes (docs/protocol.md, "Conventions").
const (
	ExitRefused = 1 // the operation failed
	ExitGone    = 3 // the run's process is gone, and its journal has no run-end
	exitNotYet  = 4 // the run is not there yet, or not there again after its reboot
	staleExit   = 5 // the order's lease is over, or a lease is refused
)

// Error is a command of the agent that ran and did not do what was asked.
type Error struct {
	Command   string // the agent's command: info, put, run, …
	ExitCode  uint32
	Complaint string // the first lines of its standard error, if any
}

func (e *Error) Error() string {
	what := fmt.Sprintf("agent %s: exit code %d", e.Command, e.ExitCode)
	if name := crashName(e.ExitCode); name != "" {
		what += " (" + name + ")"
	}
	if e.Complaint == "" {
		return what + ", and it did not say why"
	}
	return what + ": " + e.Complaint
}

// mute reports an agent that was ended from outside: it never fails without a complaint, and 1 is what TerminateProcess is
// given by whoever ends a process from outside, and what Wine's loader ends with when it can't set a new process up.
func (e *Error) mute() bool { return e.ExitCode == ExitRefused && e.Complaint == "" }

// crashName names the exit codes of a process that did not end by itself: NTSTATUS values.
func crashName(code uint32) string {
	switch winerr.NTStatus(code) {
	case winerr.StatusAccessViolation:
		return "access violation"
	case winerr.StatusControlCExit:
		return "ended by Ctrl-C"
	case winerr.StatusDLLNotFound:
		return "a DLL it needs is missing"
	case winerr.StatusDLLInitFailed:
		return "a DLL could not be initialised"
	case winerr.StatusStackBufferOverrun:
		return "stack buffer overrun or abort"
	}
	return ""
}

// StaleError is an order that the agent refused, since the guest is another owner's by now: nothing was done.
type StaleError struct {
	Command   string
	Complaint string // of the agent: names the present owner
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("agent %s: refused: %s", e.Command, e.Complaint)
}

// ProtocolError is an agent that does not keep to docs/protocol.md: another version of it, a damaged stream, or a guest
// that can't be trusted.
type ProtocolError struct {
	Doing string
	Err   error
}

func (e *ProtocolError) Error() string {
	return e.Doing + ": the agent broke the protocol: " + e.Err.Error()
}
func (e *ProtocolError) Unwrap() error { return e.Err }

// MalformedError is something that the agent may not say, or not there. [Process.Explain] makes a *[ProtocolError] of it.
type MalformedError struct{ what string }

func (e *MalformedError) Error() string { return e.what }

// Malformed makes a *[MalformedError].
func Malformed(format string, args ...any) error {
	return &MalformedError{fmt.Sprintf(format, args...)}
}

// LimitError is a guest that sent more than the controller is willing to take.
type LimitError struct {
	Doing string
	What  string
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %s beyond the limit of %d; the rest was not fetched", e.Doing, e.What, e.Limit)
}

// ErrDamaged marks damage on the way: unlike what is malformed it does not mean that the agent is broken, so what was done is
// worth another try.
var ErrDamaged = errors.New("it was damaged on its way")

// Passing reports whether err may go away by itself, so that an idempotent operation is worth doing again: an unanswered
// request, a shell that is lost, bytes damaged on the way, a process that was ended before its first word, a run that can't
// be given orders yet. What a live agent refused, and what the caller ended, will not.
func Passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if failed, ok := errors.AsType[*Error](err); ok && (failed.mute() || failed.ExitCode == exitNotYet) {
		return true
	}
	unanswered, _ := remote.IsUnanswered(err)
	return unanswered || ShellLost(err) || serverFailed(err) || errors.Is(err, ErrDamaged)
}

// ShellLost reports whether err says that a command's shell is no longer there, or was closed since another command had
// found that it isn't.
func ShellLost(err error) bool { return remote.IsGone(err) || errors.Is(err, remote.ErrShellClosed) }

// serverFailed reports whether err is a server that failed without a word of its service: what is in front of WinRM
// (http.sys, a proxy), or a service that is on its way down or up.
func serverFailed(err error) bool {
	f, ok := errors.AsType[*remote.Fault](err)
	return ok && f.HTTPStatus >= 500 && f.Code == 0 && f.Subcode == ""
}

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"wskharness/remote"
)

// AgentError is a command of the agent that ran and did not do what was asked.
type AgentError struct {
	Command   string // the agent's command: info, put, run, …
	ExitCode  uint32
	Complaint string // the first lines of its standard error, if any
}

func (e *AgentError) Error() string {
	what := fmt.Sprintf("agent %s: exit code %d", e.Command, e.ExitCode)
	if name := crashName(e.ExitCode); name != "" {
		what += " (" + name + ")"
	}
	if e.Complaint == "" {
		return what + ", and it did not say why"
	}
	return what + ": " + e.Complaint
}

// mute reports an agent that was ended before it could say anything: it never fails without a complaint, and 1 is what
// TerminateProcess is given by whoever ends a process from outside, and what Wine's loader ends with when it can't set
// a new process up.
func (e *AgentError) mute() bool {
	return e.ExitCode == refusedExit && e.Complaint == ""
}

// crashName names the exit codes of a process that did not end by itself: NTSTATUS values.
func crashName(code uint32) string {
	switch code {
	case 0xC0000005:
		return "access violation"
	case 0xC000013A:
		return "ended by Ctrl-C"
	case 0xC0000135:
		return "a DLL it needs is missing"
	case 0xC0000142:
		return "a DLL could not be initialised"
	case 0xC0000409:
		return "stack buffer overrun or abort"
	}
	return ""
}

// TransferError is a file that the agent refused to take or to send, in its own words.
type TransferError struct {
	Path   string // in the guest; empty when it is about the transfer as a whole
	Upload bool
	Win32  uint32
	Text   string
}

func (e *TransferError) Error() string {
	verb := "pull"
	if e.Upload {
		verb = "push"
	}
	what := verb
	if e.Path != "" {
		what += " " + e.Path
	}
	if e.Text != "" {
		return what + ": the agent: " + e.Text
	}
	return fmt.Sprintf("%s: the agent: Win32 error %d", what, e.Win32)
}

// NoRoom reports a volume of the guest that is full (ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL): Text says how much
// is free on it, and how much is needed.
func (e *TransferError) NoRoom() bool { return e.Win32 == 112 || e.Win32 == 39 }

// ProtocolError is an agent that does not keep to docs/protocol.md: another version of it, a
// damaged stream, or a guest that can't be trusted.
type ProtocolError struct {
	Doing string
	Err   error
}

func (e *ProtocolError) Error() string {
	return e.Doing + ": the agent broke the protocol: " + e.Err.Error()
}
func (e *ProtocolError) Unwrap() error { return e.Err }

// LimitError is a guest that sent more than the controller is willing to take.
type LimitError struct {
	Doing string
	What  string
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %s beyond the limit of %d; the rest was not fetched", e.Doing, e.What, e.Limit)
}

// RebootedError is a guest that came back with another boot id: what was going on in it is over.
type RebootedError struct {
	Was, Now string // boot ids
}

func (e *RebootedError) Error() string {
	return fmt.Sprintf("the guest has rebooted: its boot id was %s and is now %s", e.Was, e.Now)
}

// LostError is a journal whose following was cut off: the run may well go on in the guest. Go on
// with [Guest.Follow] at Offset, on this Guest or on a new one.
type LostError struct {
	RunID  string
	Offset int64  // of the first byte of the journal that was not delivered
	Seq    uint64 // of the last record that was delivered, 0 if none
	Err    error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("follow run %s: contact lost after record %d, at offset %d of its journal: %v", e.RunID, e.Seq, e.Offset, e.Err)
}
func (e *LostError) Unwrap() error { return e.Err }

// Position is where to follow the journal from.
func (e *LostError) Position() Position { return Position{Offset: e.Offset, Seq: e.Seq} }

// EndedError is a run whose process in the guest is gone although its journal has no run-end.
type EndedError struct {
	RunID     string
	Offset    int64
	Seq       uint64
	Complaint string
}

func (e *EndedError) Error() string {
	s := fmt.Sprintf("follow run %s: its process in the guest ended after record %d without writing run-end (crashed, killed, or the guest rebooted)", e.RunID, e.Seq)
	if e.Complaint != "" {
		s += ": " + e.Complaint
	}
	return s
}

// JournalError is a journal that says something it can't.
type JournalError struct {
	RunID  string
	Offset int64 // of the line
	Err    error
}

func (e *JournalError) Error() string {
	return fmt.Sprintf("journal of run %s, at offset %d: %v", e.RunID, e.Offset, e.Err)
}
func (e *JournalError) Unwrap() error { return e.Err }

// BootstrapError is a guest that has no agent and could not be given one.
type BootstrapError struct {
	Agent  string // where it should be in the guest
	Kind   string // "wine", "windows", or "" where even that could not be found out
	Tried  []BootstrapAttempt
	Advice string
}

// BootstrapAttempt is one way of bringing the agent into a guest, and why it did not work.
type BootstrapAttempt struct {
	Way string
	Err error
}

func (e *BootstrapError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bring the agent into the guest as %s", e.Agent)
	for i, t := range e.Tried {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", sep, t.Way, t.Err)
	}
	if e.Advice != "" {
		b.WriteString("; " + e.Advice)
	}
	return b.String()
}

func (e *BootstrapError) Unwrap() []error {
	var errs []error
	for _, t := range e.Tried {
		errs = append(errs, t.Err)
	}
	return errs
}

// ErrClosed is what a Guest that was closed answers.
var ErrClosed = errors.New("the connection to the guest was closed")

// passing reports whether err may go away by itself, so that an idempotent operation is worth
// doing again: an unanswered request, a shell that is lost, bytes damaged on the way, a process that was ended before
// its first word, a run that can't be given orders yet. What a live agent refused, and what the caller ended, will not.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if agent, ok := errors.AsType[*AgentError](err); ok && (agent.mute() || agent.ExitCode == notYetExit) {
		return true
	}
	unanswered, _ := remote.IsUnanswered(err)
	return unanswered || shellLost(err) || broke(err) || errors.Is(err, errFrameCRC)
}

// broke reports whether err is a server that failed without a word of its service: what is in front of WinRM
// (http.sys, a proxy), or a service that is on its way down or up.
func broke(err error) bool {
	f, ok := errors.AsType[*remote.Fault](err)
	return ok && f.HTTPStatus >= 500 && f.Code == 0 && f.Subcode == ""
}

// MayPass reports whether a Connect that failed with err is worth doing again: nobody answered, or the shell
// went away in the middle. What the guest refused, and what the caller ended, will not pass.
func MayPass(ctx context.Context, err error) bool { return passing(ctx, err) }

// MayPassBooting reports whether a Connect that failed with err is worth doing again while the machine boots: what may pass
// at any time, and the answers of a service that is on its way up, which knows neither its users (401) nor its own address
// (404) yet. refused says that it was the credentials that were not accepted: an account may be locked after a few.
func MayPassBooting(ctx context.Context, err error) (may, refused bool) {
	f, ok := errors.AsType[*remote.Fault](err)
	switch {
	case ctx.Err() != nil || !ok || f.Code != 0:
	case f.HTTPStatus == http.StatusUnauthorized:
		return true, true
	case f.HTTPStatus == http.StatusNotFound:
		return true, false
	}
	return passing(ctx, err), false
}

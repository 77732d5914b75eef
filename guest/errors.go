package guest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/remote"
)

// RebootedError is a guest that came back with another boot id: what was going on in it is over.
type RebootedError struct {
	Was, Now string // boot ids
}

func (e *RebootedError) Error() string {
	return fmt.Sprintf("the guest has rebooted: its boot id was %s and is now %s", e.Was, e.Now)
}

// LostError is a journal whose following was cut off: the run may well go on in the guest. Go on
// with [Guest.Follow] at its Position, on this Guest or on a new one.
type LostError struct {
	RunID string
	journal.Position
	Err error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("follow run %s: contact lost after record %d, at offset %d of its journal: %v", e.RunID, e.Seq, e.Offset, e.Err)
}
func (e *LostError) Unwrap() error { return e.Err }

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

// bootstrapError is a guest that has no agent and could not be given one.
type bootstrapError struct {
	agent  string // where it should be in the guest
	kind   string // KindWine, KindWindows, or "" where even that could not be found out
	tried  []bootstrapAttempt
	advice string
}

// bootstrapAttempt is one way of bringing the agent into a guest, and why it did not work.
type bootstrapAttempt struct {
	way string
	err error
}

func (e *bootstrapError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bring the agent into the guest as %s", e.agent)
	for i, t := range e.tried {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", sep, t.way, t.err)
	}
	if e.advice != "" {
		b.WriteString("; " + e.advice)
	}
	return b.String()
}

func (e *bootstrapError) Unwrap() []error {
	var errs []error
	for _, t := range e.tried {
		errs = append(errs, t.err)
	}
	return errs
}

// ErrClosed is what a Guest that was closed answers.
var ErrClosed = errors.New("the connection to the guest was closed")

// MayPass reports whether a Connect that failed with err is worth doing again: nobody answered, or the shell
// went away in the middle. What the guest refused, and what the caller ended, will not pass.
func MayPass(ctx context.Context, err error) bool { return agent.Passing(ctx, err) }

// mayPassBooting reports whether a Connect that failed with err is worth doing again while the machine boots: what may pass
// at any time, and the answers of a service that is on its way up, which knows neither its users (401) nor its own address
// (404) yet. refused says that it was the credentials that were not accepted: an account may be locked after a few.
func mayPassBooting(ctx context.Context, err error) (may, refused bool) {
	f, ok := errors.AsType[*remote.Fault](err)
	switch {
	case ctx.Err() != nil || !ok || f.Code != 0:
	case f.HTTPStatus == http.StatusUnauthorized:
		return true, true
	case f.HTTPStatus == http.StatusNotFound:
		return true, false
	}
	return agent.Passing(ctx, err), false
}

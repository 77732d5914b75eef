package remote

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"wskharness/remote/internal/wsman"
	"wskharness/winerr"
)

// Fault is an answer other than success.
type Fault struct {
	Action     string // what was asked: Create, Command, Send, Receive, Signal, Delete, Get, Enumerate
	HTTPStatus int    // 200 only if a server wraps a fault in a success
	Code       uint32 // the server's own code; 0 where it gave none (a bare HTTP status)
	Subcode    string // without prefix: TimedOut, InvalidSelectors, …
	Reason     string // one line for people, in the server's language
	Detail     string // what the server adds, if it differs from Reason
	Provider   string // the plug-in that failed, where the server names it

	SessionOver bool // a 401 to one who had been accepted: nothing was carried out, and he has to authenticate anew
}

func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s answered with HTTP %d", f.Action, f.HTTPStatus)
	if f.Code != 0 {
		fmt.Fprintf(&b, ", code %d", f.Code)
	}
	if f.Subcode != "" {
		fmt.Fprintf(&b, " (%s)", f.Subcode)
	}
	text := f.Reason
	if f.Detail != "" {
		text = f.Detail
	}
	if text != "" {
		b.WriteString(": " + text)
	}
	if advice := f.advice(); advice != "" {
		b.WriteString("; " + advice)
	}
	return b.String()
}

// Win32 is the error that Code is, bare or as an HRESULT; ErrorSuccess where it is none, but one of
// WS-Management.
func (f *Fault) Win32() winerr.Win32 {
	if code, ok := winerr.FromHRESULT(f.Code); ok {
		return code
	}
	return winerr.ErrorSuccess
}

func (f *Fault) advice() string {
	switch {
	case f.HTTPStatus == http.StatusUnauthorized:
		return "check user and password, and that the server allows this kind of authentication (winrm get winrm/config/service/auth)"
	case f.HTTPStatus == http.StatusNotFound:
		return "check the path of the address: WinRM answers at /wsman"
	case IsQuota(f):
		return "close shells that are not needed (winrm enumerate winrm/config/shell), or raise the limit (winrm get winrm/config/winrs)"
	case f.Win32() == winerr.ErrorAccessDenied:
		return "the user needs to be an administrator of the machine or a member of Remote Management Users"
	}
	return ""
}

// ConnError is a request that got no answer, or one that cannot be trusted.
type ConnError struct {
	Action string // as in Fault
	URL    string

	// Sent says that the request, or part of it, may have reached the server: what it asked for
	// may have been done. When false it certainly was not.
	Sent bool

	Err error
}

func (e *ConnError) Error() string {
	how := "not sent"
	if e.Sent {
		how = "no answer; it may have been carried out"
	}
	return fmt.Sprintf("%s to %s: %v (%s)", e.Action, e.URL, e.Err, how)
}

func (e *ConnError) Unwrap() error { return e.Err }

// ErrUnread is what a command ends with when one of its outputs grew beyond what may be held for it
// while nobody ever read it and somebody waited for the other, or for the end. See [Command].
var ErrUnread = errors.New("an output of the command is not being read")

// ErrOutputLimit is what Run ends with when an output is longer than Options.MaxOutput.
var ErrOutputLimit = errors.New("the command's output is longer than the limit")

// ErrShellClosed is what commands end with when their shell is closed under them.
var ErrShellClosed = errors.New("the shell was closed")

// ErrNotStarted is an ErrShellClosed of a command of which the server has heard nothing.
var ErrNotStarted = fmt.Errorf("%w before", ErrShellClosed)

// isTimeout reports whether err is a fault that says that an operation had nothing to report within
// its time-out. It is no failure: ask again.
func isTimeout(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Code == wsman.CodeTimedOut
}

// IsGone reports whether err says that the shell or the command is no longer there: ended by
// somebody, by its idle time-out, by a restart of the service, or with the machine.
func IsGone(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		return false
	}
	switch f.Win32() {
	case winerr.ErrorKeyDeleted, winerr.ErrorOperationAborted: // the user's hive was unloaded, or the shell torn down, under the operation
		return true
	}
	return f.Code == wsman.CodeUnexpectedSelectors
}

// IsQuota reports whether err says that one of the server's quotas is used up.
func IsQuota(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		return false
	}
	switch f.Code {
	case wsman.CodeQuotaShells, wsman.CodeQuotaOperations, wsman.CodeQuotaUser, wsman.CodeQuotaSystem, wsman.CodeQuotaShellUsers, wsman.CodeQuotaCommands,
		wsman.CodeQuotaShellsPPQ, wsman.CodeQuotaUsersPPQ, wsman.CodeQuotaPluginShells,
		wsman.CodeQuotaPluginOperations, wsman.CodeQuotaUserOperations:
		return true
	}
	return false
}

// isEnvelopeLimit reports whether err says that a request was too large for the server. Such a
// request was certainly not carried out.
func isEnvelopeLimit(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		return false
	}
	switch f.Code {
	case wsman.CodeMaxEnvelope, wsman.CodeMaxEnvelopeExceeded, wsman.CodeServerEnvelopeLimit:
		return true
	}
	return f.HTTPStatus == http.StatusRequestEntityTooLarge
}

// isBrokenPipe reports whether err says that the command's end of a stream is closed.
func isBrokenPipe(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Win32() == winerr.ErrorBrokenPipe
}

// IsUnanswered reports whether err is a request that got no answer, and whether it may have been
// carried out all the same.
func IsUnanswered(err error) (unanswered, maybeDone bool) {
	e, ok := errors.AsType[*ConnError](err)
	return ok, ok && e.Sent
}

// faultIn takes the fault out of a SOAP body, nil when there is none.
func faultIn(env wsman.Envelope, action string, status int) *Fault {
	soap := env.Body.Child(wsman.NSEnvelope, "Fault")
	if soap == nil {
		return nil
	}
	code := soap.Child(wsman.NSEnvelope, "Code")
	f := &Fault{
		Action:     action,
		HTTPStatus: status,
		Subcode:    localName(code.Child(wsman.NSEnvelope, "Subcode").Child(wsman.NSEnvelope, "Value").Content()),
		Reason:     oneLine(soap.Child(wsman.NSEnvelope, "Reason").Child(wsman.NSEnvelope, "Text").Content()),
	}
	if f.Subcode == "" {
		f.Subcode = localName(code.Child(wsman.NSEnvelope, "Value").Content())
	}
	detail := soap.Child(wsman.NSEnvelope, "Detail").Child(wsman.NSFault, "WSManFault")
	f.Code = parseCode(detail.Attr("", "Code"))
	message := detail.Child(wsman.NSFault, "Message")
	text := message.Content()
	if provider := message.Child(wsman.NSFault, "ProviderFault"); provider != nil {
		f.Provider = oneLine(provider.Attr("", "provider"))
		text = provider.Content()
		if inner := provider.Child(wsman.NSFault, "WSManFault"); inner != nil {
			text = inner.Child(wsman.NSFault, "Message").Content()
			if f.Code == 0 {
				f.Code = parseCode(inner.Attr("", "Code"))
			}
		}
	}
	if text = oneLine(text); text != f.Reason {
		f.Detail = text
	}
	return f
}

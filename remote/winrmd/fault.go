package winrmd

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"wskharness/remote/internal/wsman"
	"wskharness/winerr"
)

// fault is what a request ends in when it does not succeed.
type fault struct {
	status   int    // of HTTP; 500 when zero, recorded for every fault
	sender   bool   // the client's mistake
	value    string // overrides s:Sender and s:Receiver
	subcode  string // with prefix, as Windows writes them
	reason   string
	detail   string // w:FaultDetail: the last part of its address
	code     uint32
	message  string // of f:WSManFault; the reason when empty
	provider bool   // the failure is the shell plug-in's
}

func (f *fault) Error() string { return fmt.Sprintf("fault %d %s: %s", f.code, f.subcode, f.reason) }

const faultDetail = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

// timedOut: recorded.
func timedOut() *fault {
	return &fault{subcode: "w:TimedOut", code: wsman.CodeTimedOut,
		reason: "Nothing happened within the OperationTimeout of the request."}
}

// unexpectedSelectors: recorded for a command that does not exist.
func unexpectedSelectors(message string) *fault {
	return &fault{sender: true, subcode: "w:InvalidSelectors", detail: "UnexpectedSelectors", code: wsman.CodeUnexpectedSelectors,
		reason:  "The request's selectors do not name anything that exists here.",
		message: message}
}

func noCommand() *fault {
	return unexpectedSelectors("There is no command with this identifier: it has ended and was released, or never was.")
}

func noShell(id string) *fault {
	return unexpectedSelectors("There is no shell " + id + ": it was deleted, was idle for too long, or never was. Create another.")
}

// notStarted: recorded for a program that does not exist. On a machine that goes down it is not recorded.
func notStarted(err error) *fault {
	if errors.Is(err, ErrGoingDown) {
		return aborted()
	}
	f := &fault{subcode: "w:InternalError", provider: true, reason: err.Error()}
	host, ours := errors.AsType[*Error](err)
	switch {
	case ours:
		f.code, f.reason = host.Win32.HRESULT(), host.Message
	case errors.Is(err, fs.ErrNotExist):
		f.code, f.reason = winerr.ErrorFileNotFound.HRESULT(), "There is no such program. Without cmd.exe a full path is needed."
	case errors.Is(err, fs.ErrPermission):
		f.code, f.reason = winerr.ErrorAccessDenied.HRESULT(), "The user may not start this program."
	default:
		f.code = 0x80004005 // E_FAIL
	}
	return f
}

// brokenPipe: the command takes no more input. Not recorded.
func brokenPipe() *fault {
	return &fault{subcode: "w:InternalError", provider: true, code: uint32(winerr.ErrorBrokenPipe), reason: "The command takes no more input."}
}

// sendTimedOut: the command did not take its input in time. Not recorded.
func sendTimedOut() *fault {
	return &fault{subcode: "w:InternalError", provider: true, code: uint32(winerr.ErrorTimeout), reason: "The command did not take its input within the OperationTimeout of the request."}
}

// aborted: the shell was torn down under the operation.
func aborted() *fault {
	return &fault{subcode: "w:InternalError", provider: true, code: uint32(winerr.ErrorOperationAborted),
		reason: "The shell was torn down while the request was being carried out."}
}

// quota faults: codes from wsmerror.h, the subcode from DSP0226; not recorded.
func quota(code uint32, reason string) *fault {
	return &fault{subcode: "w:QuotaLimit", code: code, reason: reason}
}

func tooManyShells(limit int) *fault {
	return quota(wsman.CodeQuotaShells, fmt.Sprintf("The user has %d shells already, which is the limit (MaxShellsPerUser).", limit))
}

func tooManyCommands(limit int) *fault {
	return quota(wsman.CodeQuotaCommands, fmt.Sprintf("The shell has %d commands that were not released, which is the limit (MaxProcessesPerShell).", limit))
}

func invalidXML(err error) *fault {
	return &fault{sender: true, subcode: "w:SchemaValidationError", code: wsman.CodeInvalidXML,
		reason: "The request does not have the form that its schema wants.", message: "Not a SOAP message: " + err.Error()}
}

func invalidBody(what string) *fault {
	return &fault{sender: true, subcode: "w:SchemaValidationError", code: wsman.CodeSchemaValidation,
		reason: "The request does not have the form that its schema wants.", message: "The body is not as it should be: " + what + "."}
}

func missingHeader(name string) *fault {
	return &fault{sender: true, subcode: "a:MessageInformationHeaderRequired", code: wsman.CodeHeaderRequired,
		reason: "The request lacks the header " + name + "."}
}

func invalidHeader(name string) *fault {
	return &fault{sender: true, subcode: "a:InvalidMessageInformationHeader", code: wsman.CodeInvalidHeader,
		reason: "The header " + name + " of the request cannot be read."}
}

func notUnderstood(name string) *fault {
	return &fault{value: "s:MustUnderstand", code: wsman.CodeMustUnderstand,
		reason: "The header " + name + " must be understood, and is not."}
}

func unsupportedAction(action string) *fault {
	return &fault{sender: true, subcode: "a:ActionNotSupported", code: wsman.CodeInvalidAction,
		reason: "The request asks for an action that is not known.", message: "The action " + clip(action) + " is not known for this resource."}
}

func invalidResource(resource string) *fault {
	return &fault{sender: true, subcode: "a:DestinationUnreachable", detail: "InvalidResourceURI", code: wsman.CodeInvalidResourceURI,
		reason: "The request names no resource that is known.", message: "The resource " + clip(resource) + " is not known."}
}

func invalidOptions(code uint32) *fault {
	return &fault{sender: true, subcode: "w:InvalidOptions", detail: "InvalidName", code: code,
		reason: "An option of the request is not known, or has no valid value."}
}

// invalidCodepage: what Windows says of one that it does not have was not recorded.
func invalidCodepage(codepage string) *fault {
	f := invalidOptions(wsman.CodeInvalidOptionValue)
	f.detail = "InvalidValue"
	f.reason = "The console cannot have the code page " + clip(codepage) + " that " + wsman.OptionCodepage + " asks for; 65001 is UTF-8."
	return f
}

func envelopeTooSmall() *fault {
	return &fault{sender: true, subcode: "w:EncodingLimit", detail: "MinimumEnvelopeLimit", code: wsman.CodeMinEnvelope,
		reason: fmt.Sprintf("The MaxEnvelopeSize of the request is less than %d bytes.", minEnvelope)}
}

func clip(text string) string {
	if len(text) > 200 {
		text = text[:200]
	}
	return strings.ToValidUTF8(text, "?")
}

// write puts the fault into an answer.
func (f *fault) write(a *answer, machine string) {
	value := f.value
	switch {
	case value != "":
	case f.sender:
		value = "s:Sender"
	default:
		value = "s:Receiver"
	}
	a.action, a.status = wsman.ActionFault, f.status
	if a.status == 0 {
		a.status = http.StatusInternalServerError
	}
	if strings.HasPrefix(f.subcode, "a:") {
		a.action = wsman.ActionAddressingFault
	}
	message := f.message
	if message == "" {
		message = f.reason
	}
	b := &a.body
	b.raw("<s:Fault><s:Code><s:Value>", value, "</s:Value>")
	if f.subcode != "" {
		b.raw("<s:Subcode><s:Value>", f.subcode, "</s:Value></s:Subcode>")
	}
	b.raw(`</s:Code><s:Reason><s:Text xml:lang="en-US">`).text(f.reason).raw("</s:Text></s:Reason><s:Detail>")
	if f.detail != "" {
		b.raw("<w:FaultDetail>", faultDetail, f.detail, "</w:FaultDetail>")
	}
	b.raw(`<f:WSManFault xmlns:f="`, wsman.NSFault, `" Code="`, fmt.Sprint(f.code), `" Machine="`).text(machine).raw(`"><f:Message>`)
	if f.provider {
		b.raw(`<f:ProviderFault provider="Shell cmd plugin" path="%systemroot%\system32\winrscmd.dll">`).text(message).raw("</f:ProviderFault>")
	} else {
		b.text(message)
	}
	b.raw("</f:Message></f:WSManFault></s:Detail></s:Fault>")
}

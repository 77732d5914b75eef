package powershell

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wskharness/guest/untrusted"
	"wskharness/winerr"
)

// Error is what a script failed with: the error record of PowerShell. All but the messages is the same in every language of Windows.
type Error struct {
	Script, Host string
	// ID is the FullyQualifiedErrorId: a word of the cmdlet's, a comma, and the class that the cmdlet is, as in
	// "ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM".
	ID       string
	Category Category
	Activity string // the cmdlet's name, or empty
	Target   string // what it was about, where it says so
	Line     int    // of the script
	// Exceptions are what was thrown and what that was because of, outermost first; at most six.
	Exceptions []Exception
}

// Exception is one exception of .NET.
type Exception struct {
	Type    string `json:"type"` // with its namespace
	HResult int32  `json:"hresult"`
	Message string `json:"message"` // in the host's language; on one line
}

// Error has no hint of what to do: whoever has asked knows better.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s on %s: %s", e.Script, e.Host, e.Message())
	if e.ID != "" {
		text += " (" + e.ID + ")"
	}
	return text
}

// Message is what the host says of it, in its own language, on one line.
func (e *Error) Message() string {
	if len(e.Exceptions) == 0 || e.Exceptions[0].Message == "" {
		return "an error without a message"
	}
	return e.Exceptions[0].Message
}

// Word is the cmdlet's own word for the error: what is before the comma in its ID.
func (e *Error) Word() string {
	word, _, _ := strings.Cut(e.ID, ",")
	return word
}

// codeInText is an error number as Windows' own messages have it in whichever language: "(0x8007000E)".
var codeInText = regexp.MustCompile(`\(0x([0-9A-Fa-f]{8})\)`)

// Has reports whether one of the exceptions is of that number, an HRESULT, or has it in its message, where those of Hyper-V have
// what they failed with.
func (e *Error) Has(hresult uint32) bool { return slices.Contains(e.numbers(), hresult) }

// Win32 reports whether it is a Win32 error, as an HRESULT (0x8007xxxx).
func (e *Error) Win32(code winerr.Win32) bool { return e.Has(0x80070000 | uint32(code)&0xFFFF) }

func (e *Error) numbers() []uint32 {
	var numbers []uint32
	for _, x := range e.Exceptions {
		numbers = append(numbers, uint32(x.HResult))
		for _, found := range codeInText.FindAllStringSubmatch(x.Message, -1) {
			number, _ := strconv.ParseUint(found[1], 16, 32)
			numbers = append(numbers, uint32(number))
		}
	}
	return numbers
}

// Category is System.Management.Automation.ErrorCategory.
type Category int

// The categories that are told apart.
const (
	InvalidArgument     Category = 5
	InvalidOperation    Category = 7
	ObjectNotFound      Category = 13
	PermissionDenied    Category = 18
	ResourceUnavailable Category = 20
)

// failure is an error as the wrapper writes it.
type failure struct {
	ID         string          `json:"id"`
	Category   Category        `json:"category"`
	Activity   string          `json:"activity"`
	Target     string          `json:"target"`
	Line       int             `json:"line"`
	Exceptions List[Exception] `json:"exceptions"`
}

// What is kept of an error, in bytes.
const (
	maxWord    = 200
	maxMessage = 2000
)

func (f *failure) typed(script, host string) *Error {
	word := func(s string) string { return untrusted.Clip(untrusted.Printable([]byte(s)), maxWord) }
	e := &Error{Script: script, Host: host, ID: word(f.ID), Category: f.Category, Activity: word(f.Activity), Target: word(f.Target), Line: f.Line}
	for _, x := range f.Exceptions[:min(len(f.Exceptions), 6)] {
		x.Type, x.Message = word(x.Type), untrusted.Clip(untrusted.Printable([]byte(x.Message)), maxMessage)
		e.Exceptions = append(e.Exceptions, x)
	}
	return e
}

// NoAnswerError says that PowerShell ran to its end and gave no answer, or none that can be read.
type NoAnswerError struct {
	Script, Host string
	ExitCode     uint32
	Said         string // what it printed instead, on one line; hostile
	Err          error
}

func (e *NoAnswerError) Unwrap() error { return e.Err }

func (e *NoAnswerError) Error() string {
	text := fmt.Sprintf("%s: PowerShell on %s has ended with exit code %d, and %v", e.Script, e.Host, e.ExitCode, e.Err)
	if e.Said != "" {
		text += ": " + e.Said
	}
	if hint := e.hint(); hint != "" {
		text += "; " + hint
	}
	return text
}

// notFound is what cmd.exe ends with when there is no such program.
const notFound = 9009

// hint is what is to be done, for the causes that can be told.
func (e *NoAnswerError) hint() string {
	// In an error that PowerShell prints for people, a word may be broken at the end of a line.
	printed := strings.ReplaceAll(e.Said, " ", "")
	switch {
	case strings.Contains(printed, "ConstrainedLanguage"):
		return "an application control policy (AppLocker, App Control) has PowerShell in its constrained language mode for this account: log on with one that it does not bind"
	case strings.Contains(printed, "ScriptContainedMaliciousContent"):
		return "the host's virus scanner has blocked the script: look into its log, and make an exception"
	case e.ExitCode == notFound:
		return "is powershell.exe in the PATH there?"
	}
	return ""
}

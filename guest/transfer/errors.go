package transfer

import (
	"fmt"
	"strings"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
	"wskharness/guest/untrusted"
	"wskharness/winerr"
)

// Error is a file that the agent refused to take or to send, in its own words.
type Error struct {
	Doing string // push or pull
	Path  string // in the guest; empty when it is about the transfer as a whole
	Win32 winerr.Win32
	Text  string
}

func (e *Error) Error() string {
	what := e.Doing
	if e.Path != "" {
		what += " " + e.Path
	}
	if e.Text != "" {
		return what + ": the agent: " + e.Text
	}
	return fmt.Sprintf("%s: the agent: %s", what, e.Win32)
}

// NoRoom reports a volume of the guest that is full: Text says how much is free on it, and how much is needed.
func (e *Error) NoRoom() bool {
	return e.Win32 == winerr.ErrorDiskFull || e.Win32 == winerr.ErrorHandleDiskFull
}

// refusal is an ERROR frame as an error.
func refusal(doing, path string, f frame.Frame) *Error {
	return &Error{Doing: doing, Path: path, Win32: winerr.Win32(f.Offset), Text: untrusted.Clip(untrusted.Printable(f.Payload), agent.MaxComplaint)}
}

// NamesError is every path of a transfer that can't be taken.
type NamesError struct {
	Doing string
	Rest  bool // all else was moved; false: nothing was
	Total int
	First []error // at most maxNames of them, each with its path
}

const maxNames = 100

func (e *NamesError) add(path string, why error) {
	if e.Total++; len(e.First) < maxNames {
		e.First = append(e.First, fmt.Errorf("%s: %w", untrusted.Clip(untrusted.Printable([]byte(path)), 300), why))
	}
}

// err is e where there is anything in it.
func (e *NamesError) err() error {
	if e.Total == 0 {
		return nil
	}
	return e
}

func (e *NamesError) Error() string {
	var b strings.Builder
	paths := "1 path"
	if e.Total > 1 {
		paths = fmt.Sprintf("%d paths", e.Total)
	}
	if e.Rest {
		fmt.Fprintf(&b, "%s: all but %s", e.Doing, paths)
	} else {
		fmt.Fprintf(&b, "%s: nothing was moved, because of %s", e.Doing, paths)
	}
	for _, one := range e.First {
		b.WriteString("\n  " + one.Error())
	}
	if more := e.Total - len(e.First); more > 0 {
		fmt.Fprintf(&b, "\n  … and %d more", more)
	}
	return b.String()
}

func (e *NamesError) Unwrap() []error { return e.First }

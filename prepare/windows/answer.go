package windows

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"wskharness/guest/untrusted"
	"wskharness/vm/powershell"
	"wskharness/winerr"
)

// Answer is what came of a call. It is a guest's word: its size is bounded and its type is one that the call can have, but what
// stands in its texts is anything.
type Answer struct {
	Type      string                             `json:"type"`
	Data      string                             `json:"data"`
	Key       string                             `json:"key"`
	Name      string                             `json:"name"`
	Exit      int64                              `json:"exit"` // of a program; Windows has 32 bits, with or without a sign
	Complaint string                             `json:"complaint"`
	Values    powershell.List[Answer]            `json:"values"`
	Objects   powershell.List[map[string]string] `json:"objects"`
	Error     string                             `json:"error"`
	Code      winerr.Win32                       `json:"code"` // of the error, where it is one of Win32
}

// Types of answers beside those of registry values.
const (
	failed  = "Failed"
	skipped = "Skipped" // a call before it failed, which was to change something
	exit    = "Exit"
	object  = "Object"
)

// CallError is a call that failed.
type CallError struct {
	Call Call
	Code winerr.Win32 // ErrorSuccess where it is not known
	Text string       // in the language of the Windows
}

func (e *CallError) Error() string {
	text := fmt.Sprintf("%s: %s", e.Call.describe(), untrusted.Clip(untrusted.Printable([]byte(e.Text)), 300))
	if e.Code != winerr.ErrorSuccess {
		text += " (" + e.Code.String() + ")"
	}
	return text
}

// errSkipped is a call that was not executed, since one before it failed.
var errSkipped = errors.New("not executed, since what was to be done before it failed")

// Err is why a call failed, and nil where it did not.
func (a Answer) Err(c Call) error {
	switch a.Type {
	case failed:
		return &CallError{Call: c, Code: a.Code, Text: a.Error}
	case skipped:
		return errSkipped
	}
	return nil
}

// Output is what a program printed, in whatever code page.
func (a Answer) Output() string {
	raw, _ := base64.StdEncoding.DecodeString(a.Data)
	return string(raw)
}

// Bytes are what a file, or a certificate, consists of.
func (a Answer) Bytes() ([]byte, error) { return base64.StdEncoding.DecodeString(a.Data) }

// First is the first object that was found; nil where none was.
func (a Answer) First() map[string]string {
	if len(a.Objects) == 0 {
		return nil
	}
	return a.Objects[0]
}

// describe names a call for an error: the command as it can be typed, or what it reads.
func (c Call) describe() string {
	switch c.Do {
	case "run":
		return strings.TrimSpace(c.Program + " " + c.Line)
	case "value", "setValue", "deleteValue":
		return fmt.Sprintf(`%s HKLM\%s, %s`, map[string]string{"value": "read", "setValue": "set", "deleteValue": "delete"}[c.Do], c.Key, c.Name)
	case "values":
		return fmt.Sprintf(`read HKLM\%s, %s…`, c.Key, c.Name)
	case "element":
		return fmt.Sprintf("read element %s of %s of the boot configuration", c.Name, c.Data)
	case "certificate", "addCertificate", "removeCertificate":
		return fmt.Sprintf("%s in the machine's store %s", c.Do, c.Store)
	case "file", "exists", "writeFile", "deleteFile", "copyFile":
		return c.Do + " " + c.Path
	case "objects":
		return "ask WMI: " + c.Query
	case "addMapping", "removeMapping":
		return fmt.Sprintf("%s of %s, issued by %s, in winrm/config/service/certmapping", c.Do, c.Data, c.Name)
	case "wsman", "setWSMan":
		return strings.TrimSpace(c.Do + " " + c.Resource + " " + c.Name)
	}
	return c.Do
}

// Bounds of what is read.
const (
	maxData  = 8 << 20
	maxItems = 1000
	maxDepth = 1 // answers in an answer
)

// check finds what an answer can't be.
func (a Answer) check(depth int) error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	for _, text := range []string{a.Type, a.Data, a.Key, a.Name, a.Complaint, a.Error} {
		if len(text) > maxData || !utf8.ValidString(text) {
			wrong("a text is longer than %d bytes, or no UTF-8", maxData)
		}
	}
	switch {
	case len(a.Values) > 0 && depth >= maxDepth:
		wrong("answers are in each other %d deep", depth+1)
	case len(a.Values) > maxItems || len(a.Objects) > maxItems:
		wrong("more than %d of a sort", maxItems)
	case a.Exit < -1<<31 || a.Exit >= 1<<32:
		wrong("exit code %d", a.Exit)
	}
	switch a.Type {
	case exit, File, Certificate:
		if _, err := base64.StdEncoding.DecodeString(a.Data); err != nil {
			wrong("%s: %w", a.Type, err)
		}
	case object, "Account":
		if len(a.Objects) != 1 {
			wrong("%s of %d objects", a.Type, len(a.Objects))
		}
	}
	if len(mistakes) == 0 {
		for _, v := range a.Values {
			mistakes = append(mistakes, v.check(depth+1))
		}
	}
	return errors.Join(mistakes...)
}

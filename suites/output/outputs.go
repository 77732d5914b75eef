// Package output is about what steps write: what a suite demands of it, and how it is shown.
package output

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"

	"wskharness/driver/abi"
	"wskharness/suites/report"
)

// Max is the most that a guest keeps of one output of a step.
const Max = abi.PlanReportBytes

// Outputs is what a step of the agent wrote, as the guest reports it: the beginning of it, where it is longer.
type Outputs struct {
	Out, Err, Report                []byte
	OutBytes, ErrBytes, ReportBytes uint64 // how much there was
	OutEnd, ErrEnd                  []byte // the last of it, of a stream that is longer than what is kept of its beginning
	Pages                           CodePages
}

// End is where the end of that stream goes.
func (o *Outputs) End(of string) *[]byte {
	if of == Stderr.String() {
		return &o.ErrEnd
	}
	return &o.OutEnd
}

// CodePages are those of a guest, in which its programs write what is not Unicode; 0: not known. What they write to a
// stream is taken to be of the OEM page, which consoles have, and what they write to a file of the ANSI page.
type CodePages struct {
	ANSI uint16 `json:"ansi,omitempty"`
	OEM  uint16 `json:"oem,omitempty"`
}

// Stream is one of those that a program writes to.
type Stream int

const (
	Stdout Stream = iota
	Stderr
)

func (s Stream) String() string { return [...]string{"stdout", "stderr"}[s] }

// of is what was written to the stream, and how much that was.
func (o Outputs) of(s Stream) (data []byte, total uint64) {
	if s == Stderr {
		return o.Err, o.ErrBytes
	}
	return o.Out, o.OutBytes
}

// Decode is what a program wrote to a stream, as a text of ours is written.
func (o Outputs) Decode(data []byte) string { return report.Text(data, report.CodePage(o.Pages.OEM)) }

func trimEnd(text string) string { return strings.TrimRight(text, "\n") }

// Quote quotes a text for a message, as much of it as somebody reads there.
func Quote(text string) string {
	const most = 300
	text = trimEnd(text)
	if len(text) > most {
		kept := strings.ToValidUTF8(text[:most], "")
		return fmt.Sprintf("%q and %d bytes more", kept, len(text)-len(kept))
	}
	return fmt.Sprintf("%q", text)
}

// Hex likewise, of bytes.
func Hex(data []byte) string {
	const most = 64
	if len(data) == 0 {
		return "no bytes"
	}
	text := hex.EncodeToString(data[:min(len(data), most)])
	if rest := len(data) - most; rest > 0 {
		text += fmt.Sprintf(" and %d bytes more", rest)
	}
	return text
}

// UTF16 is a text as Windows keeps it, without a NUL at its end.
func UTF16(text string) []byte {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}

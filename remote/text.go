package remote

import (
	"strconv"
	"strings"
	"unicode"
)

// longest text that a server may put into one of our error messages, in bytes
const maxReason = 1024

// oneLine makes a server's text fit for a message: one line, no control characters, bounded.
func oneLine(text string) string {
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// localName takes the prefix off a qualified name.
func localName(qname string) string {
	if i := strings.LastIndexByte(qname, ':'); i >= 0 {
		qname = qname[i+1:]
	}
	return oneLine(qname)
}

// parseCode reads a fault code or an exit code: an unsigned 32-bit number, which some servers write
// as a signed one.
func parseCode(text string) uint32 {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n)
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return uint32(int32(n))
	}
	return 0
}

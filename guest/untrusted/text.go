// Package untrusted reads what a guest has said: text that people will see, one JSON object, its fields. A guest is
// hostile, so whatever it says is bounded and checked before it is believed, and made printable before it is shown.
package untrusted

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clip shortens text to at most n bytes, and an ellipsis that says so. It never cuts a character in two.
func Clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// Printable gives text on one line, without control characters, and without those that have a terminal or a page show it in another
// order than it is written.
func Printable(b []byte) string {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// CheckSHA256 says whether s is a SHA-256 in lower-case hex.
func CheckSHA256(s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 || strings.ToLower(s) != s {
		return fmt.Errorf("%q is no SHA-256 in lower-case hex", Clip(s, 80))
	}
	return nil
}

// IsGUID reports whether s is a GUID, without braces.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

package output

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

const (
	wantPattern = "{hex: digits and ??}, {text: …}, {utf16: …} or {contains: …}"
	wantPart    = "text, {hex: digits and ??}, {text: …} or {utf16: …}"
)

// hexText is a text of digits in pairs, '?' for those that are left open.
var hexText = regexp.MustCompile(`^([0-9A-Fa-f?]{2})*$`)

// ReadDigits takes {hex: 00 ff}, {text: abc} or {utf16: abc} as hexadecimal digits in lower case; where open, a digit of hex
// may be '?'. Want says in a mistake what could stand there.
func ReadDigits(r *strictyaml.Reporter, n *strictyaml.Node, what string, open bool, want string) (string, bool) {
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) != 1 {
		r.At(n, want, "%s is %s", what, n.Describe())
		return "", false
	}
	key, value := n.Pairs[0].Key, n.Pairs[0].Value
	read := map[string]func() (string, bool){
		"hex":   func() (string, bool) { return value.Text, r.Value(value, what, want) }, // digits are what they are: quotes would add nothing
		"text":  func() (string, bool) { return r.Raw(value, what+": text") },
		"utf16": func() (string, bool) { return r.Raw(value, what+": utf16") },
	}[key.Text]
	if read == nil {
		r.At(key, want, "%s has %s", what, key.Describe())
		return "", false
	}
	text, ok := read()
	if !ok {
		return "", false
	}
	digits := hex.EncodeToString([]byte(text))
	switch key.Text {
	case "hex":
		digits = strings.ToLower(strings.Join(strings.Fields(text), ""))
		if !hexText.MatchString(digits) || !open && strings.Contains(digits, "?") {
			r.At(value, "pairs of hexadecimal digits, in quotes where they could be a number", "%s: hex is %s", what, value.Describe())
			return "", false
		}
	case "utf16":
		digits = hex.EncodeToString(UTF16(text))
	}
	if len(digits) > 2*abi.PlanGenericBytes {
		r.At(value, fmt.Sprintf("at most %d bytes", abi.PlanGenericBytes), "%s has %d bytes", what, len(digits)/2)
		return "", false
	}
	return digits, true
}

// ReadPattern takes what an output has to be: all of it, or what is in it.
func ReadPattern(r *strictyaml.Reporter, n *strictyaml.Node, what string) []Check {
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) != 1 || n.Pairs[0].Key.Text != "contains" {
		digits, ok := ReadDigits(r, n, what, true, wantPattern)
		if !ok {
			return nil
		}
		return []Check{{stream: Stdout, kind: bytesAre, want: digits}}
	}
	value := n.Pairs[0].Value
	parts := []*strictyaml.Node{value}
	if value.Kind == strictyaml.SequenceKind {
		parts = value.Items
	}
	var checks []Check
	for _, part := range parts {
		digits, ok := piece(r, part, what+": contains")
		switch {
		case !ok:
		case digits == "":
			r.At(part, "at least one byte", "%s: an empty part is in any output", what)
		default:
			checks = append(checks, Check{stream: Stdout, kind: bytesIn, want: digits})
		}
	}
	if len(parts) == 0 {
		r.At(value, "a list of at least one", "%s: contains is %s", what, value.CountOrKind())
	}
	return checks
}

// piece reads something that an output contains; a plain value is its text.
func piece(r *strictyaml.Reporter, n *strictyaml.Node, what string) (string, bool) {
	if n.Kind == strictyaml.ScalarKind {
		text, ok := r.Raw(n, what)
		return hex.EncodeToString([]byte(text)), ok
	}
	return ReadDigits(r, n, what, true, wantPart)
}

// patternIs reports whether data is what the digits say, '?' standing for any.
func patternIs(digits string, data []byte) bool {
	return len(digits) == 2*len(data) && patternBegins(digits, data)
}

// patternIn reports whether that is somewhere in data.
func patternIn(digits string, data []byte) bool {
	for at := 0; at+len(digits)/2 <= len(data); at++ {
		if patternBegins(digits, data[at:]) {
			return true
		}
	}
	return false
}

func patternBegins(digits string, data []byte) bool {
	have := hex.EncodeToString(data[:len(digits)/2])
	for i := range digits {
		if digits[i] != '?' && digits[i] != have[i] {
			return false
		}
	}
	return true
}

// patternWords clips digits for a message.
func patternWords(digits string) string {
	const most = 64
	switch {
	case digits == "":
		return "no bytes"
	case len(digits) > 2*most:
		return fmt.Sprintf("%s and %d bytes more", digits[:2*most], len(digits)/2-most)
	}
	return digits
}

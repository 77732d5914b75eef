package crashdump

import (
	"strings"
	"unicode/utf16"
)

// longestName bounds the name of a module, in UTF-16 units: MAX_PATH.
const longestName = 260

// printable keeps what is printed as itself in ASCII; anything else becomes "?". Names in dumps are
// chosen by whoever has written the dump.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// fromUTF16 decodes little-endian UTF-16.
func fromUTF16(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return printable(string(utf16.Decode(units)))
}

// baseName is the last part of a Windows path, in lower case: names differ in case from one
// boot to the next.
func baseName(path string) string { return strings.ToLower(path[strings.LastIndexAny(path, `\/`)+1:]) }

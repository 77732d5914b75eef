package strictyaml

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
)

// decode turns a file into UTF-8 text without a byte order mark, of characters that YAML admits. Editors and shells of
// Windows write UTF-16 (PowerShell's > does), with a mark or, rarely, without. What can't be read, or would be read
// otherwise than it looks, is reported where it stands; ok is then false.
func decode(data []byte, r *Reporter) (text []byte, ok bool) {
	top := &Node{Line: 1, Column: 1}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE, 0, 0}) || bytes.HasPrefix(data, []byte{0, 0, 0xFE, 0xFF}) {
		r.At(top, "UTF-8 text", "the file is in UTF-32")
		return nil, false
	}
	if order, name := utf16Order(data); name != "" {
		text, ok = fromUTF16(data, unicode.UTF16(order, unicode.IgnoreBOM))
		if !ok {
			r.At(top, "UTF-8 text", "the file begins as %s, but is not: half a character is missing in it", name)
			return nil, false
		}
		data = text
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	return data, characters(data, r)
}

// utf16Order recognizes UTF-16 by its byte order mark, or, as section 5.2 of YAML 1.2 says, by the NUL beside the first
// character, which is always of ASCII.
func utf16Order(data []byte) (order unicode.Endianness, name string) {
	switch {
	case len(data) < 2:
	case data[0] == 0xFF && data[1] == 0xFE, data[0] != 0 && data[1] == 0:
		return unicode.LittleEndian, "UTF-16, little-endian"
	case data[0] == 0xFE && data[1] == 0xFF, data[0] == 0 && data[1] != 0:
		return unicode.BigEndian, "UTF-16, big-endian"
	}
	return unicode.LittleEndian, ""
}

// fromUTF16 decodes, and encodes again to see that nothing was replaced.
func fromUTF16(data []byte, e encoding.Encoding) (text []byte, ok bool) {
	text, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return nil, false
	}
	again, err := e.NewEncoder().Bytes(text)
	return text, err == nil && bytes.Equal(again, data)
}

// characters reports bytes that are not UTF-8 and characters that YAML does not admit, or that are not what they seem:
// one of a kind a line.
func characters(data []byte, r *Reporter) bool {
	place := Node{Line: 1, Column: 1}
	toldOn, good := 0, true
	for at := 0; at < len(data) && !r.Full(); {
		char, size := utf8.DecodeRune(data[at:])
		if message, want := strange(char, size, data[at]); message != "" {
			if good = false; toldOn != place.Line {
				toldOn = place.Line
				r.At(&place, want, "%s", message)
			}
		}
		at += size
		place.Column++
		if char == '\n' || char == '\r' && (at == len(data) || data[at] != '\n') {
			place.Line, place.Column = place.Line+1, 1
		}
	}
	return good
}

// strange says what is wrong with a character; "" where nothing is.
func strange(char rune, size int, first byte) (message, want string) {
	switch {
	case char == utf8.RuneError && size == 1:
		return fmt.Sprintf("the byte 0x%02X is not UTF-8", first), "UTF-8 text: an editor of Windows may have saved it as ANSI"
	case char == 0x85 || char == 0x2028 || char == 0x2029:
		return fmt.Sprintf("the character U+%04X, which is the end of a line to YAML 1.1 and text to YAML 1.2", char),
			fmt.Sprintf(`an ordinary end of line, or \u%04x in double quotes`, char)
	case char == 0xFEFF:
		return "a byte order mark, U+FEFF, which can't be seen, in the midst of the file", `none, or \ufeff in double quotes`
	case char < ' ' && char != '\t' && char != '\n' && char != '\r', char >= 0x7F && char < 0xA0, char == 0xFFFE, char == 0xFFFF:
		return fmt.Sprintf("a control character, U+%04X", char), fmt.Sprintf(`text, or \u%04x in double quotes`, char)
	}
	return "", ""
}

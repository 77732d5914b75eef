package wsman

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plain are the bytes that stand for themselves in text, wherever they are; those of characters
// beyond ASCII are looked at only where there are any.
func plain(b byte) bool { return b >= 0x20 && b < 0x80 && b != '&' || b == '\t' || b == '\n' }

// plainPrefix is how many bytes at the beginning are plain. Most of a long text is base64, all of it plain, so
// eight bytes at a time are looked at: those in which every byte is between 0x40 and 0x7F, or 0x28 and 0x3F
// (no control character, no ampersand, nothing beyond ASCII), need no closer look.
func plainPrefix(raw []byte) int {
	i := 0
	for ; i+8 <= len(raw); i += 8 {
		w := binary.LittleEndian.Uint64(raw[i:])
		const high, bit6 = 0x8080808080808080, 0x4040404040404040
		// Bit 6, or bits 5 and (4 or 3), of each byte; shifted to bit 6.
		letters := w | (w<<1)&((w<<2)|(w<<3))
		if w&high != 0 || letters&bit6 != bit6 {
			break
		}
	}
	for i < len(raw) && plain(raw[i]) {
		i++
	}
	return i
}

// unescape reads text with references in it.
func unescape(raw []byte) (string, error) { return text(raw, true) }

// unescapeNot reads text in which an ampersand is just that.
func unescapeNot(raw []byte) (string, error) { return text(raw, false) }

func text(raw []byte, references bool) (string, error) {
	i := plainPrefix(raw)
	if i == len(raw) {
		return string(raw), nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	b.Write(raw[:i])
	for i < len(raw) {
		switch c := raw[i]; {
		case c == '&' && references:
			n, err := reference(&b, raw[i:])
			if err != nil {
				return "", err
			}
			i += n
		case c == '\r': // XML 1.0 2.11: ends of lines
			b.WriteByte('\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case plain(c), c == '&':
			b.WriteByte(c)
			i++
		default:
			r, size := utf8.DecodeRune(raw[i:])
			if !isXMLChar(r) {
				return "", fmt.Errorf("the character U+%04X is not allowed", r)
			}
			b.Write(raw[i : i+size])
			i += size
		}
	}
	return b.String(), nil
}

// longest reference: &#x10FFFF; with some leading zeros
const maxReference = 16

// reference writes what a reference stands for, and says how long it is.
func reference(b *strings.Builder, raw []byte) (int, error) {
	end := bytes.IndexByte(raw[:min(len(raw), maxReference)], ';')
	if end < 0 {
		return 0, errors.New("an & that is not a reference")
	}
	name := string(raw[1:end])
	switch name {
	case "lt":
		b.WriteByte('<')
	case "gt":
		b.WriteByte('>')
	case "amp":
		b.WriteByte('&')
	case "quot":
		b.WriteByte('"')
	case "apos":
		b.WriteByte('\'')
	default:
		digits, numeric := strings.CutPrefix(name, "#")
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		n, err := strconv.ParseUint(digits, base, 21)
		if !numeric || err != nil || !isXMLChar(rune(n)) {
			return 0, fmt.Errorf("the reference &%s; is not allowed", name)
		}
		b.WriteRune(rune(n))
	}
	return end + 1, nil
}

// isXMLChar says whether XML 1.0 can carry a character (2.2).
func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

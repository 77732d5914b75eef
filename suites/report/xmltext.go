package report

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

var (
	xmlDeclaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*\?>`)
	xmlEncoding    = regexp.MustCompile(`^\s*<\?xml\s[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,60})["']`)
)

// xmlText is an XML document as text, without its declaration. Its encoding is that of its byte order mark, or of its first
// bytes; else the one that it declares. One that declares UTF-16 in bytes of which each is a character, as writers do that
// make a text first and write it later, is read as any text.
func xmlText(data []byte, page CodePage) string {
	e, rest := shown(data)
	if e == nil {
		e = declared(rest)
	}
	document := text(e, rest, page)
	return admitted(document[len(xmlDeclaration.FindString(document[:min(len(document), xmlHead)])):])
}

// xmlHead is how much of a document its declaration is looked for in.
const xmlHead = 1024

// declared is the encoding that a document names; nil for UTF-8, for one that its bytes can't be of, and for one that
// nobody knows, all of which are read as any text.
func declared(data []byte) encoding.Encoding {
	m := xmlEncoding.FindSubmatch(data[:min(len(data), xmlHead)])
	if m == nil {
		return nil
	}
	name := strings.ToLower(string(m[1]))
	for _, wide := range []string{"utf", "ucs", "iso-10646", "unicode"} {
		if strings.HasPrefix(name, wide) {
			return nil
		}
	}
	if page, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(name, "cp"), "ibm"), 10, 16); err == nil {
		return CodePage(page).encoding()
	}
	return named(name)
}

// admitted is the text with U+FFFD for each character that XML does not admit, be it itself or a reference to it: what a
// test has written to a terminal is no reason to lose what became of it. Source: XML 1.0, "Char".
func admitted(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for at := 0; at < len(text); {
		next := at + strings.IndexFunc(text[at:], suspect)
		if next < at {
			next = len(text)
		}
		b.WriteString(text[at:next])
		at = next
		if at == len(text) {
			break
		}
		at += admit(&b, text[at:])
	}
	return b.String()
}

func suspect(r rune) bool { return r == '&' || r == '<' || !inXML(r) }

// admit writes what the text begins with, which is suspect, and returns how many bytes that was.
func admit(b *strings.Builder, text string) int {
	const cdata, end = "<![CDATA[", "]]>"
	switch {
	case strings.HasPrefix(text, cdata):
		length := strings.Index(text, end)
		if length < 0 {
			length = len(text)
		}
		b.WriteString(strings.Map(func(r rune) rune {
			if inXML(r) {
				return r
			}
			return utf8.RuneError
		}, text[:length]))
		return length
	case strings.HasPrefix(text, "&#"):
		if length, r, ok := reference(text); ok && !inXML(r) {
			b.WriteRune(utf8.RuneError)
			return length
		}
	case text[0] != '&' && text[0] != '<':
		_, length := utf8.DecodeRuneInString(text)
		b.WriteRune(utf8.RuneError)
		return length
	}
	b.WriteByte(text[0])
	return 1
}

// reference reads a numeric character reference: &#27; or &#x1b;.
func reference(text string) (length int, r rune, ok bool) {
	const longest = 16
	end := strings.IndexByte(text[:min(len(text), longest)], ';')
	if end < 0 {
		return 0, 0, false
	}
	digits, base := text[2:end], 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if err != nil {
		return 0, 0, false
	}
	return end + 1, rune(n), true
}

// inXML reports whether XML 1.0 admits the character.
func inXML(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < ' ', r >= 0xD800 && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return r <= utf8.MaxRune
}

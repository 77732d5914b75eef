package report

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// Text is what a guest's program wrote, as ours is written: UTF-8, valid, without a byte order mark, and with \n at the
// ends of lines. Its encoding is that of its byte order mark; without one UTF-16 where half of its bytes are zeros, as no
// other text's are; else each line that is not UTF-8 is of the guest's code page. Where that is not known, what is not
// UTF-8 becomes U+FFFD.
func Text(data []byte, page CodePage) string {
	e, rest := shown(data)
	return text(e, rest, page)
}

// text is in an encoding, or, where that is nil, read line by line.
func text(e encoding.Encoding, data []byte, page CodePage) string {
	if e != nil {
		return clean(decoded(e, data))
	}
	return clean(lines(data, page))
}

// shown is the encoding that the bytes themselves show, and what is behind its mark; nil where they show none.
func shown(data []byte) (encoding.Encoding, []byte) {
	e, rest := marked(data)
	if e == nil {
		e = unmarked(rest)
	}
	return e, rest
}

func clean(text string) string {
	return strings.ReplaceAll(strings.TrimLeft(text, "\ufeff"), "\r\n", "\n")
}

// marks are the byte order marks, the longer before those that they begin with.
func marks() []struct {
	mark string
	of   encoding.Encoding
} {
	return []struct {
		mark string
		of   encoding.Encoding
	}{
		{"\xef\xbb\xbf", unicode.UTF8},
		{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
		{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
		{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
	}
}

// marked is the encoding that a byte order mark tells, and what is behind the mark; nil without one.
func marked(data []byte) (encoding.Encoding, []byte) {
	for _, m := range marks() {
		if rest, ok := bytes.CutPrefix(data, []byte(m.mark)); ok {
			return m.of, rest
		}
	}
	return nil, data
}

// unmarked is UTF-16 where the beginning of the text is that: a C runtime in its Unicode mode writes no mark into a pipe.
func unmarked(data []byte) encoding.Encoding {
	const look = 1024
	little, big, units := 0, 0, 0
	for at := 0; at+1 < len(data) && at < look; at += 2 {
		units++
		switch low := binary.LittleEndian.Uint16(data[at:]); {
		case low>>8 == 0 && low != 0:
			little++
		case low&0xff == 0 && low != 0:
			big++
		}
	}
	switch {
	case units > 0 && little > units/2:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case units > 0 && big > units/2:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// decoded is the text in UTF-8; what can't be read becomes U+FFFD.
func decoded(e encoding.Encoding, data []byte) string {
	text, err := e.NewDecoder().Bytes(data)
	if err != nil {
		text = append(text, "\ufffd"...) // no decoder of x/text fails on text
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}

// lines reads a text line by line: programs that write to the same stream do not agree on its encoding, and no code page
// has a line end within a character. UTF-8 that was cut amid a character is no other encoding for that, where others in it
// are whole.
func lines(data []byte, page CodePage) string {
	if utf8.Valid(data) {
		return string(data)
	}
	if whole := beforeCut(data); utf8.Valid(whole) && utf8.RuneCount(whole) < len(whole) {
		return string(whole) + "\ufffd"
	}
	e := page.encoding()
	if e == nil || page == UTF8Page {
		return strings.ToValidUTF8(string(data), "\ufffd")
	}
	var text strings.Builder
	for line := range bytes.Lines(data) {
		if utf8.Valid(line) {
			text.Write(line)
		} else {
			text.WriteString(decoded(e, line))
		}
	}
	return text.String()
}

// beforeCut is the data without a character at its end of which bytes are missing.
func beforeCut(data []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(data); back++ {
		if at := len(data) - back; utf8.RuneStart(data[at]) {
			if data[at] >= utf8.RuneSelf && !utf8.FullRune(data[at:]) {
				return data[:at]
			}
			break
		}
	}
	return data
}

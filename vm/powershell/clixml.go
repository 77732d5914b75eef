package powershell

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"

	"wskharness/guest/untrusted"
)

// maxSaid is how much is kept of what PowerShell printed instead of an answer, in bytes.
const maxSaid = 2000

// said is what PowerShell printed, for people: its errors, else what else there is.
func said(o Output) string {
	for _, output := range [][]byte{o.Stderr, o.Stdout} {
		if text := untrusted.Printable([]byte(plain(output))); text != "" {
			return untrusted.Clip(text, maxSaid)
		}
	}
	return ""
}

// clixmlHeader begins what PowerShell writes to an output that is not a console ([MS-PSRP], 2.2.5, has the format).
var clixmlHeader = []byte("#< CLIXML")

// plain is an output as a person would see it: of CLIXML the errors alone, as they are printed. What can't be read is given as it is.
func plain(output []byte) string {
	before, rest, found := bytes.Cut(output, clixmlHeader)
	if !found {
		return string(output)
	}
	text := strings.TrimSpace(string(before))
	decoder := xml.NewDecoder(bytes.NewReader(rest))
	for {
		token, err := decoder.Token()
		if err != nil {
			break // its end, or none that can be read: what was read is told
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "S" || stream(start) != "Error" {
			continue
		}
		var line string
		if decoder.DecodeElement(&line, &start) != nil {
			break
		}
		text += unescape(line)
	}
	return strings.TrimSpace(text)
}

// stream is which of PowerShell's streams an element belongs to.
func stream(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "S" {
			return a.Value
		}
	}
	return ""
}

var escaped = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`)

// unescape reads characters that XML can't have: _x000A_.
func unescape(text string) string {
	return escaped.ReplaceAllStringFunc(text, func(found string) string {
		code, _ := strconv.ParseUint(found[2:6], 16, 16)
		return string(rune(code))
	})
}

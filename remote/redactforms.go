package remote

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"unicode/utf16"
)

// Disguised knows the secrets also in the forms that programs give to what they pass on: as UTF-16, in base64 wherever it
// begins there, hexadecimal, and as JSON, XML and addresses write them.
func (r *Redactor) Disguised() *Redactor {
	if r == nil {
		return nil
	}
	var all []Secret
	for _, s := range r.secrets {
		for _, form := range forms(s) {
			all = append(all, Secret(form))
		}
	}
	return NewRedactor(all...)
}

// KeepingLength blots secrets out to their length: for files whose parts stand at offsets.
func (r *Redactor) KeepingLength() *Redactor {
	if r == nil {
		return nil
	}
	same := *r
	same.blank = true
	return &same
}

// forms are a text in every disguise.
func forms(s string) []string {
	little, big := wide(s, binary.LittleEndian), wide(s, binary.BigEndian)
	all := []string{s, little, big}
	for _, bytes := range []string{s, little, big} {
		all = append(all, inBase64(bytes)...)
		all = append(all, hex.EncodeToString([]byte(bytes)), strings.ToUpper(hex.EncodeToString([]byte(bytes))))
	}
	var inXML, inJSON strings.Builder
	_ = xml.EscapeText(&inXML, []byte(s))
	plain := json.NewEncoder(&inJSON)
	plain.SetEscapeHTML(false)
	_ = plain.Encode(s)
	escaped, _ := json.Marshal(s)
	named := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	return append(all, inXML.String(), named.Replace(s), strings.Trim(inJSON.String(), "\"\n"), strings.Trim(string(escaped), `"`),
		url.QueryEscape(s), url.PathEscape(s))
}

// wide is a text in UTF-16.
func wide(s string, order binary.AppendByteOrder) string {
	var bytes []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		bytes = order.AppendUint16(bytes, unit)
	}
	return string(bytes)
}

// inBase64 is what base64 has of some bytes, whatever stands before and behind them: in three variants, by how many bytes
// before them share their first letter, and in both alphabets.
func inBase64(s string) (all []string) {
	for before := range 3 {
		padded := append(make([]byte, before), s...)
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := alphabet.EncodeToString(padded)
			first := (before*8 + 5) / 6                    // letters that have bits of what is before
			all = append(all, text[first:len(padded)*8/6]) // and without one that has bits of what is behind
		}
	}
	return all
}

package driver

import (
	"slices"
	"strings"
	"unicode/utf16"

	encodingasn1 "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Kinds of text in names (X.680) for which cryptobyte has no word.
const (
	universalString = asn1.Tag(28)
	bmpString       = asn1.Tag(30)
)

// nameText writes the name of a subject or issuer as tools do, CN=…,O=…, from the last part to the first (RFC 4514). It takes
// each text as what it is, and not as what its type allows: a name is here to be recognised, and who signed is told by the key.
func nameText(der []byte) string {
	input := cryptobyte.String(der)
	var parts cryptobyte.String
	if !input.ReadASN1(&parts, asn1.SEQUENCE) {
		return ""
	}
	var names []string
	for !parts.Empty() {
		var part cryptobyte.String
		if !parts.ReadASN1(&part, asn1.SET) {
			break
		}
		names = append(names, partText(part))
	}
	slices.Reverse(names)
	return printable(strings.Join(names, ","))
}

func partText(part cryptobyte.String) string {
	var values []string
	for !part.Empty() {
		var one, text cryptobyte.String
		var oid encodingasn1.ObjectIdentifier
		var kind asn1.Tag
		if !part.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1ObjectIdentifier(&oid) || !one.ReadAnyASN1(&text, &kind) {
			break
		}
		values = append(values, attributeName(oid)+"="+decodeText(text, kind))
	}
	return strings.Join(values, "+")
}

// attributeName is the word for a part of a name (RFC 4514, 3), or its number.
func attributeName(oid encodingasn1.ObjectIdentifier) string {
	switch oid.String() {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.5":
		return "SERIALNUMBER"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "2.5.4.17":
		return "POSTALCODE"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "1.2.840.113549.1.9.1":
		return "E"
	}
	return oid.String()
}

// decodeText reads a text of any of the kinds that names are written in.
func decodeText(text []byte, kind asn1.Tag) string {
	switch kind {
	case bmpString:
		var units []uint16
		for ; len(text) >= 2; text = text[2:] {
			units = append(units, uint16(text[0])<<8|uint16(text[1]))
		}
		return string(utf16.Decode(units))
	case universalString:
		var runes []rune
		for ; len(text) >= 4; text = text[4:] {
			runes = append(runes, rune(text[0])<<24|rune(text[1])<<16|rune(text[2])<<8|rune(text[3]))
		}
		return string(runes)
	}
	return string(text)
}

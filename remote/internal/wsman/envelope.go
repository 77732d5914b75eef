package wsman

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// Envelope is a SOAP envelope taken apart.
type Envelope struct {
	Header, Body *Element
}

// ParseEnvelope reads a SOAP 1.2 envelope.
func ParseEnvelope(data []byte) (Envelope, error) {
	root, err := Parse(data)
	if err != nil {
		return Envelope{}, err
	}
	if root.Space != NSEnvelope || root.Local != "Envelope" {
		return Envelope{}, fmt.Errorf("parse SOAP: the root element is {%.100s}%.100s, not a SOAP 1.2 Envelope", root.Space, root.Local)
	}
	e := Envelope{Header: root.Child(NSEnvelope, "Header"), Body: root.Child(NSEnvelope, "Body")}
	if e.Header == nil || e.Body == nil {
		return Envelope{}, errors.New("parse SOAP: an envelope without header or body")
	}
	return e, nil
}

// Action is what the envelope asks for or answers.
func (e Envelope) Action() string { return e.Header.Child(NSAddressing, "Action").Content() }

// MessageID names the message.
func (e Envelope) MessageID() string { return e.Header.Child(NSAddressing, "MessageID").Content() }

// RelatesTo names the message that this one answers.
func (e Envelope) RelatesTo() string { return e.Header.Child(NSAddressing, "RelatesTo").Content() }

// Escape makes text fit for character data and attribute values. It refuses what XML 1.0 cannot
// carry at all (most control characters, invalid UTF-8), rather than replacing it silently.
func Escape(text string) (string, error) {
	for i, r := range text {
		switch {
		case r == 0xFFFD && !strings.HasPrefix(text[i:], "\uFFFD"):
			return "", fmt.Errorf("invalid UTF-8 at byte %d", i)
		case !isXMLChar(r):
			return "", fmt.Errorf("character U+%04X at byte %d cannot be sent in XML", r, i)
		}
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return "", err
	}
	return b.String(), nil
}

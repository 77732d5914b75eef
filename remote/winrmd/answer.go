package winrmd

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"

	"wskharness/remote/internal/wsman"
)

// markup is XML being written: raw pieces of our own and text of others.
type markup struct{ data []byte }

func (m *markup) raw(pieces ...string) *markup {
	for _, p := range pieces {
		m.data = append(m.data, p...)
	}
	return m
}

// Write makes it an io.Writer. It does not fail.
func (m *markup) Write(p []byte) (int, error) {
	m.data = append(m.data, p...)
	return len(p), nil
}

// text writes what may be anything; what XML cannot carry becomes U+FFFD.
func (m *markup) text(t string) *markup {
	xml.EscapeText(m, []byte(t))
	return m
}

// base64 writes bytes.
func (m *markup) base64(data []byte) *markup {
	m.data = base64.StdEncoding.AppendEncode(m.data, data)
	return m
}

// element writes an element with text in it.
func (m *markup) element(name, t string) *markup {
	return m.raw("<", name, ">").text(t).raw("</", name, ">")
}

// answer is what goes back.
type answer struct {
	status    int
	action    string
	relatesTo string
	body      markup
}

// envelope puts the answer together. The prefixes are those that Windows uses.
func (a *answer) envelope() []byte {
	m := markup{make([]byte, 0, len(a.body.data)+envelopeSize)}
	m.raw(`<s:Envelope xml:lang="en-US"`)
	for _, ns := range [][2]string{
		{"s", wsman.NSEnvelope}, {"a", wsman.NSAddressing}, {"x", wsman.NSTransfer}, {"e", wsman.NSEventing},
		{"n", wsman.NSEnumeration}, {"w", wsman.NSManagement}, {"rsp", wsman.NSShell}, {"p", wsman.NSMicrosoft},
	} {
		m.raw(" xmlns:", ns[0], `="`, ns[1], `"`)
	}
	m.raw("><s:Header>").element("a:Action", a.action)
	m.element("a:MessageID", "uuid:"+wsman.NewID())
	m.element("a:To", wsman.Anonymous)
	if a.relatesTo != "" {
		m.element("a:RelatesTo", a.relatesTo)
	}
	m.raw("</s:Header><s:Body>")
	m.data = append(m.data, a.body.data...)
	return m.raw("</s:Body></s:Envelope>").data
}

// envelopeSize is about what an envelope has around its body.
const envelopeSize = 2048

const soapType = "application/soap+xml;charset=UTF-8"

func (a *answer) httpStatus() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

package winrmd

import (
	"encoding/xml"
	"net/http"
	"strings"

	"wskharness/remote/internal/wsman"
)

// markup is XML being written: raw pieces of our own and text of others.
type markup struct{ b strings.Builder }

func (m *markup) raw(pieces ...string) *markup {
	for _, p := range pieces {
		m.b.WriteString(p)
	}
	return m
}

// text writes what may be anything; what XML cannot carry becomes U+FFFD.
func (m *markup) text(t string) *markup {
	xml.EscapeText(&m.b, []byte(t)) // a strings.Builder does not fail
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
	var m markup
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
	m.raw("</s:Header><s:Body>", a.body.b.String(), "</s:Body></s:Envelope>")
	return []byte(m.b.String())
}

const soapType = "application/soap+xml;charset=UTF-8"

func (a *answer) httpStatus() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

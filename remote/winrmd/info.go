package winrmd

import (
	"net/http"
	"sort"
	"strconv"

	"wskharness/remote/internal/wsman"
)

// identify says what this is (DSP0226 11).
func identify(a *answer) {
	a.action = wsman.NSIdentity + "/IdentifyResponse"
	a.body.raw(`<wsmid:IdentifyResponse xmlns:wsmid="`, wsman.NSIdentity, `">`)
	a.body.element("wsmid:ProtocolVersion", wsman.NSManagement)
	a.body.element("wsmid:ProductVendor", "wskharness")
	a.body.element("wsmid:ProductVersion", "winrmd, Stack: 3.0")
	a.body.raw("</wsmid:IdentifyResponse>")
}

// serveIdentify answers Identify to anybody, and nothing else.
func (s *Server) serveIdentify(w http.ResponseWriter, r *http.Request) {
	body, status := s.readBody(w, r)
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	req, f := s.parseRequest(body)
	a := &answer{relatesTo: req.messageID}
	if f == nil && isIdentify(req.env) {
		identify(a)
	} else {
		unsupportedAction(req.action).write(a, s.opts.Machine)
	}
	s.reply(w, a, nil)
}

// getConfig answers with the part of winrm/config that says something about limits.
func (s *Server) getConfig(a *answer) {
	l := s.opts.Limits
	b := &a.body
	b.raw(`<cfg:Config xmlns:cfg="`, wsman.NSConfig, `">`)
	b.element("cfg:MaxEnvelopeSizekb", strconv.Itoa(l.MaxEnvelopeSizekb))
	b.element("cfg:MaxTimeoutms", strconv.Itoa(l.MaxTimeoutms))
	b.element("cfg:MaxBatchItems", strconv.Itoa(l.MaxBatchItems))
	b.raw("<cfg:Service>")
	b.element("cfg:MaxConcurrentOperationsPerUser", "1500")
	b.element("cfg:MaxConnections", strconv.Itoa(l.MaxConnections))
	b.element("cfg:AllowUnencrypted", strconv.FormatBool(s.opts.AllowUnencrypted))
	b.raw("</cfg:Service><cfg:Winrs>")
	b.element("cfg:AllowRemoteShellAccess", "true")
	b.element("cfg:IdleTimeout", strconv.FormatInt(l.IdleTimeout.Milliseconds(), 10))
	b.element("cfg:MaxConcurrentUsers", "10")
	b.element("cfg:MaxProcessesPerShell", strconv.Itoa(l.MaxProcessesPerShell))
	b.element("cfg:MaxShellsPerUser", strconv.Itoa(l.MaxShellsPerUser))
	b.raw("</cfg:Winrs></cfg:Config>")
}

// Enumerations: how many shells fit one answer, and how many answers may be outstanding.
const (
	defaultBatch = 20 // DSP0226 8.4: one without MaxElements; Windows sends more
	maxBatch     = 1000
	maxPulls     = 16
)

// enumerate lists the shells, oldest first: in the answer itself when the client asks for that,
// else by Pull.
func (s *Server) enumerate(r request, a *answer) *fault {
	body := r.env.Body.Child(wsman.NSEnumeration, "Enumerate")
	if body == nil {
		return invalidBody("it has no n:Enumerate")
	}
	s.mu.Lock()
	left := make([]*shell, 0, len(s.shells))
	for _, sh := range s.shells {
		left = append(left, sh)
	}
	s.mu.Unlock()
	sort.Slice(left, func(i, j int) bool { return left[i].made.Before(left[j].made) })
	b := &a.body
	b.raw("<n:EnumerateResponse>")
	if body.Child(wsman.NSManagement, "OptimizeEnumeration") == nil {
		b.element("n:EnumerationContext", s.leave(left)).raw("</n:EnumerateResponse>")
		return nil
	}
	size := s.batch(body.Child(wsman.NSManagement, "MaxElements"))
	now, later := left[:min(size, len(left))], left[min(size, len(left)):]
	context := ""
	if len(later) > 0 {
		context = s.leave(later)
	}
	b.element("n:EnumerationContext", context)
	b.raw("<w:Items>")
	for _, sh := range now {
		sh.write(b)
	}
	b.raw("</w:Items>")
	if len(later) == 0 {
		b.raw("<w:EndOfSequence/>")
	}
	b.raw("</n:EnumerateResponse>")
	return nil
}

func (s *Server) pull(r request, a *answer) *fault {
	body := r.env.Body.Child(wsman.NSEnumeration, "Pull")
	id := body.Child(wsman.NSEnumeration, "EnumerationContext").Content()
	s.mu.Lock()
	left, known := s.pulls[id]
	delete(s.pulls, id)
	s.mu.Unlock()
	if !known {
		return invalidBody("its n:EnumerationContext is not known")
	}
	size := min(s.batch(body.Child(wsman.NSEnumeration, "MaxElements")), len(left))
	b := &a.body
	b.raw("<n:PullResponse>")
	if size < len(left) {
		b.element("n:EnumerationContext", s.leave(left[size:]))
	}
	b.raw("<n:Items>")
	for _, sh := range left[:size] {
		sh.write(b)
	}
	b.raw("</n:Items>")
	if size == len(left) {
		b.raw("<n:EndOfSequence/>")
	}
	b.raw("</n:PullResponse>")
	return nil
}

// leave keeps what is left of an enumeration for the next Pull. Clients that never come for it do
// not make it grow.
func (s *Server) leave(left []*shell) string {
	id := "uuid:" + wsman.NewID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pulls) >= maxPulls {
		clear(s.pulls)
	}
	s.pulls[id] = left
	return id
}

func (s *Server) batch(e *wsman.Element) int {
	n, err := strconv.Atoi(e.Content())
	if err != nil || n < 1 {
		n = defaultBatch
	}
	return min(n, maxBatch, s.opts.Limits.MaxBatchItems)
}

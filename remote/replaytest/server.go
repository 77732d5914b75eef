package replaytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
)

// Server is the endpoint of a machine that has one shell of a recording.
type Server struct {
	shell *Shell

	mu       sync.Mutex
	changed  chan struct{} // closed, and made anew, when an answer was given, or something was found
	askedFor map[*exchange]bool
	served   map[*exchange]bool // its answer was given
	inputs   map[*Command]*input
	reached  map[*Command]chan struct{} // closed when the client waits for more of it than the recording has
	findings []string
}

// NewServer is an endpoint that has the shell, as it was before anything was said in it.
func NewServer(s *Shell) *Server {
	r := &Server{shell: s, changed: make(chan struct{}), askedFor: map[*exchange]bool{}, served: map[*exchange]bool{}, inputs: map[*Command]*input{}, reached: map[*Command]chan struct{}{}}
	for _, c := range s.Commands {
		r.inputs[c], r.reached[c] = &input{sends: c.sends}, make(chan struct{})
	}
	return r
}

// Serve has it answer until the test ends, and says where.
func (s *Server) Serve(t testing.TB) remote.Endpoint {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return remote.Endpoint{URL: server.URL + "/wsman", User: "anybody", Password: "anything", Auth: remote.AuthBasic, AllowPlain: true}
}

// Findings are what the client said that the recording has not, or not there, and what the recording has and the client did
// not say.
func (s *Server) Findings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append([]string(nil), s.findings...)
	if len(all) > 0 {
		return all // nothing was answered behind it
	}
	missed := func(lines []*exchange) {
		for _, e := range lines {
			if !s.served[e] && e.Status != 0 {
				all = append(all, fmt.Sprintf("line %d of the recording has %s, and the client did not say it", e.n, e.Action))
			}
		}
	}
	for _, c := range s.shell.Commands {
		if c.cut == "" {
			missed(c.order)
		}
	}
	missed(s.shell.deletes)
	return all
}

// refuses says whether the shell is still to be refused, or made.
func (s *Server) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.findings) == 0 && slices.ContainsFunc(s.shell.creates, func(e *exchange) bool { return !s.asked(e) })
}

// named is the command with an id; nil: there is none.
func (s *Server) named(id string) *Command {
	if i := slices.IndexFunc(s.shell.Commands, func(c *Command) bool { return c.ID != "" && strings.EqualFold(c.ID, id) }); i >= 0 {
		return s.shell.Commands[i]
	}
	return nil
}

// fed is told that the client has no more input for a command, so that nobody waits for that.
func (s *Server) fed(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.named(id); c != nil {
		s.inputs[c].over = true
		s.broadcast()
	}
}

// maxRequest bounds a request; a client's envelope has at most half a megabyte.
const maxRequest = 16 << 20

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return // the client has gone
	}
	request, err := wsman.ParseEnvelope(body)
	if err != nil {
		s.refuse(w, s.find("the client has sent what is no envelope: %v", err))
		return
	}
	p := s.place(request)
	switch {
	case p.wrong != "":
		s.refuse(w, p.wrong)
	case p.hold:
		s.hold(w, r.Context(), p.command)
	case p.line == nil:
		s.gone(w, request)
	default:
		s.answer(w, r.Context(), request, p)
	}
}

// find notes what is not as recorded, which is why nothing more is answered.
func (s *Server) find(format string, args ...any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found(fmt.Sprintf(format, args...))
}

func (s *Server) found(text string) string {
	if len(s.findings) == 0 {
		s.findings = append(s.findings, text)
		s.broadcast()
	}
	return s.findings[0]
}

func (s *Server) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) refuse(w http.ResponseWriter, text string) {
	http.Error(w, text, http.StatusConflict)
}

// unhurried is how long an answer takes that there is nothing to say: a client that gets it at once thinks that the server
// does not wait at all, and takes longer and longer to ask again.
const unhurried = 250 * time.Millisecond

// answer waits until it is the answer's turn, and gives it.
func (s *Server) answer(w http.ResponseWriter, ctx context.Context, request wsman.Envelope, p place) {
	for {
		s.mu.Lock()
		before := s.before(p)
		wrong, changed := s.findings, s.changed
		if len(wrong) == 0 && before == nil && p.whole {
			s.served[p.line] = true
			s.broadcast()
		}
		s.mu.Unlock()
		if len(wrong) > 0 {
			s.refuse(w, wrong[0])
			return
		}
		if before == nil {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
	e := p.line
	switch {
	case e.GaveUp && e.command != "" && !e.terminates():
		<-ctx.Done()
		return
	case e.Status == 0:
		panic(http.ErrAbortHandler) // which cuts the connection
	case e.said.fault != nil && *e.said.fault == timedOut:
		select {
		case <-time.After(unhurried):
		case <-ctx.Done():
		}
	}
	if e.said.soap {
		w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
	} else {
		w.Header().Set("Content-Type", "text/html")
	}
	w.WriteHeader(e.Status)
	text := e.Answer
	if was := e.request.MessageID(); len(was) > 8 {
		escaped, err := wsman.Escape(request.MessageID())
		if err != nil {
			return
		}
		text = strings.ReplaceAll(text, was, escaped)
	}
	_, _ = io.WriteString(w, text)
}

// before is an exchange of the command whose answer comes first, and has not been asked for; nil: none is. What nobody will ask
// for any more is found.
func (s *Server) before(p place) *exchange {
	if p.command == nil {
		return nil
	}
	for _, e := range p.command.order {
		if e == p.line {
			return nil
		}
		if s.served[e] || e.Status == 0 {
			continue
		}
		receives := e.request.Action() == wsman.ActionReceive
		switch {
		case receives && p.line != nil && p.line.request.Action() == wsman.ActionReceive:
			continue // a client asks for one after the other
		case receives && p.line != nil && p.line.terminates():
			s.found(fmt.Sprintf("line %d of the recording has %s, and the client thinks that the command has ended before", e.n, e.Action))
		case e.request.Action() == wsman.ActionSend && s.inputs[p.command].over:
			s.found(fmt.Sprintf("line %d of the recording has %d bytes of input, and the client does not send all of it", e.n, len(e.data)))
		}
		return e
	}
	return nil
}

// hold keeps a request until the client gives it up.
func (s *Server) hold(w http.ResponseWriter, ctx context.Context, c *Command) {
	last := place{command: c}
	for {
		s.mu.Lock()
		before := s.before(last)
		wrong, changed := s.findings, s.changed
		for _, e := range c.signals { // the controller has ended it by itself
			if before == e && e.terminates() {
				before = nil
			}
		}
		if before == nil && len(wrong) == 0 {
			select {
			case <-s.reached[c]:
			default:
				close(s.reached[c])
			}
		}
		s.mu.Unlock()
		if len(wrong) > 0 {
			s.refuse(w, wrong[0])
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// gone answers, as Windows does, that there is no such shell or command: to who tidies up what the recording does not tell the
// end of.
func (s *Server) gone(w http.ResponseWriter, request wsman.Envelope) {
	var b bytes.Buffer
	id, err := wsman.Escape(request.MessageID())
	if err != nil {
		return
	}
	fmt.Fprintf(&b, `<s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action>%s</a:Action><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body><s:Fault>`+
		`<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>the recording ends here</s:Text></s:Reason>`+
		`<s:Detail><f:WSManFault xmlns:f="%s" Code="%d"/></s:Detail></s:Fault></s:Body></s:Envelope>`,
		wsman.NSEnvelope, wsman.NSAddressing, wsman.ActionFault, id, wsman.NSFault, wsman.CodeUnexpectedSelectors)
	w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = b.WriteTo(w)
}

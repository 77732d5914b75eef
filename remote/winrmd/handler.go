package winrmd

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"wskharness/remote/internal/wsman"
)

// Handler answers HTTP requests at /wsman (and Identify without authentication at
// /wsman-anon/identify, as Windows does). Serve uses it. The path is compared as http.sys does: without
// regard to case, with or without a slash at its end. What is behind a question mark is for others:
// PowerShell puts its version there.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.ToLower(strings.TrimSuffix(r.URL.Path, "/")) {
		case "/wsman":
			s.serveHTTP(w, r)
		case "/wsman-anon/identify":
			s.serveIdentify(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "WS-Management takes POST", http.StatusMethodNotAllowed)
		return
	}
	granted, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	body, status := s.readBody(w, r)
	if status != 0 {
		refuse(w, status)
		return
	}
	if len(body) == 0 {
		return // a client that only wants to authenticate; Windows answers 200 and nothing
	}
	if granted.session != nil {
		signature, sealed, err := wsman.UnwrapSealed(body)
		if err == nil {
			body, err = granted.session.open(signature, sealed)
		}
		if err != nil {
			// The key streams are out of step: nothing more can be said on this connection.
			s.log.Debug("sealed message refused", "client", r.RemoteAddr, "error", err)
			refuse(w, http.StatusUnauthorized)
			return
		}
	}
	req, f := s.parseRequest(body)
	req.user, req.clientIP = s.opts.User, clientIP(r)
	fault := s.plan(req)
	if s.inject(w, r, fault, req, granted.session) {
		return
	}
	a := s.handle(r.Context(), req, f)
	if s.damage(w, r, fault, a) {
		return
	}
	s.reply(w, a, granted.session)
}

// refuse answers with a bare status and ends the connection.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
}

func (s *Server) reply(w http.ResponseWriter, a *answer, session *ntlmSession) {
	data, contentType := a.envelope(), soapType
	if session != nil {
		signature, sealed := session.seal(data)
		data, contentType = wsman.WrapSealed(len(data), signature, sealed), wsman.SealedType
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(a.httpStatus())
	w.Write(data)
}

// readBody reads a request within the limits of size and time. A status other than 0 is the answer.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	limit := int64(s.maxEnvelope())
	if r.ContentLength > limit {
		return nil, http.StatusRequestEntityTooLarge
	}
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(bodyTimeout))
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // bounded by the limit, times MaxConnections
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	control.SetReadDeadline(time.Time{})
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return buf.Bytes(), 0
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// handle answers one envelope, which may already have turned out to be faulty.
func (s *Server) handle(ctx context.Context, r request, f *fault) *answer {
	a := &answer{relatesTo: r.messageID}
	if f == nil {
		a.action = r.action + "Response"
		f = s.dispatch(ctx, r, a)
	}
	if f == nil {
		s.log.Trace("answered", "action", r.action, "shell", r.shellID)
		return a
	}
	a.body = markup{}
	f.write(a, s.opts.Machine)
	s.log.Debug("fault", "action", r.action, "code", f.code, "shell", r.shellID, "reason", f.reason)
	return a
}

// dispatch executes one request.
func (s *Server) dispatch(ctx context.Context, r request, a *answer) *fault {
	if isIdentify(r.env) {
		identify(a)
		return nil
	}
	switch r.resource {
	case wsman.ResourceCmd:
		return s.dispatchShell(ctx, r, a)
	case wsman.ResourceShell:
		switch r.action {
		case wsman.ActionEnumerate:
			return s.enumerate(r, a)
		case wsman.ActionPull:
			return s.pull(r, a)
		case wsman.ActionDelete:
			return s.deleteShell(ctx, r, a)
		}
	case wsman.ResourceConfig:
		if r.action == wsman.ActionGet {
			s.getConfig(a)
			return nil
		}
	default:
		return invalidResource(r.resource)
	}
	return unsupportedAction(r.action)
}

func (s *Server) dispatchShell(ctx context.Context, r request, a *answer) *fault {
	switch r.action {
	case wsman.ActionCreate:
		return s.createShell(ctx, r, a)
	case wsman.ActionDelete:
		return s.deleteShell(ctx, r, a)
	case wsman.ActionEnumerate:
		return s.enumerate(r, a)
	}
	sh, f := s.shell(r.shellID)
	if f != nil {
		return f
	}
	defer sh.use()()
	switch r.action {
	case wsman.ActionCommand:
		return sh.command(r, a)
	case wsman.ActionSend:
		return sh.send(ctx, r, a)
	case wsman.ActionReceive:
		return sh.receive(ctx, r, a)
	case wsman.ActionSignal:
		return sh.signal(ctx, r, a)
	case wsman.ActionGet:
		sh.write(&a.body)
		return nil
	}
	return unsupportedAction(r.action)
}

package winrmd

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"wskharness/remote/internal/wsman"
)

// InjectedFault is something that goes wrong with one request, on purpose. The zero value is that nothing
// does.
type InjectedFault struct {
	Delay time.Duration // before anything else happens
	Kind  FaultKind
}

// FaultKind says what goes wrong.
type FaultKind int

const (
	NoFault       FaultKind = iota
	Drop                    // the connection is reset; the request is not carried out
	LoseAnswer              // it is carried out, and the connection is reset instead of an answer
	HalfClose               // it is carried out, and the connection ends in the middle of the answer
	Unauthorized            // 401, not carried out; a connection's authentication is forgotten
	ServerError             // a bare HTTP 500, not carried out
	TooLarge                // HTTP 413, not carried out
	QuotaUsedUp             // a fault, not carried out
	ShellVanishes           // the request's shell is deleted first, as if an administrator had
	Reboot                  // the server is Reset; it resumes after InjectedFault.Delay
	BlackHole               // nothing: no answer, no end of the connection, until the client gives up
)

func (k FaultKind) String() string {
	names := [...]string{"no fault", "drop", "lost answer", "half close", "401", "500", "413", "quota", "shell vanishes", "reboot", "black hole"}
	if k < 0 || int(k) >= len(names) {
		return "FaultKind(" + strconv.Itoa(int(k)) + ")"
	}
	return names[k]
}

// Request is what a plan of injected faults gets to know of a request. It has been authenticated.
type Request struct {
	Action string // Create, Command, Send, Receive, Signal, Delete, Enumerate, Pull, Get, Identify
	Count  int    // how many of this action there were, this one included
	Shell  string // id, where there is one
}

// plan asks what is to go wrong with a request.
func (s *Server) plan(r request) InjectedFault {
	if s.opts.Inject == nil {
		return InjectedFault{}
	}
	action := lastPart(r.action)
	if isIdentify(r.env) {
		action = "Identify"
	}
	s.mu.Lock()
	s.asked[action]++
	n := s.asked[action]
	s.mu.Unlock()
	m := s.opts.Inject(Request{Action: action, Count: n, Shell: r.shellID})
	if m.Kind != NoFault {
		s.log.Debug("injected fault", "kind", m.Kind.String(), "action", action, "count", n)
	}
	return m
}

func lastPart(uri string) string {
	for i := len(uri) - 1; i >= 0; i-- {
		if uri[i] == '/' {
			return uri[i+1:]
		}
	}
	return uri
}

// inject does what an injected fault does instead of carrying the request out. It says true when there is
// nothing left to do.
func (s *Server) inject(w http.ResponseWriter, r *http.Request, m InjectedFault, req request, session *ntlmSession) bool {
	if m.Delay > 0 && m.Kind != Reboot {
		t := time.NewTimer(m.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return true
		}
	}
	state := stateOf(r)
	switch m.Kind {
	case Drop:
		state.reset()
	case Unauthorized:
		state.mu.Lock()
		state.session = nil
		state.mu.Unlock()
		s.challenge(w, r, "")
	case ServerError:
		w.WriteHeader(http.StatusInternalServerError)
	case TooLarge:
		refuse(w, http.StatusRequestEntityTooLarge)
	case QuotaUsedUp:
		a := &answer{relatesTo: req.messageID}
		quota(wsman.CodeQuotaUser, "The user's quota is used up.").write(a, s.opts.Machine)
		s.reply(w, a, session)
	case Reboot:
		s.Reset()
		time.AfterFunc(m.Delay, s.Resume)
	case BlackHole:
		select {
		case <-r.Context().Done():
		case <-s.over:
		}
		state.reset()
	case ShellVanishes:
		if sh := s.drop(req.shellID); sh != nil {
			sh.kill()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), killTimeout)
			defer cancel()
			sh.await(ctx)
		}
		return false
	default:
		return false
	}
	return true
}

// damage does what an injected fault does to an answer. It says true when there is nothing left to send.
func (s *Server) damage(w http.ResponseWriter, r *http.Request, m InjectedFault, a *answer) bool {
	switch m.Kind {
	case LoseAnswer:
		stateOf(r).reset()
		return true
	case HalfClose:
		data := a.envelope()
		w.Header().Set("Content-Type", soapType)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.WriteHeader(a.httpStatus())
		w.Write(data[:len(data)/2])
		http.NewResponseController(w).Flush()
		stateOf(r).halfClose()
		return true
	}
	return false
}

package winrmd

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"wskharness/remote/internal/wsman"
)

// connState is what the server knows of a connection. HTTP/1.1 asks one thing at a time, so the
// lock is never waited for; it is there because nothing else says so.
type connState struct {
	conn net.Conn

	mu        sync.Mutex
	handshake *ntlmHandshake
	session   *ntlmSession // of a connection that authenticated by NTLM
}

type connKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, &connState{conn: c})
}

func stateOf(r *http.Request) *connState {
	if s, ok := r.Context().Value(connKey{}).(*connState); ok {
		return s
	}
	return &connState{} // another server's handler: every request stands alone
}

// reset ends the connection the hard way: a TCP reset, without a word of TLS.
func (c *connState) reset() {
	if g := c.gateConn(); g != nil {
		g.reset()
	}
}

// halfClose ends our direction of the connection.
func (c *connState) halfClose() {
	if g := c.gateConn(); g != nil {
		g.closeWrite()
	}
}

func (c *connState) gateConn() *gateConn {
	conn := c.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	g, _ := conn.(*gateConn)
	return g
}

// mutual stands in the Authorization header of a client that has shown a certificate (MS-WSMV).
const mutual = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// grant is the right to have one request answered.
type grant struct {
	session *ntlmSession // its messages are sealed, nil if they are not
}

// authenticate says whether a request may be answered, before its body is read. When it may not,
// the answer has been given.
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (grant, bool) {
	state := stateOf(r)
	state.mu.Lock()
	defer state.mu.Unlock()
	secure := r.TLS != nil
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case scheme == "" && state.session != nil:
	case r.Header.Get("Authorization") == mutual && secure && len(r.TLS.VerifiedChains) > 0:
	case strings.EqualFold(scheme, "Basic") && (secure || s.opts.AllowUnencrypted):
		if s.basic(r) {
			return grant{}, true
		}
		s.challenge(w, r, "")
		return grant{}, false
	case strings.EqualFold(scheme, "Negotiate"), strings.EqualFold(scheme, "NTLM"):
		if !s.ntlm(w, r, state, scheme, credentials) {
			return grant{}, false
		}
	default:
		s.challenge(w, r, "")
		return grant{}, false
	}
	if secure {
		return grant{}, true
	}
	if wsman.IsSealed(r.Header.Get("Content-Type")) && state.session.sealing {
		return grant{session: state.session}, true
	}
	if s.opts.AllowUnencrypted || r.ContentLength == 0 {
		return grant{}, true
	}
	http.Error(w, "messages must be sealed, or sent over HTTPS", http.StatusForbidden)
	return grant{}, false
}

// ntlm takes a handshake one step further. It says true when it is complete, and otherwise has
// answered.
func (s *Server) ntlm(w http.ResponseWriter, r *http.Request, state *connState, scheme, credentials string) bool {
	refuse := func(err error) bool {
		s.log.Debug("NTLM refused", "client", r.RemoteAddr, "error", err)
		state.handshake, state.session = nil, nil
		s.challenge(w, r, "")
		return false
	}
	token, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if err != nil {
		return refuse(err)
	}
	if state.handshake == nil {
		h, err := ntlmChallenge(token, s.opts.Machine, time.Now())
		if err != nil {
			return refuse(err)
		}
		state.handshake, state.session = h, nil
		s.challenge(w, r, scheme+" "+base64.StdEncoding.EncodeToString(h.challenge))
		return false
	}
	account := ntlmAccount{isUser: s.isUser, password: s.opts.Password.Reveal()}
	if r.TLS != nil {
		account.bindings = bindingsOf(s.opts.Certificate.Certificate[0])
	}
	session, err := state.handshake.verify(token, account)
	if err != nil {
		return refuse(err)
	}
	state.handshake, state.session = nil, session
	return true
}

// challenge answers 401. A token goes on with a handshake.
func (s *Server) challenge(w http.ResponseWriter, r *http.Request, token string) {
	if token != "" {
		w.Header().Add("WWW-Authenticate", token)
	} else {
		w.Header().Add("WWW-Authenticate", "Negotiate")
		if r.TLS != nil || s.opts.AllowUnencrypted {
			w.Header().Add("WWW-Authenticate", `Basic realm="WSMAN"`)
		}
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// basic checks user and password.
func (s *Server) basic(r *http.Request) bool {
	name, password, ok := r.BasicAuth()
	sum := sha256.Sum256([]byte(utf8Of(password)))
	samePassword := subtle.ConstantTimeCompare(sum[:], s.secret[:]) == 1
	return ok && s.isUser(utf8Of(name), "") && samePassword
}

// utf8Of reads what a client put into Basic authentication: UTF-8, or Latin-1 with old clients
// (RFC 7617 leaves it open).
func utf8Of(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// isUser compares names as Windows does: without regard to case. A name without a domain is this machine's user under
// whatever domain a client names: DOMAIN\user, .\user, user@domain. One that has a domain itself is that user alone.
func (s *Server) isUser(name, domain string) bool {
	if domain != "" {
		name = domain + `\` + name
	}
	if !strings.ContainsAny(s.opts.User, `\@`) {
		name = withoutDomain(name)
	}
	return strings.EqualFold(name, s.opts.User)
}

// withoutDomain takes DOMAIN\ or @domain off a name.
func withoutDomain(name string) string {
	if i := strings.LastIndexByte(name, '\\'); i >= 0 {
		return name[i+1:]
	}
	if i := strings.LastIndexByte(name, '@'); i > 0 && i < len(name)-1 {
		return name[:i]
	}
	return name
}

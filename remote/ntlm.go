package remote

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bodgit/ntlmssp"

	"wskharness/remote/internal/wsman"
)

// ntlmExchanger authenticates connections. NTLM's state belongs to one TCP connection: each has a
// handshake of its own, and messages that are sealed must arrive in the order in which they were,
// so a connection carries one request at a time and is given up at the first doubt.
type ntlmExchanger struct {
	endpoint Endpoint
	dial     dialer
	limit    int64
	sealing  bool          // without TLS every message is sealed; there is no way to ask for less
	slots    chan struct{} // holds a token for each connection that is in use

	mu         sync.Mutex
	idle       []*ntlmConn // the most recently used last
	generation int         // connections of an older one are not used again
}

func newNTLMExchanger(ep Endpoint, dial dialer, limit int64) *ntlmExchanger {
	return &ntlmExchanger{endpoint: ep, dial: dial, limit: limit, sealing: strings.HasPrefix(ep.URL, "http:"), slots: make(chan struct{}, maxConns)}
}

func (n *ntlmExchanger) overhead(length int) int {
	if n.sealing {
		return wsman.SealOverhead(length)
	}
	return 0
}

func (n *ntlmExchanger) exchange(ctx context.Context, envelope []byte) (answer, error) {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return answer{}, &ConnError{Err: context.Cause(ctx)}
	}
	for attempt := 1; ; attempt++ {
		a, err := n.attempt(ctx, envelope)
		// The connection was closed while nobody used it (by the server, or by net/http, which does
		// so when it cannot be sure of it). Nothing was sent, so this is no repetition.
		if !errors.Is(err, errReconnect) || attempt == maxReconnects {
			return a, err
		}
	}
}

const maxReconnects = 3

func (n *ntlmExchanger) attempt(ctx context.Context, envelope []byte) (answer, error) {
	conn, err := n.take(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := conn.exchange(ctx, envelope)
	if err != nil || a.status == http.StatusUnauthorized {
		conn.close()
		return a, err
	}
	n.put(conn)
	return a, nil
}

// take gives a connection that has authenticated.
func (n *ntlmExchanger) take(ctx context.Context) (*ntlmConn, error) {
	n.mu.Lock()
	generation := n.generation
	var stale []*ntlmConn
	var conn *ntlmConn
	for len(n.idle) > 0 && conn == nil {
		last := n.idle[len(n.idle)-1]
		n.idle = n.idle[:len(n.idle)-1]
		if time.Since(last.used) > idleConnTimeout {
			stale = append(stale, last)
			continue
		}
		conn = last
	}
	n.mu.Unlock()
	for _, c := range stale {
		c.close()
	}
	if conn != nil {
		return conn, nil
	}
	conn = n.connect(generation)
	if err := conn.authenticate(ctx); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

func (n *ntlmExchanger) put(conn *ntlmConn) {
	conn.used = time.Now()
	n.mu.Lock()
	keep := conn.generation == n.generation
	if keep {
		n.idle = append(n.idle, conn)
	}
	n.mu.Unlock()
	if !keep {
		conn.close()
	}
}

func (n *ntlmExchanger) renew() {
	n.mu.Lock()
	n.generation++
	idle := n.idle
	n.idle = nil
	n.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

func (n *ntlmExchanger) close() { n.renew() }

// ntlmConn is one connection and its NTLM state.
type ntlmConn struct {
	of         *ntlmExchanger
	http       *http.Transport
	ntlm       *ntlmssp.Client
	generation int
	used       time.Time

	mu     sync.Mutex
	socket net.Conn // the one that was dialled
}

// errReconnect says that HTTP wanted a second connection, which would not be authenticated.
var errReconnect = errors.New("the server closed the authenticated connection")

// connect prepares a transport that dials once.
func (n *ntlmExchanger) connect(generation int) *ntlmConn {
	t := n.dial.transport()
	t.MaxConnsPerHost = 1
	t.IdleConnTimeout = 0 // the pool decides
	c := &ntlmConn{of: n, http: t, generation: generation}
	once := func(ctx context.Context, network, address string) (net.Conn, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.socket != nil {
			return nil, errReconnect
		}
		socket, err := n.dial.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.socket = socket
		return socket, nil
	}
	t.DialContext, t.DialTLSContext = once, n.dial.secured(once)
	return c
}

func (c *ntlmConn) close() {
	c.http.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket != nil {
		c.socket.Close()
	}
}

// authenticate performs the handshake, with empty requests: what is asked must not be sent before
// it can be sealed.
func (c *ntlmConn) authenticate(ctx context.Context) error {
	user, domain := splitUser(c.of.endpoint.User)
	client, err := ntlmssp.NewClient(ntlmssp.SetUserInfo(user, c.of.endpoint.Password.Reveal()),
		ntlmssp.SetDomain(domain), ntlmssp.SetVersion(ntlmssp.DefaultVersion()))
	if err != nil {
		return &ConnError{Err: fmt.Errorf("prepare NTLM: %w", err)}
	}
	c.ntlm = client
	negotiate, err := client.Authenticate(nil, nil)
	if err != nil {
		return &ConnError{Err: fmt.Errorf("prepare NTLM: %w", err)}
	}
	a, err := c.token(ctx, "Negotiate", negotiate)
	if err != nil {
		return err
	}
	scheme, challenge, err := challengeIn(a)
	if err != nil {
		return &ConnError{Err: fmt.Errorf("NTLM handshake: %w", err)}
	}
	authenticate, err := c.respond(challenge, a.tls)
	if err != nil {
		return &ConnError{Err: fmt.Errorf("NTLM handshake: answer the server's challenge: %w", err)}
	}
	a, err = c.token(ctx, scheme, authenticate)
	if err != nil {
		return err
	}
	switch {
	case a.status == http.StatusUnauthorized:
		return &Fault{Action: "Authenticate", HTTPStatus: a.status, Reason: fmt.Sprintf("user %q was not accepted", c.of.endpoint.User)}
	case a.status >= 300:
		return &Fault{Action: "Authenticate", HTTPStatus: a.status, Reason: http.StatusText(a.status)}
	case c.of.sealing && client.SecuritySession() == nil:
		return &ConnError{Err: errors.New("NTLM handshake: the server does not offer to seal messages; use https")}
	}
	return nil
}

// respond answers a challenge. The library was not written for hostile servers, so a panic in it
// is an error.
func (c *ntlmConn) respond(challenge []byte, state *tls.ConnectionState) (response []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the challenge is malformed (%v)", p)
		}
	}()
	const flags = 20 // offset in the challenge (MS-NLMP 2.2.1.2)
	if len(challenge) < flags+4 {
		return nil, errors.New("the challenge is too short")
	}
	if got, want := flagsAt(challenge, flags), requiredFlags; c.of.sealing && got&want != want {
		return nil, fmt.Errorf("the server offers flags %#x, without all of what sealing needs (%#x); use https", got, want)
	}
	return c.ntlm.Authenticate(challenge, channelBindings(state))
}

// NTLM flags (MS-NLMP 2.2.2.5) without which a message is not sealed with a 128-bit key of its own.
const requiredFlags uint32 = 1<<4 | 1<<5 | 1<<19 | 1<<29 | 1<<30 // SIGN, SEAL, EXTENDED_SESSIONSECURITY, 128, KEY_EXCH

func flagsAt(b []byte, at int) uint32 {
	return uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16 | uint32(b[at+3])<<24
}

// channelBindings ties the handshake to the TLS connection, so that it cannot be relayed (RFC 5929
// tls-server-end-point).
func channelBindings(state *tls.ConnectionState) *ntlmssp.ChannelBindings {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	return &ntlmssp.ChannelBindings{ApplicationData: []byte(ntlmssp.TLSServerEndPoint + ":" + string(endPointHash(state.PeerCertificates[0])))}
}

// endPointHash is the hash of the certificate's own signature, SHA-256 instead of the weak ones.
func endPointHash(cert *x509.Certificate) []byte {
	hash := crypto.SHA256
	switch cert.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write(cert.Raw)
	return h.Sum(nil)
}

// token sends one message of the handshake.
func (c *ntlmConn) token(ctx context.Context, scheme string, token []byte) (answer, error) {
	a, err := post(ctx, c.http, c.of.endpoint.URL, nil, c.of.limit, c.of.dial.count, func(h http.Header) {
		h.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(token))
		h.Set("Content-Type", soapType)
	})
	if lost, ok := err.(*ConnError); ok {
		lost.Sent = false // a handshake asks for nothing
		lost.Err = fmt.Errorf("NTLM handshake: %w", lost.Err)
	}
	return a, err
}

// challengeIn finds the server's challenge, and under which name it was given.
func challengeIn(a answer) (scheme string, token []byte, err error) {
	if a.status != http.StatusUnauthorized {
		return "", nil, fmt.Errorf("the server answered HTTP %d instead of a challenge", a.status)
	}
	var offered []string
	for _, value := range a.header.Values("WWW-Authenticate") {
		for _, one := range strings.Split(value, ",") {
			scheme, encoded, _ := strings.Cut(strings.TrimSpace(one), " ")
			offered = append(offered, oneLine(scheme))
			if !strings.EqualFold(scheme, "Negotiate") && !strings.EqualFold(scheme, "NTLM") || encoded == "" {
				continue
			}
			token, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
			if err != nil {
				return "", nil, fmt.Errorf("the challenge is not base64: %w", err)
			}
			return scheme, token, nil
		}
	}
	return "", nil, fmt.Errorf("the server gave no challenge; it offers %s", strings.Join(offered, ", "))
}

// exchange sends one envelope, sealed if there is no TLS, and opens the answer.
func (c *ntlmConn) exchange(ctx context.Context, envelope []byte) (answer, error) {
	body, contentType := envelope, soapType
	if c.of.sealing {
		sealed, signature, err := c.ntlm.SecuritySession().Wrap(envelope)
		if err != nil {
			return answer{}, &ConnError{Err: fmt.Errorf("seal: %w", err)}
		}
		body, contentType = wsman.WrapSealed(len(envelope), signature, sealed), wsman.SealedType
	}
	a, err := post(ctx, c.http, c.of.endpoint.URL, body, c.of.limit, c.of.dial.count, func(h http.Header) {
		h.Set("Content-Type", contentType)
	})
	if a.known = true; err != nil || !c.of.sealing {
		return a, err
	}
	return c.unseal(a)
}

// unseal opens a sealed answer. What is not sealed is not believed: only its status is kept, and
// never that of a success.
func (c *ntlmConn) unseal(a answer) (answer, error) {
	if !wsman.IsSealed(a.header.Get("Content-Type")) {
		if a.status == http.StatusOK {
			return answer{over: a.over}, &ConnError{Sent: true, Err: errors.New("the answer is not sealed, although the request was: somebody is in between, or the server is not WinRM")}
		}
		return answer{over: a.over, status: a.status, header: a.header, known: a.known}, nil
	}
	signature, sealed, err := wsman.UnwrapSealed(a.body)
	if err != nil {
		return answer{over: a.over}, &ConnError{Sent: true, Err: err}
	}
	plain, err := c.ntlm.SecuritySession().Unwrap(sealed, signature)
	if err != nil {
		return answer{over: a.over}, &ConnError{Sent: true, Err: fmt.Errorf("%w: open a sealed answer: %w", errMismatch, err)}
	}
	return answer{over: a.over, status: a.status, header: a.header, isSOAP: true, body: plain}, nil
}

// splitUser takes the domain off a name. A name@domain is passed on whole: the machine resolves it (MS-NLMP 3.1.1.1:
// the domain is empty then). So it does .\name, an account of its own: that dot is for people, and an empty domain says it.
func splitUser(name string) (user, domain string) {
	domain, user, found := strings.Cut(name, `\`)
	switch {
	case !found:
		return name, ""
	case domain == ".":
		return user, ""
	}
	return user, domain
}

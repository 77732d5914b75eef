package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// http.sys closes a connection that was idle for 120 s; a request that meets the closing is
	// ambiguous, so ours are given up long before.
	idleConnTimeout = 50 * time.Second
	soapType        = "application/soap+xml;charset=UTF-8"
	// Connections at once. A waiting Receive occupies one, so few would make commands wait for each
	// other; Windows accepts 300 (MaxConnections), for all clients together.
	maxConns = 256
)

// answer is an HTTP answer, with its body opened if it came sealed.
type answer struct {
	status int
	header http.Header
	tls    *tls.ConnectionState // of the connection; nil without TLS
	isSOAP bool
	body   []byte
	over   int64 // the number of the connection; 0: not known
	known  bool  // who is asking had been accepted before: a 401 is about the session, and not about the credentials
}

// exchanger carries envelopes to the server and back, authenticated. Its errors are *ConnError
// without Action and URL, or a *Fault when a handshake was refused. A status other than 200 is an
// answer, not an error.
type exchanger interface {
	exchange(ctx context.Context, envelope []byte) (answer, error)
	overhead(envelope int) int // bytes that a body of this size grows by on the way
	renew()                    // give up the connections: authentication is no longer in step
	close()
}

func newExchanger(ep Endpoint, opts Options, count *counters) (exchanger, error) {
	dial := dialer{url: ep.URL, tls: TLSConfig(ep), rootsUnread: ep.RootsUnread, count: count}
	limit := int64(opts.MaxEnvelope) + 64<<10 // the server keeps to MaxEnvelope; HTTP errors may be pages
	switch ep.Auth {
	case AuthBasic, AuthCertificate:
		return &basicExchanger{endpoint: ep, limit: limit, count: count, http: dial.transport()}, nil
	case AuthNTLM:
		return newNTLMExchanger(ep, dial, limit), nil
	}
	return nil, fmt.Errorf("authentication %q is not available", ep.Auth)
}

// TLSConfig is how TLS is spoken with an endpoint, whatever goes over it: where a certificate is pinned, no other one is
// accepted, and where authorities are named, too, it has to be of theirs as well.
func TLSConfig(ep Endpoint) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: ep.RootCAs, ServerName: ep.ServerName}
	if ep.Auth == AuthCertificate {
		config.Certificates = []tls.Certificate{*ep.ClientCertificate}
		// http.sys asks for a certificate only when it has read the request: by renegotiation, which there is up to TLS 1.2, or, with
		// TLS 1.3, by authentication behind the handshake, which crypto/tls does not have. So 1.3, which servers since 2022 would choose,
		// is not offered.
		config.Renegotiation, config.MaxVersion = tls.RenegotiateOnceAsClient, tls.VersionTLS12
	}
	if ep.PinSHA256 == "" {
		return config
	}
	want := strings.ToLower(ep.PinSHA256)
	config.InsecureSkipVerify = ep.RootCAs == nil // then the pin alone decides, below
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server has no certificate")
		}
		got := PinOf(state.PeerCertificates[0])
		if got != want {
			return &pinError{Got: got, Want: want}
		}
		return nil
	}
	return config
}

// pinError is a server that shows another certificate than the pinned one.
type pinError struct{ Got, Want string } // SHA-256, in hex

func (e *pinError) Error() string {
	return fmt.Sprintf("the server's certificate has SHA-256 %s, not the pinned %s: another machine answers, or its certificate was renewed", e.Got, e.Want)
}

// PinOf is the fingerprint of a certificate as Endpoint.PinSHA256 wants it.
func PinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// dialer opens connections and counts what passes over them.
type dialer struct {
	url   string
	tls   *tls.Config
	count *counters

	rootsUnread []error // as in Endpoint
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: conn, count: d.count, number: d.count.connections.Add(1)}, nil
}

// transport is HTTP/1.1 without proxies and compression: what is measured is what is sent, and a
// guest is not reached through somebody else's proxy.
func (d dialer) transport() *http.Transport {
	return &http.Transport{
		DialContext:         d.dial,
		DialTLSContext:      d.secured(d.dial),
		DisableCompression:  true,
		MaxConnsPerHost:     maxConns,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     idleConnTimeout,
		WriteBufferSize:     64 << 10,
		ReadBufferSize:      64 << 10,
	}
}

type countedConn struct {
	net.Conn
	count  *counters
	number int64 // of the client's connections
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.count.sent.Add(int64(n))
	return n, err
}

// mutual stands in the Authorization header of a client that has shown a certificate (MS-WSMV).
const mutual = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

// basicExchanger authenticates each request with user and password, or the TLS connection with a
// certificate.
type basicExchanger struct {
	endpoint Endpoint
	limit    int64
	count    *counters
	http     *http.Transport
	accepted atomic.Bool // the credentials were, once
}

func (b *basicExchanger) overhead(int) int { return 0 }
func (b *basicExchanger) renew()           { b.http.CloseIdleConnections() }
func (b *basicExchanger) close()           { b.http.CloseIdleConnections() }

func (b *basicExchanger) exchange(ctx context.Context, envelope []byte) (answer, error) {
	known := b.accepted.Load()
	a, err := post(ctx, b.http, b.endpoint.URL, envelope, b.limit, b.count, func(h http.Header) {
		h.Set("Content-Type", soapType)
		if b.endpoint.Auth == AuthCertificate {
			h.Set("Authorization", mutual)
			return
		}
		r := http.Request{Header: h}
		r.SetBasicAuth(b.endpoint.User, b.endpoint.Password.Reveal())
	})
	if a.known = known; err == nil && a.isSOAP && a.status != http.StatusUnauthorized {
		b.accepted.Store(true)
	}
	return a, err
}

// post sends one HTTP request and reads the whole answer.
func post(ctx context.Context, via http.RoundTripper, url string, body []byte, limit int64, count *counters, prepare func(http.Header)) (answer, error) {
	var sent atomic.Bool
	var over atomic.Int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { over.Store(numbered(info.Conn)) },
		WroteHeaders: func() {
			if !sent.Swap(true) {
				count.requests.Add(1)
			}
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, &ConnError{Err: err}
	}
	request.GetBody = nil // never replayed behind our back: what was sent may have been done
	request.Header.Set("User-Agent", "wskharness")
	prepare(request.Header)
	begun := time.Now()
	response, err := via.RoundTrip(request)
	if err != nil {
		return answer{over: over.Load()}, &ConnError{Sent: sent.Load(), Err: cause(ctx, err)}
	}
	defer response.Body.Close()
	count.answered(time.Since(begun))
	data, err := readBody(response, limit)
	if err != nil {
		return answer{over: over.Load()}, &ConnError{Sent: true, Err: fmt.Errorf("read answer: %w", cause(ctx, err))}
	}
	if int64(len(data)) > limit {
		return answer{over: over.Load()}, &ConnError{Sent: true, Err: fmt.Errorf("the answer is longer than %d bytes, more than was asked for", limit)}
	}
	return answer{
		over:   over.Load(),
		status: response.StatusCode,
		header: response.Header,
		tls:    response.TLS,
		isSOAP: strings.HasPrefix(strings.ToLower(response.Header.Get("Content-Type")), "application/soap+xml"),
		body:   data,
	}, nil
}

// readBody reads an answer, and at most one byte more than limit.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	var body bytes.Buffer
	if n := response.ContentLength; n > 0 {
		body.Grow(int(min(n, limit)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, limit+1))
	return body.Bytes(), err
}

// cause prefers the reason that a context was ended for to the transport's view of it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

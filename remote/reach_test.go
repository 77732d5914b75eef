package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"wskharness/remote"
)

// A server that refuses everybody can be reached; what listens and hangs up can't.
func TestAwait(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, _, given := r.BasicAuth(); given {
			t.Errorf("the password of %s was sent", user)
		}
		if asked.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	pin := remote.PinOf(server.Certificate())
	for name, ep := range map[string]remote.Endpoint{
		"by its pin":             {PinSHA256: pin},
		"by its authority":       {RootCAs: roots},
		"by another server name": {RootCAs: roots, ServerName: "example.com"},
		"as a client of a name":  {PinSHA256: pin, Auth: remote.AuthCertificate, ClientCertificate: &tls.Certificate{}},
	} {
		asked.Store(0)
		ep.URL, ep.User, ep.Password = server.URL+"/wsman", "u", "s3cret"
		if ep.Auth == "" {
			ep.Auth = remote.AuthBasic
		}
		if err := remote.Await(t.Context(), ep); err != nil || asked.Load() < 3 {
			t.Errorf("%s: %v after %d requests; want none, after 3 at least", name, err, asked.Load())
		}
	}
}

// A machine that shows another certificate does not become the right one by waiting.
func TestAwaitOfAnotherMachine(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for want, ep := range map[string]remote.Endpoint{
		"not the pinned " + strings.Repeat("ab", 32): {PinSHA256: strings.Repeat("ab", 32)},
		"certificate_sha256":                         {},
		"not for lab.example":                        {RootCAs: roots, ServerName: "lab.example"},
	} {
		ep.URL, ep.User, ep.Auth = server.URL+"/wsman", "u", remote.AuthBasic
		if err := remote.Await(t.Context(), ep); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want an error about %q", err, want)
		}
	}
}

// What takes a connection and never answers on it does not hold up the next try.
func TestAwaitBehindSilence(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 4 {
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	if err := remote.Await(t.Context(), remote.Endpoint{URL: server.URL, User: "u", Auth: remote.AuthNTLM}); err != nil || asked.Load() < 4 {
		t.Errorf("%v after %d requests; want none, after 4 at least", err, asked.Load())
	}
}

// Who stops waiting is told why, and what stood in the way last.
func TestAwaitThatEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	up := errors.New("the time to boot is up")
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if asked.Add(1) == 20 { // more than can be under way: what became of some is known
			cancel(up)
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	err := remote.Await(ctx, remote.Endpoint{URL: server.URL, User: "u", Auth: remote.AuthNTLM})
	if !errors.Is(err, up) || !errors.Is(err, io.EOF) {
		t.Errorf("got %v; want %q, and what the first try said: %q", err, up, io.EOF)
	}
}

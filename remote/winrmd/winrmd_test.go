//go:build linux

package winrmd_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

const (
	testUser     = "tester"
	testPassword = "p&ss <wörd>"
)

// endpoint is a server under test.
type endpoint struct {
	*winrmd.Server
	cert   winrmd.Certificate
	secure string // address of the HTTPS listener
	plain  string // address of the HTTP listener
}

func (e endpoint) client() remote.Endpoint {
	return remote.Endpoint{URL: "https://" + e.secure + "/wsman", User: testUser, Password: testPassword, Auth: remote.AuthBasic, PinSHA256: e.cert.SHA256}
}

// serve starts a server with an HTTPS and an HTTP listener.
func serve(t testing.TB, opts winrmd.Options) endpoint {
	t.Helper()
	return serveAs(t, testUser, opts)
}

// serveAs is serve with another account.
func serveAs(t testing.TB, user string, opts winrmd.Options) endpoint {
	t.Helper()
	cert, err := winrmd.NewCertificate("127.0.0.1", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	opts.User, opts.Password, opts.Certificate = user, testPassword, cert.TLS
	if opts.Host == nil {
		opts.Host = winrmdtest.LocalHost{}
	}
	server, err := winrmd.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint{Server: server, cert: cert}
	ended := make(chan error, 2)
	listen := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- serve(l) }()
		return l.Addr().String()
	}
	e.secure, e.plain = listen(server.Serve), listen(server.ServePlain)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil { // one that hangs is shown when the time of all tests is up
			t.Error(err)
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return e
}

// denied reports whether err says that the server did not accept who was asking.
func denied(err error) bool {
	f, ok := errors.AsType[*remote.Fault](err)
	return ok && f.HTTPStatus == http.StatusUnauthorized
}

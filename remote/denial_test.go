//go:build linux

package remote_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
	"wskharness/remote/winrmd"
)

// TestPasswordThatChanged has the fresh authentication refused: that is what is told, and what was asked is not done.
func TestPasswordThatChanged(t *testing.T) {
	noLeaks(t)
	for way := range (machine{}).ways() {
		t.Run(way, func(t *testing.T) {
			later := serve(t, winrmd.Options{Password: "another"})
			var where atomic.Value
			host := &puppet{}
			m := serve(t, winrmd.Options{Host: host, Inject: func(r winrmd.Request) winrmd.InjectedFault {
				if r.Action != "Command" {
					return winrmd.InjectedFault{}
				}
				where.Store(address(t, later.ways()[way]))
				return winrmd.InjectedFault{Kind: winrmd.Unauthorized}
			}})
			ep := m.ways()[way]
			where.Store(address(t, ep))
			ep.URL = strings.Replace(ep.URL, address(t, ep), forward(t, &where), 1)
			if ep.PinSHA256 != "" {
				ep.PinSHA256, ep.RootCAs = "", both(t, m.basic, later.basic)
			}
			client := dial(t, ep, quick())
			shell := openShell(t, client, remote.ShellOptions{})
			_, err := shell.Start(t.Context(), remote.CommandLine{Line: "x"})
			fault, ok := errors.AsType[*remote.Fault](err)
			if !ok || fault.HTTPStatus != http.StatusUnauthorized || !strings.Contains(err.Error(), "check user and password") || host.told().started != 0 {
				t.Errorf("got %v, and %d commands", err, host.told().started)
			}
			if err := shell.Close(t.Context()); !denied(err) {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func address(t *testing.T, ep remote.Endpoint) string {
	u, err := url.Parse(ep.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// both trusts the certificates of two endpoints.
func both(t *testing.T, endpoints ...remote.Endpoint) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, ep := range endpoints {
		pool.AddCert(tlsOf(t, ep))
	}
	return pool
}

// forward passes each connection on to where that says at the time.
func forward(t *testing.T, where *atomic.Value) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	pass := func(from net.Conn) {
		defer from.Close()
		to, err := net.Dial("tcp", where.Load().(string))
		if err != nil {
			t.Error(err)
			return
		}
		defer to.Close()
		passing.Go(func() {
			io.Copy(to, from)
			to.Close()
		})
		io.Copy(from, to)
	}
	passing.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { pass(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		passing.Wait()
	})
	return l.Addr().String()
}

// TestDenialWithAnEnvelope has a server put SOAP into its 401: what it says is the same.
func TestDenialWithAnEnvelope(t *testing.T) {
	config := `<cfg:Config xmlns:cfg="` + wsman.NSConfig + `"/>`
	for _, test := range []struct {
		name     string
		statuses []int
		body     string // of a 401
		asked    int
		denied   bool
	}{
		{"at first", []int{401, 200}, fault(5), 1, true},
		{"at first, without a fault", []int{401, 200}, "", 1, true},
		{"in between", []int{200, 401, 200}, fault(5), 3, false},
		{"in between, without a fault", []int{200, 401, 200}, config, 3, false},
		{"in between, no envelope at all", []int{200, 401, 200}, "<", 3, false},
		{"twice", []int{200, 401, 401, 200}, fault(5), 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				env, err := wsman.ParseEnvelope(body)
				if err != nil {
					t.Error(err)
					return
				}
				status, content := test.statuses[asked], config
				asked++
				if status == http.StatusUnauthorized {
					content = test.body
				}
				w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
				w.WriteHeader(status)
				fmt.Fprintf(w, `<s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action>%sResponse</a:Action><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body>%s</s:Body></s:Envelope>`,
					wsman.NSEnvelope, wsman.NSAddressing, env.Action(), env.MessageID(), content)
			}))
			t.Cleanup(ts.Close)
			client := dial(t, remote.Endpoint{URL: ts.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}, quick())
			_, err := client.ServerConfig(t.Context())
			if err == nil && test.asked > 1 {
				_, err = client.ServerConfig(t.Context())
			}
			if asked != test.asked || denied(err) != test.denied || !test.denied && err != nil {
				t.Errorf("asked %d times, %v; want %d, denied %v", asked, err, test.asked, test.denied)
			}
		})
	}
}

package harness

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/guest"
	"wskharness/remote"
	"wskharness/workshop"
)

// TestWaitsForBoot waits for a machine that boots: what passes is borne with, refused credentials a few times only, with time
// between them, and everything else ends it.
func TestWaitsForBoot(t *testing.T) {
	answer := func(status int) error { return &remote.Fault{HTTPStatus: status} }
	gone := &remote.ConnError{Err: errors.New("refused")}
	for name, test := range map[string]struct {
		errs  []error
		borne int // how many of them
		least time.Duration
	}{
		"on its way up":         {[]error{gone, answer(503), answer(404), gone, answer(401), answer(500)}, 6, refusedPause},
		"refused for ever":      {[]error{answer(401), answer(401), answer(401), answer(401)}, maxRefused, maxRefused * refusedPause},
		"refused now and then":  {[]error{answer(401), gone, answer(401), gone, answer(401), gone, answer(401)}, 6, maxRefused * refusedPause},
		"forbidden":             {[]error{answer(http.StatusForbidden)}, 0, 0},
		"denied by the service": {[]error{&remote.Fault{HTTPStatus: 401, Code: 5}}, 0, 0},
		"something else":        {[]error{errors.New("no")}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p bootTolerance
				begun, borne := time.Now(), 0
				for _, err := range test.errs {
					if !p.tolerates(t.Context(), err) {
						break
					}
					borne++
					if !p.wait(t.Context()) {
						t.Fatal("there is time")
					}
				}
				if took := time.Since(begun); borne != test.borne || took < test.least {
					t.Errorf("%d of %d were borne with, in %s", borne, len(test.errs), took)
				}
			})
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var p bootTolerance
	if p.tolerates(ended, gone) || p.wait(ended) {
		t.Error("it waits though its time is up")
	}
}

// silentAtFirst takes a first connection, on which it says nothing, as what forwards one to a guest that is not up yet.
type silentAtFirst struct {
	net.Listener
	first net.Conn
}

func (l *silentAtFirst) Accept() (net.Conn, error) {
	if l.first == nil {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.first = conn
	}
	return l.Listener.Accept()
}

// A guest that is coming back is reached by a connection that was begun when it was there, whatever became of those before.
func TestReachesWhatComesBack(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	silent := &silentAtFirst{Listener: server.Listener}
	server.Listener = silent
	server.Start()
	defer func() {
		server.Close()
		silent.first.Close()
	}()
	r := &run{id: "r", plan: &Plan{}, artifacts: newArtifacts()}
	r.artifacts.Tools = workshop.Tools{Agent: guest.Agent{SHA256: strings.Repeat("0", 64)}}
	s := &session{run: r, target: &config.Target{Name: "t"}, log: hclog.NewNullLogger(),
		machine: &elsewhere{simMachine: simMachine{ended: make(chan struct{})}, endpoint: remote.Endpoint{URL: server.URL + "/wsman", User: "u", Password: "p", Auth: remote.AuthBasic, AllowPlain: true}}}
	_, err := s.openBooting(t.Context(), t.Context())
	if f, ok := errors.AsType[*remote.Fault](err); !ok || f.HTTPStatus != http.StatusForbidden {
		t.Errorf("got %v, want the answer to a connection after the first", err)
	}
}

// elsewhere is a machine of which only the address is known.
type elsewhere struct {
	simMachine
	endpoint remote.Endpoint
}

func (m *elsewhere) Endpoint() remote.Endpoint { return m.endpoint }

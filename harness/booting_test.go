package harness

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/guest"
	"wskharness/remote"
	"wskharness/workshop"
)

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

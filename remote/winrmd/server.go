package winrmd

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Time limits of connections. Those of http.sys, where it has them.
const (
	headerTimeout = 20 * time.Second
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 120 * time.Second
	killTimeout   = 5 * time.Second // for what is killed to be gone
)

// Server is an endpoint. It may serve several listeners, which then share users, shells and
// commands, as the HTTP and HTTPS listeners of one Windows machine do.
type Server struct {
	opts   Options
	log    hclog.Logger
	secret [sha256.Size]byte // of the password

	mu      sync.Mutex
	shells  map[string]*shell
	pulls   map[string][]*shell // what is left of enumerations
	serving map[*http.Server]*gate
	down    bool           // by Reset
	ended   bool           // by Shutdown
	over    chan struct{}  // closed when ended
	asked   map[string]int // requests by action, for Options.Inject
}

// New makes a server. It does not listen: Serve does.
func New(opts Options) (*Server, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	return &Server{
		opts:    opts,
		log:     opts.Logger.Named("winrmd"),
		secret:  sha256.Sum256([]byte(opts.Password.Reveal())),
		shells:  make(map[string]*shell),
		pulls:   make(map[string][]*shell),
		serving: make(map[*http.Server]*gate),
		over:    make(chan struct{}),
		asked:   make(map[string]int),
	}, nil
}

// Serve answers on a listener until Shutdown, and closes it: HTTPS when Options.Certificate is set,
// else HTTP. It returns nil after Shutdown, at once if that came first.
func (s *Server) Serve(l net.Listener) error {
	return s.serve(l, len(s.opts.Certificate.Certificate) > 0)
}

// ServePlain answers over HTTP even if there is a certificate.
func (s *Server) ServePlain(l net.Listener) error { return s.serve(l, false) }

func (s *Server) serve(l net.Listener, secure bool) error {
	g := newGate(l, s.opts.Limits.MaxConnections)
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    16 << 10, // NTLM tokens included
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext:       connContext,
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return l.Close()
	}
	g.shut = s.down
	s.serving[srv] = g
	s.mu.Unlock()
	var from net.Listener = g
	if secure {
		config := &tls.Config{Certificates: []tls.Certificate{s.opts.Certificate}, MinVersion: tls.VersionTLS12}
		if s.opts.ClientCAs != nil {
			config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, s.opts.ClientCAs
		}
		from = tls.NewListener(g, config)
	}
	s.log.Debug("serving", "address", l.Addr().String(), "tls", secure)
	err := srv.Serve(from)
	s.mu.Lock()
	delete(s.serving, srv)
	s.mu.Unlock()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve WinRM on %s: %w", l.Addr(), err)
}

// Shutdown kills every command, forgets every shell, and ends every Serve. It returns when all
// answers have been given and all commands are gone; when ctx ends first, connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.ended {
		close(s.over)
	}
	s.ended = true
	var servers []*http.Server
	for srv, g := range s.serving {
		servers = append(servers, srv)
		g.mu.Lock()
		g.closed = true
		g.mu.Unlock()
	}
	s.mu.Unlock()
	s.forget(ctx)
	var errs []error
	for _, srv := range servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("shut down WinRM endpoint: %w; its connections were cut", err))
			srv.Close()
		}
	}
	return errors.Join(errs...)
}

// Reset does to clients what a crash of the machine does: every connection is cut, every shell
// forgotten, every command killed. The listeners stay, but new connections are reset at once, until
// Resume.
func (s *Server) Reset() {
	s.mu.Lock()
	s.down = true
	gates := s.gates()
	s.mu.Unlock()
	for _, g := range gates {
		g.setShut(true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	s.forget(ctx)
}

// Resume ends what Reset began: the machine is up again, and knows nothing of before.
func (s *Server) Resume() {
	s.mu.Lock()
	s.down = false
	gates := s.gates()
	s.mu.Unlock()
	for _, g := range gates {
		g.setShut(false)
	}
}

func (s *Server) gates() []*gate {
	var gates []*gate
	for _, g := range s.serving {
		gates = append(gates, g)
	}
	return gates
}

// forget deletes all shells.
func (s *Server) forget(ctx context.Context) {
	s.mu.Lock()
	var all []*shell
	for id, sh := range s.shells {
		all = append(all, sh)
		delete(s.shells, id)
	}
	clear(s.pulls)
	s.mu.Unlock()
	for _, sh := range all {
		sh.kill()
	}
	for _, sh := range all {
		sh.await(ctx)
	}
}

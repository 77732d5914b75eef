package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"wskharness/vm/lease"
)

// Descriptors that the process which serves a guest is started with.
const (
	lineFD = 3 // the connection of the controller that has started it
	lockFD = 4 // the lock of the guest's folder
)

// serve is the life of one guest: its VM is started, answers are given, and at the end nothing is left. dir is the guest's
// folder with its configuration, which the provider has made.
func serve(ctx context.Context, dir string, logger hclog.Logger) error {
	for _, fd := range []int{lineFD, lockFD} {
		unix.CloseOnExec(fd) // inherited here, and by what it is given to
	}
	l, err := lease.Inherit(dir, lockFD)
	if err != nil {
		return fmt.Errorf("serve the guest in %s: its lock is not this process's: %w", dir, err)
	}
	file := os.NewFile(lineFD, "controller")
	line, err := net.FileConn(file)
	file.Close()
	if err != nil {
		return fmt.Errorf("serve the guest in %s: %w", dir, err)
	}
	s := &server{lease: l, log: logger, console: newConsole(), claims: claims{all: map[net.Conn]*claim{}}}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	err = s.run(ctx, line)
	return errors.Join(err, s.down())
}

// server serves one guest.
type server struct {
	lease   *lease.Lease
	log     hclog.Logger
	config  guestConfig
	console *console
	claims  claims
	ctl     net.Listener
	stop    context.CancelFunc

	// power is held while the VM changes: start, revert, reset, a dump.
	power sync.Mutex

	// Of who has power: whether the guest's disk has the snapshot of its clean state, and the format of the dump that was made when
	// it crashed; empty: there is none.
	saved       bool
	crashFormat string

	mu    sync.Mutex
	vm    *instance // nil while it is off
	state state
	quiet bool // what happens now is because it was asked for
	lives int  // how often the guest was brought into its clean state: what happened before counts no more
}

func (s *server) run(ctx context.Context, line net.Conn) error {
	if err := lease.Read(s.lease.Dir, configFile, &s.config); err != nil {
		return fmt.Errorf("serve a guest: %w", err)
	}
	gone := make(chan struct{})
	go func() { // the controller says nothing on its own line: it only ends
		defer close(gone)
		_, _ = line.Read(make([]byte, 1))
		if !s.isKept() {
			s.stop()
		}
	}()
	enc := json.NewEncoder(line)
	a, err := s.up(ctx)
	if err != nil {
		return errors.Join(enc.Encode(answer{Error: err.Error(), NoSnapshot: errors.Is(err, errNoSnapshot)}), line.Close())
	}
	one, err := s.claims.add(line, false)
	if err == nil {
		err = enc.Encode(a)
	}
	if err != nil {
		return err
	}
	go func() {
		s.claims.pass(line, one, gone)
		s.claims.drop(line)
		line.Close()
	}()
	go s.accept(ctx)
	<-ctx.Done()
	return nil
}

// up starts the guest and writes down where it is.
func (s *server) up(ctx context.Context) (answer, error) {
	err := inFolder(s.lease.Dir, socketName, func(path string) (err error) {
		s.ctl, err = net.Listen("unix", path)
		return errors.Join(err, os.Chmod(path, 0o600))
	})
	if err != nil {
		return answer{}, fmt.Errorf("open the guest's control socket: %w", err)
	}
	s.ctl.(*net.UnixListener).SetUnlinkOnClose(false) // by a name that means another file by then
	s.power.Lock()
	defer s.power.Unlock()
	loaded, err := s.fresh(ctx)
	if err != nil {
		return answer{}, err
	}
	if err := s.start(ctx, loaded); err != nil {
		return answer{}, err
	}
	return answer{Port: s.port(), Loaded: loaded}, nil
}

func (s *server) isKept() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Kept
}

func (s *server) running() *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vm
}

func (s *server) port() int {
	if m := s.running(); m != nil {
		return m.port
	}
	return 0
}

// save writes down what is known of the guest.
func (s *server) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saveLocked()
}

func (s *server) saveLocked() error {
	s.state.ID, s.state.Target = s.config.ID, s.config.Target
	if s.state.Started.IsZero() {
		s.state.Started, s.state.Run = time.Now().UTC(), s.config.Run
	}
	if s.vm != nil {
		s.state.Port = s.vm.port
	}
	s.config.describe(&s.state)
	return lease.Write(s.lease.Dir, stateFile, &s.state)
}

// down ends whatever there is, and removes the folder.
func (s *server) down() error {
	s.power.Lock()
	defer s.power.Unlock()
	if m := s.running(); m != nil {
		s.end(m)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // for controllers to read what there is
	defer cancel()
	s.claims.finish(ctx)
	s.console.end()
	if s.ctl != nil {
		s.ctl.Close()
	}
	if err := s.lease.Discard(); err != nil {
		return fmt.Errorf("remove the guest %s: %w", filepath.Base(s.lease.Dir), err)
	}
	return nil
}

// accept answers on the guest's socket.
func (s *server) accept(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { s.ctl.Close() })
	defer stop()
	for {
		conn, err := s.ctl.Accept()
		if err != nil {
			return
		}
		go s.converse(ctx, conn)
	}
}

// maxRequest bounds a request, in bytes: its longest part is a path.
const maxRequest = 64 << 10

// converse answers one connection. Who closes it gives up what he has asked for.
func (s *server) converse(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var r request
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	err := json.NewDecoder(io.LimitReader(conn, maxRequest)).Decode(&r)
	stop()
	if err != nil {
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	}()
	enc := json.NewEncoder(conn)
	switch r.Do {
	case doClaim:
		s.claim(conn, r.Run, closed)
		return
	case doFollow:
		s.passConsole(ctx, enc)
		return
	}
	a, err := s.do(ctx, r)
	if err != nil {
		a.Error = err.Error()
	}
	_ = enc.Encode(a) // whoever asked may be gone
	if (r.Do == doStop || r.Do == doSettle) && err == nil {
		s.stop()
		<-closed // he waits for the end of this process
	}
}

// claim serves a connection that has the guest until it is closed.
func (s *server) claim(conn net.Conn, run string, closed <-chan struct{}) {
	one, err := s.claims.add(conn, run != "")
	if err == nil && run != "" {
		s.mu.Lock()
		s.state.Run = run
		err = s.saveLocked()
		s.mu.Unlock()
	}
	a := answer{Port: s.port()}
	if err != nil {
		a.Error = err.Error()
	}
	if encErr := json.NewEncoder(conn).Encode(a); err == nil && encErr == nil {
		s.claims.pass(conn, one, closed)
	}
	if was, last := s.claims.drop(conn); was && last { // who lets go of a guest in order has said so before
		s.mu.Lock()
		s.state.Abandoned = true
		err := s.saveLocked()
		s.mu.Unlock()
		if err != nil {
			s.log.Warn("note that the guest was abandoned", "error", err)
		}
	}
}

// passConsole passes on what the console has said, and goes on until ctx or the guest ends.
func (s *server) passConsole(ctx context.Context, enc *json.Encoder) {
	for known := int64(0); ; {
		text, now, more, over := s.console.from(known)
		known = now
		if len(text) > 0 && enc.Encode(answer{Console: text}) != nil {
			return
		}
		if over {
			return
		}
		if len(text) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

// do does what one request asks for.
func (s *server) do(ctx context.Context, r request) (a answer, err error) {
	switch r.Do {
	case doConsole: // also while the VM changes
		a.Console = s.console.tail()
		return a, nil
	case doStop:
		return a, nil
	case doUp:
		if m := s.running(); m != nil {
			m.booting.Store(false)
		}
		return a, nil
	case doKeep:
		s.claims.dropAll()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.state.Kept, s.state.Abandoned = true, false
		return a, s.saveLocked()
	}
	s.power.Lock()
	defer s.power.Unlock()
	if err := ctx.Err(); err != nil {
		return a, err
	}
	switch r.Do {
	case doRevert:
		a.Loaded, err = s.revert(ctx)
	case doReset:
		err = s.reset(ctx)
	case doOn:
		err = s.turnOn(ctx)
	case doOff:
		s.turnOff()
	case doPower:
		a.Power = s.isOn(ctx)
	case doNMI:
		err = s.injectNMI(ctx)
	case doDump:
		a.Format, err = s.dump(ctx, r.Path)
	case doSnapshot:
		err = s.snapshot(ctx)
	case doSettle:
		err = s.settle(ctx, r.Path)
	case doCheckpoint:
		err = s.checkpoint(ctx)
	default:
		err = fmt.Errorf("unknown request %q", r.Do)
	}
	a.Port = s.port()
	return a, err
}

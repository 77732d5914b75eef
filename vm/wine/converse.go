//go:build linux

package wine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"wskharness/vm"
)

// maxPast bounds what is kept for the next controller.
const maxPast = 32

// tell passes an event on to whoever has claimed the guest, and keeps it for whoever does so next: a controller
// that was killed has a successor, and whether it had written down what it was told nobody knows.
func (s *server) tell(e vm.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.past) < maxPast {
		s.past = append(s.past, e)
	}
	for _, events := range s.claims {
		select {
		case events <- e:
		default: // a controller that takes no events does not hold up the guest
		}
	}
}

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

// converse answers one connection.
func (s *server) converse(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer stop()
	var r request
	if json.NewDecoder(conn).Decode(&r) != nil {
		return
	}
	enc := json.NewEncoder(conn)
	if r.Do == doClaim {
		s.claim(conn, r.Run)
		return
	}
	a := s.do(ctx, r)
	_ = enc.Encode(a) // whoever asked may be gone
	if r.Do == doStop && a.Error == "" {
		s.stop()
	}
}

func (s *server) do(ctx context.Context, r request) answer {
	var a answer
	var err error
	switch r.Do {
	case doRevert, doReset:
		s.power.Lock()
		s.failures = 0
		a.Ready, err = s.cycle(ctx, r.Do == doRevert)
		s.power.Unlock()
	case doKeep:
		err = s.keep()
	case doConsole:
		a.Console = s.consoleText()
	case doHear:
		a = s.heard(r)
	case doUnplug:
		s.power.Lock()
		s.winrm.Reset()
		s.power.Unlock()
		time.AfterFunc(min(r.For, longestUnplug), s.plugIn)
	case doKillHost:
		err = s.killHost(r.Driver)
	case doStop:
		err = s.off()
	default:
		err = fmt.Errorf("unknown request %q", r.Do)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// longestUnplug bounds how long WinRM may be away.
const longestUnplug = 10 * time.Minute

// plugIn brings WinRM back, unless the guest is off: then whatever turns it on does.
func (s *server) plugIn() {
	s.power.Lock()
	defer s.power.Unlock()
	if s.booted() != nil {
		s.winrm.Resume()
	}
}

// killHost ends the process that hosts a driver.
func (s *server) killHost(driver string) error {
	b := s.booted()
	if b == nil {
		return errors.New("the guest is off")
	}
	return b.killHost(driver)
}

// consoleText is the console of the boot that crashed, and of the one since.
func (s *server) consoleText() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append([]byte(nil), s.last...)
	if s.boot != nil {
		text = append(text, s.boot.tail()...)
	}
	return text
}

// keep leaves the guest up with nobody's claim: who claims it next need not wait for this connection to be closed.
func (s *server) keep() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.claims)
	s.state.Kept, s.state.Abandoned = true, false
	s.idle.Stop()
	return s.save()
}

// claim serves a connection that the guest belongs to until it is closed.
func (s *server) claim(conn net.Conn, run string) {
	enc := json.NewEncoder(conn)
	events, ready, err := s.admit(conn, run)
	if err != nil {
		_ = enc.Encode(answer{Error: err.Error()}) // whoever asked may be gone
		return
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = conn.Read(make([]byte, 1)) // the controller says nothing more: it only ends
	}()
	err = enc.Encode(answer{Ready: ready})
	for err == nil {
		select {
		case e := <-events:
			err = enc.Encode(answer{Event: &e})
		case <-closed:
			err = net.ErrClosed
		}
	}
	s.dismissClaim(conn)
}

// admit enters a claim, and gives the channel of its events with those of the past in it. A run that says its name
// wants the guest for itself.
func (s *server) admit(conn net.Conn, run string) (events chan vm.Event, ready time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run != "" {
		if len(s.claims) > 0 {
			return nil, 0, fmt.Errorf("it is in use, by run %s", s.state.Run)
		}
		s.state.Run = run
		if err := s.save(); err != nil {
			return nil, 0, err
		}
	}
	events = make(chan vm.Event, 2*maxPast)
	s.claims[conn] = events
	for _, e := range s.past {
		events <- e // its buffer is empty, and larger
	}
	s.idle.Stop()
	return events, s.ready, nil
}

// dismissClaim ends a claim whose connection was closed. Where the guest was not let go of before, it is nobody's.
func (s *server) dismissClaim(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.claims[conn]; !held {
		return
	}
	delete(s.claims, conn)
	if len(s.claims) > 0 {
		return
	}
	if !s.state.Kept {
		s.idle.Reset(s.config.Unclaimed)
		return
	}
	s.state.Abandoned = true
	if err := s.save(); err != nil {
		s.log.Warn("note that the guest was abandoned", "error", err)
	}
}

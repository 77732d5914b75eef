//go:build linux

package wine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/vm"
	"wskharness/vm/lease"
)

const (
	bootTries   = 3  // see Start
	maxFailures = 4  // as many crashes in a row leave the guest off
	maxReboots  = 64 // as many times it may reboot before it is ready
)

// user is the account that the guest's WinRM endpoint knows.
const user = "wskharness"

// ServeOptions are how a guest is served.
type ServeOptions struct {
	Logger hclog.Logger // nil is silent
	// Inject, if set, decides what is to go wrong with each request to the guest's WinRM endpoint: it is for
	// tests of what controls guests.
	Inject func(winrmd.Request) winrmd.InjectedFault
}

// Serve is the life of one guest: it clones, boots, serves WinRM on loopback, reboots after a crash, and at
// the end removes everything. dir is the guest's folder with its configuration, which the provider made. It
// runs in a process of its own below its guard, both of which outlive a controller that is killed; ready is written to
// once, when the guest can be used or could not be brought up.
func Serve(ctx context.Context, dir string, ready *os.File, o ServeOptions) error {
	for _, fd := range []int{int(ready.Fd()), lockFD} {
		unix.CloseOnExec(fd) // they are inherited here, and by nothing of the guest
	}
	guard, err := strconv.Atoi(os.Getenv(guarding))
	if err != nil {
		return keepGuard(ctx, dir, ready)
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	s := &server{dir: dir, guard: guard, log: o.Logger, inject: o.Inject, claims: map[net.Conn]chan<- vm.Event{}, turnedOn: make(chan struct{}, 1)}
	err = s.up(ctx)
	report := ""
	if err != nil {
		report = err.Error()
	}
	if _, werr := fmt.Fprintf(ready, "%s\n", report); werr != nil && err == nil {
		err = fmt.Errorf("tell the controller that the guest is up: %w", werr)
	}
	ready.Close()
	if err == nil {
		err = s.serve(ctx)
	}
	return errors.Join(err, s.down())
}

// server serves one guest.
type server struct {
	dir    string
	log    hclog.Logger
	inject func(winrmd.Request) winrmd.InjectedFault
	config guestConfig
	guard  int // the process above this one
	winrm  *winrmd.Server
	ctl    net.Listener
	stop   context.CancelFunc

	// power is held while the guest changes: boot, revert, stop.
	power    sync.Mutex
	failures int // boots in a row that failed, or crashed soon
	turnedOn chan struct{}

	mu     sync.Mutex
	boot   *boot
	state  State
	claims map[net.Conn]chan<- vm.Event
	past   []vm.Event // since the guest's disk was last clean, for whoever claims it next
	ready  time.Duration
	idle   *time.Timer
	last   []byte // the console of the boot before, which crashed
}

func (s *server) up(ctx context.Context) error {
	if err := lease.Read(s.dir, configFile, &s.config); err != nil {
		return fmt.Errorf("serve a Wine guest: %w", err)
	}
	begun := time.Now()
	go confinement() // looked for while the disk is made
	if err := s.fresh(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	s.ready = time.Since(begun)
	return s.listen()
}

// fresh makes the guest's disk: a clone of the template with what belongs into each clone.
func (s *server) fresh(ctx context.Context) error {
	prefix := prefixOf(s.dir)
	if err := s.clone(ctx, prefix); err != nil {
		return err
	}
	if err := put(prefix, hostProgram, s.config.Host); err != nil {
		return fmt.Errorf("put winrshost.exe into the guest: %w", err)
	}
	if s.config.Netio != "" {
		if err := put(prefix, guestNetio, s.config.Netio); err != nil {
			return fmt.Errorf("put %s into the guest: %w", s.config.Netio, err)
		}
	}
	for to, from := range s.config.Seed {
		if err := put(prefix, to, from); err != nil {
			return fmt.Errorf("put %s into the guest: %w", from, err)
		}
	}
	return nil
}

// clone makes the disk. A guest that has written through its links into the template spoils it for all: it
// is then made anew.
func (s *server) clone(ctx context.Context, prefix string) error {
	for again := false; ; again = true {
		if err := errors.Join(ForgetServer(prefix, ""), os.RemoveAll(prefix)); err != nil {
			return fmt.Errorf("clear the guest's disk: %w", err)
		}
		err := clone(s.config.Template, prefix)
		if !errors.Is(err, errSpoiled) || again {
			return err
		}
		s.log.Warn("a guest has written into the template: it is made anew", "error", err)
		if err := renewTemplate(ctx, s.config.Template, &s.config.Software); err != nil {
			return err
		}
	}
}

// kin is what the guest's processes are found by.
func (s *server) kin() kin { return kin{prefix: prefixOf(s.dir), temp: s.config.Temp, guard: s.guard} }

// start boots the guest's disk as it is.
func (s *server) start(ctx context.Context) error {
	boot := func() (*boot, error) {
		b, err := start(ctx, &s.config, s.kin(), confinement())
		if failed, ok := errors.AsType[*bootError](err); ok && failed.crash != nil {
			s.tell(*failed.crash) // the next boot may go well, and nobody else knows of it
		}
		return b, err
	}
	b, err := boot()
	for reboots := 0; errors.Is(err, errEnded) && reboots < maxReboots && ctx.Err() == nil; reboots++ {
		s.log.Info("the guest rebooted before it was ready", "error", err)
		b, err = boot()
	}
	for try := 1; err != nil && try < bootTries && ctx.Err() == nil; try++ {
		s.log.Warn("the guest did not boot: once more", "error", err)
		b, err = boot()
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.boot = b
	s.state.Boots++
	s.mu.Unlock()
	select {
	case s.turnedOn <- struct{}{}:
	default: // nobody has noticed the last time yet
	}
	return nil
}

// booted is the boot that is up; nil where the guest is off.
func (s *server) booted() *boot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.boot
}

// Start runs a command in the boot that is up. It implements winrmd.Host over boots that come and go.
func (s *server) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	b := s.booted()
	if b == nil {
		return nil, fmt.Errorf("start a command: %w: the guest is off", winrmd.ErrGoingDown)
	}
	return b.host.Start(ctx, spec)
}

// TakesCodepage asks the boot that is up. See winrmd.Consoles.
func (s *server) TakesCodepage(ctx context.Context, codepage int) (bool, error) {
	b := s.booted()
	if b == nil {
		return false, fmt.Errorf("ask about a code page: %w: the guest is off", winrmd.ErrGoingDown)
	}
	return b.host.TakesCodepage(ctx, codepage)
}

// listen opens the WinRM endpoint and the control socket, and writes down where they are.
func (s *server) listen() error {
	certificate, err := winrmd.NewCertificate("127.0.0.1", "localhost")
	if err != nil {
		return err
	}
	password := rand.Text()
	s.winrm, err = winrmd.New(winrmd.Options{
		Host: s, User: user, Password: remote.Secret(password), Certificate: certificate.TLS, Logger: s.log, Inject: s.inject,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the WinRM endpoint: %w", err)
	}
	socket := filepath.Join(s.config.Temp, "control")
	if s.ctl, err = net.Listen("unix", socket); err != nil {
		return errors.Join(fmt.Errorf("open the control socket: %w", err), listener.Close())
	}
	go func() {
		if err := s.winrm.Serve(listener); err != nil {
			s.log.Debug("WinRM endpoint", "error", err)
		}
	}()
	s.state = State{
		GuestInfo: vm.GuestInfo{
			ID: s.config.ID, Target: s.config.Target, Run: s.config.Run, Started: time.Now().UTC(),
			Endpoint: "https://" + listener.Addr().String() + "/wsman", User: user,
			PasswordFile: filepath.Join(s.dir, "password"), CertificateFile: filepath.Join(s.dir, "certificate.pem"),
			CertificateSHA: certificate.SHA256,
		},
		PID: os.Getpid(), Guard: s.guard, Control: socket, Boots: s.state.Boots, Dir: s.dir,
	}
	return errors.Join(
		os.Chmod(socket, 0o600),
		os.WriteFile(s.state.PasswordFile, []byte(password+"\n"), 0o600),
		os.WriteFile(s.state.CertificateFile, certificate.PEM, 0o644),
		s.save(),
	)
}

func (s *server) save() error { return lease.Write(s.dir, stateFile, s.state) }

// serve answers controllers and watches the guest until it is to end.
func (s *server) serve(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	s.idle = time.AfterFunc(s.config.Unclaimed, s.stop)
	defer s.idle.Stop()
	go s.accept(ctx)
	for {
		b := s.booted()
		if b == nil { // off: until it is turned on, or ends
			select {
			case <-ctx.Done():
				return nil
			case <-s.turnedOn:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case e := <-b.crash:
			s.crashed(ctx, b, e)
		case <-b.host.over:
			s.gone(ctx, b)
		}
	}
}

package wine

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"wskharness/child"
	"wskharness/driver"
	"wskharness/remote"
	"wskharness/vm"
)

//go:embed host
var hostSources embed.FS

// HostSpec is how winrshost.exe is built. Whoever makes guests does so, for Options.Host.
func HostSpec() driver.Spec {
	return driver.Spec{Name: "winrshost.exe", Kind: driver.Program, Sources: hostSources, Dirs: []string{"host"}, Units: 1, Root: "vm/wine"}
}

// Options say how guests are made.
type Options struct {
	Root  string            // folder for templates and guests
	Serve []string          // a command that calls Serve with the folder that is added to it
	Host  string            // winrshost.exe, built
	Seed  map[string]string // guest path → host file, put into each clone
	Netio string            // a netio.sys to use instead of Wine's own; empty: Wine's own
	Never []string          // environment variables that the process that serves a guest does not get
	// Unclaimed is how long a guest stays up with nobody's claim; 10 minutes when zero.
	Unclaimed time.Duration
	Logger    hclog.Logger // nil is silent
	// Tell is nil, or is told of what takes long and is done once, before it is.
	Tell func(text string)
}

// endLimit is how long a guest that is not wanted any more may take to remove itself.
const endLimit = time.Minute

// Provider makes Wine guests.
type Provider struct{ opts Options }

var (
	_ vm.Provider = (*Provider)(nil)
	_ vm.Adopter  = (*Provider)(nil)
	_ vm.Reuser   = (*Provider)(nil)
	_ vm.Machine  = (*Machine)(nil)
	_ vm.Console  = (*Machine)(nil)

	_ vm.EntryTeller = (*Machine)(nil)
	_ vm.Keeper      = (*Machine)(nil)
	_ vm.Resetter    = (*Machine)(nil)
	_ vm.Starter     = (*Machine)(nil)
	_ vm.Mortal      = (*Machine)(nil)

	_ vm.Unplugger  = (*Machine)(nil)
	_ vm.HostKiller = (*Machine)(nil)
)

// New returns a provider. It starts nothing.
func New(o Options) (*Provider, error) {
	if o.Root == "" || len(o.Serve) == 0 || o.Host == "" {
		return nil, errors.New("wine provider: it needs a root folder, a command that serves guests, and winrshost.exe")
	}
	if o.Netio != "" {
		if _, err := os.Stat(o.Netio); err != nil {
			return nil, fmt.Errorf("wine provider: netio.sys: %w", err)
		}
	}
	if o.Unclaimed == 0 {
		o.Unclaimed = 10 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return &Provider{opts: o}, nil
}

// Acquire makes a new guest and waits until drivers can be loaded in it.
func (p *Provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	if swept, err := Sweep(p.opts.Root); err != nil || len(swept) > 0 {
		p.opts.Logger.Info("removed what dead guests had left", "folders", swept, "error", err)
	}
	software, err := Find(ctx)
	if err == nil {
		err = errors.Join(checkRoot(p.opts.Root), checkFiles())
	}
	if err != nil {
		return nil, err
	}
	prefix, err := template(ctx, p.opts.Root, software, p.opts.Tell)
	if err != nil {
		return nil, err
	}
	dir, lock, err := p.folder(t, software, prefix)
	if err != nil {
		return nil, fmt.Errorf("make a Wine guest: %w", err)
	}
	err = p.serve(ctx, dir, lock)
	lock.Close() // not given up: the processes that serve the guest have it
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring up a Wine guest: %w", err), remove(dir, 0))
	}
	return claim(ctx, dir)
}

// claim claims a guest that was just brought up. One that can't be claimed is nobody's, and ends.
func claim(ctx context.Context, dir string) (vm.Machine, error) {
	m, err := attach(ctx, dir, "")
	if err == nil {
		return m, nil
	}
	var s State
	if unread := readJSON(filepath.Join(dir, stateFile), &s); unread != nil {
		return nil, errors.Join(err, remove(dir, 0))
	}
	return nil, errors.Join(err, s.Down(context.WithoutCancel(ctx)))
}

// checkRoot refuses folders that Wine can't have a prefix below: it takes the path for one of Windows, where these
// characters can't be, and does not find its own libraries. It says so by a number.
func checkRoot(root string) error {
	if !filepath.IsAbs(root) {
		return fmt.Errorf("keep Wine guests in %q: it is not an absolute path: check HOME and XDG_CACHE_HOME", root)
	}
	for _, r := range root {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`*?<>|"\`, r) {
			return fmt.Errorf("keep Wine guests in %q: Wine can't use a path with %q in it: set XDG_CACHE_HOME to another folder", root, r)
		}
	}
	return nil
}

// leastFiles is how many files a process of a guest has to be allowed to have open: its wineserver has some hundred.
const leastFiles = 256

// checkFiles refuses a limit on open files under which a guest never gets up, and does not say why.
func checkFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= leastFiles {
		return nil // who can't be asked is tried
	}
	return fmt.Errorf("a Wine guest needs %d open files a process, and no more than %d are allowed here: raise it (ulimit -n 1024)", leastFiles, limit.Max)
}

// Adopt claims the guest that was made for this target and run by a controller that is gone. Where there are
// several, as a controller that was killed again and again may leave, the newest is claimed and the others end.
func (p *Provider) Adopt(ctx context.Context, t vm.Target) (vm.Machine, error) {
	up, err := List(p.opts.Root)
	if err != nil {
		return nil, err
	}
	var mine []State
	for _, s := range up {
		if t.Run != "" && s.Run == t.Run && s.Target == t.Name {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return nil, vm.ErrNoMachine
	}
	slices.SortFunc(mine, func(a, b State) int { return a.Started.Compare(b.Started) })
	newest := mine[len(mine)-1]
	for _, s := range mine[:len(mine)-1] {
		if err := s.Down(ctx); err != nil {
			p.opts.Logger.Warn("end a guest that an earlier controller left", "guest", s.ID, "error", err)
		}
	}
	m, err := attach(ctx, newest.Dir, "")
	if err != nil {
		return nil, errors.Join(vm.ErrNoMachine, err, newest.Down(ctx))
	}
	return m, nil
}

// folder makes the folder of a new guest, whose lock it holds.
func (p *Provider) folder(t vm.Target, s *Software, prefix string) (dir string, lock *os.File, err error) {
	id := t.Name + "-" + strings.ToLower(rand.Text()[:8])
	room := guestsDir(p.opts.Root)
	if err := os.MkdirAll(room, 0o700); err != nil {
		return "", nil, err
	}
	dir = filepath.Join(room, id)
	if lock, err = makeLocked(dir); err != nil {
		return "", nil, err
	}
	temp := filepath.Join(shortTemp(), "wsk-"+unused())
	err = writeJSON(filepath.Join(dir, configFile), guestConfig{
		ID: id, Target: t.Name, Run: t.Run, Software: *s, Template: prefix, Host: p.opts.Host, Seed: p.opts.Seed,
		Netio: p.opts.Netio, Temp: temp, Unclaimed: p.opts.Unclaimed,
	})
	if err == nil {
		err = os.Mkdir(temp, 0o700) // after its name was written down: who is killed here leaves nothing that is not found
	}
	if err != nil {
		err = errors.Join(err, discard(dir))
		letGo(lock)
		return "", nil, err
	}
	return dir, lock, nil
}

// serve starts the guard of the guest in dir, and with it the process that serves the guest, and waits until the guest
// is up. They have a session of their own: an interrupt from the terminal is for the controller alone. The guard gets the
// lock. When this fails, both have ended.
func (p *Provider) serve(ctx context.Context, dir string, lock *os.File) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	log, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		write.Close()
		return err
	}
	defer log.Close()
	env, err := child.Environment{Never: p.opts.Never}.List()
	if err != nil {
		return err
	}
	cmd := child.Command(context.Background(), env, p.opts.Serve[0], append(p.opts.Serve[1:len(p.opts.Serve):len(p.opts.Serve)], dir)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{write, lock}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.opts.Serve[0], err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }() // reaped while this process lives; then by init
	stop := context.AfterFunc(ctx, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		read.Close()
	})
	defer stop()
	report, err := bufio.NewReader(io.LimitReader(read, 64<<10)).ReadString('\n')
	report = strings.TrimSpace(report)
	if report == "" && err == nil && stop() { // else it has been told to end by now
		return nil
	}
	select {
	case <-exited:
	case <-time.After(endLimit):
		_ = cmd.Process.Kill()
		<-exited
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case report != "":
		return errors.New(report)
	}
	return fmt.Errorf("the process that serves it ended: %w: %s", err, endOf(log, 2000))
}

// endOf reads the end of a file that may have no name any more.
func endOf(f *os.File, most int64) []byte {
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	text := make([]byte, min(info.Size(), most))
	n, _ := f.ReadAt(text, info.Size()-int64(len(text))) // as much as there is
	return text[:n]
}

// Machine is a claimed guest.
type Machine struct {
	state    State
	endpoint remote.Endpoint
	events   chan vm.Event
	ended    chan struct{}
	release  sync.Once

	mu    sync.Mutex
	claim *control
	ready time.Duration
}

// attach claims the guest in a folder: one that was just made, was kept, or whose controller was killed; where a run is
// named, for that alone.
func attach(ctx context.Context, dir, run string) (*Machine, error) {
	m := &Machine{events: make(chan vm.Event, 64), ended: make(chan struct{})}
	if err := readJSON(filepath.Join(dir, stateFile), &m.state); err != nil {
		return nil, fmt.Errorf("attach to the Wine guest: %w", err)
	}
	var err error
	if m.endpoint, err = m.state.RemoteEndpoint(); err != nil {
		return nil, err
	}
	if m.claim, err = dial(ctx, m.state.Control); err != nil {
		return nil, err
	}
	a, err := m.claim.ask(request{Do: doClaim, Run: run})
	if err != nil {
		m.claim.conn.Close()
		return nil, fmt.Errorf("claim the Wine guest %s: %w", m.state.ID, err)
	}
	m.ready = a.Ready
	go m.listen(m.claim)
	return m, nil
}

// RemoteEndpoint is where the guest's WinRM answers, with its password and its certificate.
func (s *State) RemoteEndpoint() (remote.Endpoint, error) {
	password, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: %w", s.ID, err)
	}
	pem, err := os.ReadFile(s.CertificateFile)
	if err != nil {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: %w", s.ID, err)
	}
	e := remote.Endpoint{
		URL: s.Endpoint, User: s.User, Password: remote.Secret(strings.TrimSpace(string(password))),
		Auth: remote.AuthBasic, PinSHA256: s.CertificateSHA, RootCAs: x509.NewCertPool(),
	}
	if !e.RootCAs.AppendCertsFromPEM(pem) {
		return remote.Endpoint{}, fmt.Errorf("reach the Wine guest %s: no certificate in %s", s.ID, s.CertificateFile)
	}
	return e, nil
}

// listen passes on the guest's events until the claim ends.
func (m *Machine) listen(c *control) {
	defer close(m.ended)
	defer close(m.events)
	for {
		var a answer
		if err := c.dec.Decode(&a); err != nil {
			return
		}
		if a.Event == nil {
			continue
		}
		select {
		case m.events <- *a.Event:
		default: // nobody takes them
		}
	}
}

// Endpoint is the same for the guest's life, reverts included.
func (m *Machine) Endpoint() remote.Endpoint { return m.endpoint }

// State is what the guest's folder says of it.
func (m *Machine) State() State { return m.state }

// Events is closed by Release, and when the process that serves the guest has ended.
func (m *Machine) Events() <-chan vm.Event { return m.events }

// Ended is closed when the process that serves the guest has ended: it takes the guest along.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// ReadyAfter is how long the start took, or the last revert.
func (m *Machine) ReadyAfter() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// Revert gives the guest a fresh disk, and boots it.
func (m *Machine) Revert(ctx context.Context) error { return m.cycle(ctx, doRevert) }

// Reset is a power cycle: the disk stays.
func (m *Machine) Reset(ctx context.Context) error { return m.cycle(ctx, doReset) }

func (m *Machine) cycle(ctx context.Context, do action) error {
	a, err := ask(ctx, m.state.Control, request{Do: do})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = a.Ready
	return nil
}

// Unplug takes WinRM away for a while; the guest goes on.
func (m *Machine) Unplug(ctx context.Context, away time.Duration) error {
	_, err := ask(ctx, m.state.Control, request{Do: doUnplug, For: away})
	return err
}

// KillHost ends the process that hosts a driver: winedevice.exe. To the machine that is a crash.
func (m *Machine) KillHost(ctx context.Context, driver string) error {
	_, err := ask(ctx, m.state.Control, request{Do: doKillHost, Driver: driver})
	return err
}

// Console is what the guest's processes have printed: the tail of it, also of the boot before.
func (m *Machine) Console() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := ask(ctx, m.state.Control, request{Do: doConsole})
	return a.Console, err
}

// Keep leaves the guest up, with nobody's claim, and returns its id.
func (m *Machine) Keep(ctx context.Context) (id string, err error) {
	m.release.Do(func() {
		_, err = ask(ctx, m.state.Control, request{Do: doKeep})
		m.claim.conn.Close()
	})
	return m.state.ID, err
}

// Release ends the guest, and returns when nothing of it is left.
func (m *Machine) Release(ctx context.Context) (err error) {
	m.release.Do(func() {
		defer m.claim.conn.Close()
		err = m.state.Down(ctx)
	})
	return err
}

// Revert brings a guest that is up back to its clean state, whoever has claimed it.
func (s *State) Revert(ctx context.Context) (ready time.Duration, err error) {
	a, err := ask(ctx, s.Control, request{Do: doRevert})
	return a.Ready, err
}

// Reset turns a guest that is up off and on, whoever has claimed it.
func (s *State) Reset(ctx context.Context) error {
	_, err := ask(ctx, s.Control, request{Do: doReset})
	return err
}

// Down ends a guest that is up, whoever has claimed it, and returns when nothing of it is left. A process that serves it
// and does not end it in time is killed, also where that time is ctx's.
func (s *State) Down(ctx context.Context) error {
	exit, err := hold(s.PID)
	if err != nil || !served(s.Dir) {
		return remove(s.Dir, 0) // the process that served it is gone: there is only the rest to remove
	}
	defer exit.close()
	guard, unguarded := hold(s.Guard)
	if unguarded == nil {
		defer guard.close()
	}
	ending, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	_, unanswered := ask(ending, s.Control, request{Do: doStop})
	if unanswered != nil { // it may be ending by itself, or have been killed this moment
		ending, cancel = context.WithTimeout(ending, dyingLimit)
		defer cancel()
	}
	alive := exit.wait(ending)
	if alive != nil {
		if err := exit.kill(); err != nil {
			return errors.Join(unanswered, alive, err)
		}
	}
	if unguarded == nil {
		unguarded = guard.awaitEnd() // it ends what is left of the guest
	}
	if unguarded == nil {
		return nil
	}
	return remove(s.Dir, 0)
}

const (
	// downLimit is how long a guest may take to end: its disk may take flushLimit, its processes quietLimit.
	downLimit = flushLimit + quietLimit + dyingLimit
	// dyingLimit is how long a process that did not answer any more may take to be gone.
	dyingLimit = 10 * time.Second
)

// held is a process, not necessarily a child, whose end can be waited for even when its number is used again.
type held struct {
	pid int
	fd  int
}

// hold finds a process; an error says that there is none of this number.
func hold(pid int) (held, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return held{pid, fd}, err
}

func (p held) close() { _ = unix.Close(p.fd) }

// kill ends the process, one that is stopped as well, and waits until it has ended.
func (p held) kill() error {
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", p.pid, err)
	}
	return p.awaitEnd()
}

// awaitEnd waits for the end of a process that has no reason to stay.
func (p held) awaitEnd() error {
	ctx, cancel := context.WithTimeout(context.Background(), dyingLimit)
	defer cancel()
	return p.wait(ctx)
}

// wait waits until the process has ended.
func (p held) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 100)
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for process %d to end: %w", p.pid, err)
		}
	}
	return fmt.Errorf("wait for process %d to end: %w", p.pid, ctx.Err())
}

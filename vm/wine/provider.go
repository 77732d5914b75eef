//go:build linux

package wine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"wskharness/child"
	"wskharness/vm"
	"wskharness/vm/lease"
)

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

	_ vm.Witness     = (*Machine)(nil)
	_ vm.EntryTeller = (*Machine)(nil)
	_ vm.Keeper      = (*Machine)(nil)
	_ vm.Resetter    = (*Machine)(nil)
	_ vm.Starter     = (*Machine)(nil)
	_ vm.Versioned   = (*Machine)(nil)
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
	l, err := p.folder(t, software, prefix)
	if err != nil {
		return nil, fmt.Errorf("make a Wine guest: %w", err)
	}
	err = p.serve(ctx, l)
	l.Lock.Close() // not given up: the processes that serve the guest have it
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring up a Wine guest: %w", err), remove(l.Dir, 0))
	}
	return claim(ctx, l.Dir)
}

// claim claims a guest that was just brought up. One that can't be claimed is nobody's, and ends.
func claim(ctx context.Context, dir string) (vm.Machine, error) {
	m, err := attach(ctx, dir, "")
	if err == nil {
		return m, nil
	}
	var s State
	if unread := lease.Read(dir, stateFile, &s); unread != nil {
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

// folder makes the folder of a new guest.
func (p *Provider) folder(t vm.Target, s *Software, prefix string) (*lease.Lease, error) {
	id := t.Name + "-" + lease.Unused()
	l, err := lease.Make(guestsDir(p.opts.Root), id)
	if err != nil {
		return nil, err
	}
	temp := filepath.Join(shortTemp(), "wsk-"+unused())
	err = lease.Write(l.Dir, configFile, guestConfig{
		ID: id, Target: t.Name, Run: t.Run, Software: *s, Template: prefix, Host: p.opts.Host, Seed: p.opts.Seed,
		Netio: p.opts.Netio, Temp: temp, Unclaimed: p.opts.Unclaimed,
	})
	if err == nil {
		err = os.Mkdir(temp, 0o700) // after its name was written down: who is killed here leaves nothing that is not found
	}
	if err != nil {
		return nil, errors.Join(err, l.Discard())
	}
	return l, nil
}

// serve starts the guard of a guest, and with it the process that serves the guest, and waits until the guest
// is up. They have a session of their own: an interrupt from the terminal is for the controller alone. The guard gets the
// lock. When this fails, both have ended.
func (p *Provider) serve(ctx context.Context, l *lease.Lease) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	log, err := os.Create(filepath.Join(l.Dir, "serve.log"))
	if err != nil {
		write.Close()
		return err
	}
	defer log.Close()
	env, err := child.Environment{Never: p.opts.Never}.List()
	if err != nil {
		return err
	}
	cmd := child.Command(context.Background(), env, p.opts.Serve[0], append(p.opts.Serve[1:len(p.opts.Serve):len(p.opts.Serve)], l.Dir)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{write, l.Lock}
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

//go:build linux

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/vmtest"
)

// pretend is a domain of libvirt's driver for tests (test:///default), which has states, snapshots and events within
// milliseconds, and no guest: its WinRM is this machine's.
type pretend struct {
	d *daemon
	Options
}

// newPretend makes the domain of a test, off, with a snapshot "clean". A driver for tests forgets all when nobody is connected.
func newPretend(t *testing.T) *pretend {
	t.Helper()
	d := libvirtd(t)
	hold, err := open(testtime.Context(t), d.client("test").place, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if dom, err := hold.DomainLookupByName("pretended"); err == nil {
			_ = hold.DomainDestroy(dom)
			_ = hold.DomainUndefineFlags(dom, golibvirt.DomainUndefineSnapshotsMetadata)
		}
		hold.close()
	})
	p := &pretend{d: d, Options: Options{
		Cache: t.TempDir(), URI: d.uri("test"), Domain: "pretended", Snapshot: "clean", Address: "127.0.0.1", Service: ownWinRM(t, d), Getenv: os.Getenv,
	}}
	err = hold.bound(testtime.Context(t), func() error {
		dom, err := hold.DomainDefineXML("<domain type='test'><name>pretended</name><memory>8192</memory><os><type>hvm</type></os></domain>")
		if err != nil {
			return err
		}
		_, err = hold.DomainSnapshotCreateXML(dom, "<domainsnapshot><name>clean</name></domainsnapshot>", 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ownWinRM serves this machine over WinRM, as if it was the domain's guest. What is done with "dirty" is gone when the domain
// has started anew: each start gives it another number.
func ownWinRM(t *testing.T, d *daemon) access.Service {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: &domainHost{t: t, d: d, file: filepath.Join(t.TempDir(), "dirt")}, User: "u", Password: "s3cret", Certificate: certificate.TLS})
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(winrmdtest.Serve(t, server))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	return access.Service{Login: access.Login{User: "u", PasswordFile: file, Auth: "basic", Certificate: certificate.SHA256}, Transport: "https", Port: number}
}

type domainHost struct {
	winrmdtest.LocalHost
	t    *testing.T
	d    *daemon
	file string
}

func (h *domainHost) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	var id int32
	h.d.ask(h.t, "test", func(lv *conn) error {
		dom, err := lv.DomainLookupByName("pretended")
		id = dom.ID
		return err
	})
	spec.Command = strings.NewReplacer("dirty", fmt.Sprintf("echo %d >%s", id, h.file), "cleaned", fmt.Sprintf("test \"$(cat %s)\" != %d", h.file, id)).Replace(spec.Command)
	return h.LocalHost.Start(ctx, spec)
}

// noMemory is a machine of which nobody finds that its memory can be dumped: one of the driver for tests has none.
type noMemory struct{ *machine }

func (noMemory) DumpMemory() {}

type noMemories struct{ *Provider }

func (p noMemories) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	m, err := p.Provider.Acquire(ctx, t)
	if err != nil {
		return nil, err
	}
	return noMemory{m.(*machine)}, nil
}

func (p *pretend) state(t *testing.T) (on bool, owner mark) {
	t.Helper()
	p.d.ask(t, "test", func(lv *conn) error {
		dom, err := lv.DomainLookupByName(p.Domain)
		if err != nil {
			return err
		}
		if on, err = isActive(lv, dom); err != nil {
			return err
		}
		owner, _, err = getMark(lv, dom, golibvirt.DomainAffectConfig)
		return err
	})
	return on, owner
}

// free fails the test where the domain is not as it was found.
func (p *pretend) free(t *testing.T, when string) {
	t.Helper()
	if on, owner := p.state(t); on || owner.ID != "" {
		t.Errorf("%s: the domain is on: %t, and its mark is %v; want it off and nobody's", when, on, owner)
	}
	if left, err := os.ReadDir(leasesIn(p.Cache)); err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
		t.Errorf("%s: %v and %v are left", when, left, err)
	}
}

func TestConformanceInPlace(t *testing.T) {
	p := newPretend(t)
	vmtest.Run(t, noMemories{provider(t, p.Options)}, vmtest.Expect{
		Command: "echo up", Output: "up", Reverts: true, Dirty: "dirty", Clean: "cleaned", One: "is in use",
		Left: func() ([]string, error) { p.free(t, "after the machine"); return nil, nil },
	})
}

// What can be wrong with a domain is told before anything is done to it, with what to do.
func TestRefusedDomains(t *testing.T) {
	p := newPretend(t)
	start := func(lv *conn, dom golibvirt.Domain) error { return lv.DomainCreate(dom) }
	for name, test := range map[string]struct {
		change func(o *Options)
		before func(lv *conn, dom golibvirt.Domain) error
		after  func(lv *conn, dom golibvirt.Domain) error
		want   []string
	}{
		"missing":           {change: func(o *Options) { o.Domain = "nobody" }, want: []string{"nobody", "virsh list --all"}},
		"snapshot missing":  {change: func(o *Options) { o.Snapshot = "nothing" }, want: []string{"nothing", "virsh snapshot-create-as"}},
		"running, not ours": {before: start, after: func(lv *conn, dom golibvirt.Domain) error { return lv.DomainDestroy(dom) }, want: []string{"is running", "virsh shutdown pretended"}},
		"somebody else has it": {
			before: func(lv *conn, dom golibvirt.Domain) error {
				return setMark(lv, dom, mark{ID: "lab-12345678", Controller: "other", By: "anna@lab2", Target: "lab"}, golibvirt.DomainAffectConfig)
			},
			after: func(lv *conn, dom golibvirt.Domain) error {
				return setMark(lv, dom, mark{}, golibvirt.DomainAffectConfig)
			},
			want: []string{"is in use", "anna@lab2", "lab-12345678", "virsh metadata"},
		},
		"clone of a running one": {change: func(o *Options) { o.Snapshot, o.Overlay = "", true }, before: start,
			after: func(lv *conn, dom golibvirt.Domain) error { return lv.DomainDestroy(dom) }, want: []string{"is running", "its clones"}},
		"clone without a disk": {change: func(o *Options) { o.Snapshot, o.Overlay = "", true }, want: []string{"no disk"}},
		"no daemon":            {change: func(o *Options) { o.URI = "test+unix:///default?socket=/nowhere/libvirt-sock" }, want: []string{"/nowhere/libvirt-sock", "no libvirt daemon answers", "qemu+ssh://HOST/system"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := p.Options
			if test.change != nil {
				test.change(&o)
			}
			do := func(f func(*conn, golibvirt.Domain) error) {
				if f == nil {
					return
				}
				p.d.ask(t, "test", func(lv *conn) error {
					dom, err := lv.DomainLookupByName(p.Domain)
					if err != nil {
						return err
					}
					return f(lv, dom)
				})
			}
			do(test.before)
			onBefore, before := p.state(t)
			_, err := provider(t, o).Acquire(testtime.Context(t), vm.Target{Name: "box"})
			if err == nil {
				t.Fatal("Acquire succeeded")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q in it", err, want)
				}
			}
			if on, after := p.state(t); on != onBefore || after != before {
				t.Errorf("the domain is on: %t, and its mark %v; want it as it was: %t, %v", on, after, onBefore, before)
			}
			do(test.after)
			p.free(t, name)
		})
	}
}

// Whenever a machine that is being acquired is given up, nothing of it is left; whenever its host goes away meanwhile, what
// is left is told, and found by a sweep.
func TestAcquireIsCutOff(t *testing.T) {
	p := newPretend(t)
	through := p.d.proxy(t, "test")
	o := p.Options
	o.URI = through.uri
	for at, done := 1, false; !done; at++ {
		for _, host := range []bool{false, true} {
			when := fmt.Sprintf("cancelled at packet %d", at)
			ctx, cancel := context.WithCancel(testtime.Context(t))
			if host {
				when = fmt.Sprintf("the host is away at packet %d", at)
			}
			through.watchPackets(func(packet int) {
				if packet == at && host {
					through.cut()
				} else if packet == at {
					cancel()
				}
			})
			m, err := provider(t, o).Acquire(ctx, vm.Target{Name: "box"})
			through.watchPackets(nil)
			if err == nil { // it was over before, or the watch alone was cut off, which connects anew
				done = done || !host
				if err := m.Release(testtime.Context(t)); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			} else if !host && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v; want a cancellation", when, err)
			}
			if host {
				if _, err := sweep(testtime.Context(t), vm.Host{Cache: o.Cache, Getenv: o.Getenv}); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
			cancel()
			p.free(t, when)
		}
		if at > 200 {
			t.Fatal("Acquire never comes to its end")
		}
	}
}

// A machine whose host goes away for good has ended; one whose host is back is watched again, and what has happened meanwhile
// is told.
func TestHostGoesAway(t *testing.T) {
	p := newPretend(t)
	through := p.d.proxy(t, "test")
	o := p.Options
	o.URI = through.uri
	made := provider(t, o)
	made.awayLimit = 50 * time.Millisecond
	m, err := made.Acquire(testtime.Context(t), vm.Target{Name: "box"})
	if err != nil {
		t.Fatal(err)
	}
	through.cut()
	p.d.ask(t, "test", func(lv *conn) error {
		dom, err := lv.DomainLookupByName(p.Domain)
		if err != nil {
			return err
		}
		return lv.DomainDestroy(dom)
	})
	if e := next(t, m); e.Kind != vm.Stopped {
		t.Errorf("%+v; want that it has stopped", e)
	}
	through.away()
	select {
	case <-m.(vm.Mortal).Ended():
	case <-testtime.Context(t).Done():
		t.Fatal("the machine has not ended, and its host is away")
	}
	err = m.Release(testtime.Context(t))
	if err == nil || !strings.Contains(err.Error(), "vm down --all") {
		t.Errorf("Release: %v; want what to do", err)
	}
	// The same daemon, by another way.
	for _, f := range must(leases(o.Cache)) {
		f.rec.URI = p.URI
		if err := f.rec.write(f.dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(hostsIn(o.Cache)); err != nil {
		t.Fatal(err)
	}
	if swept, err := sweep(testtime.Context(t), vm.Host{Cache: o.Cache, Getenv: o.Getenv}); err != nil || len(swept) != 1 {
		t.Errorf("%q, %v; want the domain", swept, err)
	}
	p.free(t, "after the sweep")
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// next is the next event of a machine.
func next(t *testing.T, m vm.Machine) vm.Event {
	t.Helper()
	select {
	case e, open := <-m.Events():
		if !open {
			t.Fatal("no event any more")
		}
		return e
	case <-testtime.Context(t).Done():
		t.Fatal("no event")
	}
	return vm.Event{}
}

// What somebody else does to the machine is told, and what was ordered is not.
func TestEvents(t *testing.T) {
	p := newPretend(t)
	m, err := provider(t, p.Options).Acquire(testtime.Context(t), vm.Target{Name: "box"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release(testtime.Context(t))
	by := func(f func(*conn, golibvirt.Domain) error) {
		p.d.ask(t, "test", func(lv *conn) error {
			dom, err := lv.DomainLookupByName(p.Domain)
			if err != nil {
				return err
			}
			return f(lv, dom)
		})
	}
	s := m.(vm.Switch)
	for _, order := range []func(context.Context) error{m.Revert, s.TurnOff, s.TurnOn} {
		if err := order(testtime.Context(t)); err != nil {
			t.Fatal(err)
		}
	}
	by(func(lv *conn, dom golibvirt.Domain) error { return lv.DomainDestroy(dom) })
	if e := next(t, m); e.Kind != vm.Stopped || !strings.Contains(e.Text, "turned it off") {
		t.Errorf("%+v; want that somebody has turned it off", e)
	}
	if power, err := s.Power(testtime.Context(t)); err != nil || power != vm.Off {
		t.Errorf("%s, %v; want off", power, err)
	}
	by(func(lv *conn, dom golibvirt.Domain) error { return lv.DomainCreate(dom) })
	if e := next(t, m); e.Kind != vm.Reset {
		t.Errorf("%+v; want that it was started", e)
	}
}

// A controller that is gone leaves a machine that its run takes over, with what has happened; that a sweep ends; and a
// domain with our mark, and without a lease, is found by that.
func TestLeftBehind(t *testing.T) {
	p := newPretend(t)
	h := vm.Host{Cache: p.Cache, Getenv: p.Getenv}
	made := provider(t, p.Options)
	left := func() {
		t.Helper()
		m, err := made.Acquire(testtime.Context(t), vm.Target{Name: "box", Run: "run-1"})
		if err != nil {
			t.Fatal(err)
		}
		own := m.(*machine)
		own.turn.Lock() // as a controller that is killed: nothing is said to anybody, and the lock is let go
		own.unobserve()
		own.turn.Unlock()
		own.lease.LetGo()
	}
	left()
	if _, err := made.Acquire(testtime.Context(t), vm.Target{Name: "box", Run: "run-2"}); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("%v; want that it is in use", err)
	}
	if _, err := made.Adopt(testtime.Context(t), vm.Target{Name: "box", Run: "run-2"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("%v; want none, for another run", err)
	}
	p.d.ask(t, "test", func(lv *conn) error {
		dom, err := lv.DomainLookupByName(p.Domain)
		if err != nil {
			return err
		}
		return lv.DomainDestroy(dom)
	})
	m, err := made.Adopt(testtime.Context(t), vm.Target{Name: "box", Run: "run-1"})
	if err != nil {
		t.Fatal(err)
	}
	if e := next(t, m); e.Kind != vm.Stopped {
		t.Errorf("%+v; want that it has stopped meanwhile", e)
	}
	if err := m.Revert(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	if err := m.Release(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	p.free(t, "after it was adopted")

	left()
	if swept, err := sweep(testtime.Context(t), h); err != nil || len(swept) != 1 || !strings.Contains(swept[0], "domain pretended on test+unix") {
		t.Errorf("%q, %v; want the domain", swept, err)
	}
	p.free(t, "after the sweep")

	left()
	if err := os.RemoveAll(leasesIn(p.Cache)); err != nil {
		t.Fatal(err)
	}
	if swept, err := sweep(testtime.Context(t), vm.Host{Cache: t.TempDir(), Getenv: p.Getenv}); err != nil || len(swept) != 0 {
		t.Errorf("%q, %v; another cache's sweep has ended it", swept, err)
	}
	if swept, err := sweep(testtime.Context(t), h); err != nil || len(swept) != 1 {
		t.Errorf("%q, %v; want the domain whose lease is lost", swept, err)
	}
	p.free(t, "after the sweep by the mark")
}

// A machine that was left up is listed, used again, and taken down.
func TestKeepAndReuse(t *testing.T) {
	p := newPretend(t)
	h := vm.Host{Cache: p.Cache, Getenv: p.Getenv}
	made := provider(t, p.Options)
	m, err := made.Acquire(testtime.Context(t), vm.Target{Name: "box"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := m.(vm.Keeper).Keep(testtime.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	if swept, err := sweep(testtime.Context(t), h); err != nil || len(swept) != 0 {
		t.Errorf("%q, %v; want that what was left up stays", swept, err)
	}
	again, err := made.Reuse(testtime.Context(t), vm.Target{Name: "box", Run: "r", Guest: id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Reuse(testtime.Context(t), vm.Target{Name: "box", Run: "s", Guest: id}); err == nil || !strings.Contains(err.Error(), "somebody else has it") {
		t.Errorf("%v; want that somebody else has it", err)
	}
	if _, err := again.(vm.Keeper).Keep(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	up, err := list(testtime.Context(t), h)
	if err != nil || len(up) != 1 || up[0].Info().ID != id || !up[0].Info().Kept {
		t.Fatalf("%v, %v; want the one", up, err)
	}
	if _, err := up[0].Revert(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	if e, err := up[0].RemoteEndpoint(); err != nil || e.Password.Reveal() != "s3cret" {
		t.Errorf("%+v, %v", e, err)
	}
	if things, err := kept(p.Cache); err != nil || len(things) != 1 || things[0].Guest != id {
		t.Errorf("%+v, %v; want the guest", things, err)
	}
	if err := up[0].Down(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	p.free(t, "after Down")
	if _, err := made.Reuse(testtime.Context(t), vm.Target{Name: "box"}); !errors.Is(err, vm.ErrNoMachine) {
		t.Errorf("%v; want none", err)
	}
}

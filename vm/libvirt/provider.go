// Package libvirt is virtual machines that a libvirt daemon runs, on this machine or on others: one controller drives those of
// many hosts.
//
// A target names a domain that is its user's. It is used in place, and goes back to a snapshot; or each lease gets a clone of
// it, a transient domain on overlays of its disks, of which there may be several at a time:
//
//	provider, err := libvirt.New(libvirt.Options{URI: "qemu+ssh://lab1/system", Domain: "win11", Overlay: true, …})
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "win11"})
//
// The host has the machine, and goes on having it when this program ends. So each lease has a folder, whose lock is held by
// whoever has the machine, with a record of all that was made for it, written before it was made; and each domain has a mark in
// its metadata that says whose it is. What a controller that was killed has left is found by either, and ended by Sweep.
package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
)

// Options say which domain, and how it is used.
type Options struct {
	Cache    string // folder for leases
	URI      string // of the daemon: see wantURI
	Domain   string
	Snapshot string // the domain is used in place, and goes back to that; or …
	Overlay  bool   // … each lease gets a clone
	Pool     string // storage pool for overlays and dumps; empty: that of the domain's first disk
	// Address is how a guest's address is found ("lease", "agent", "arp", "forward"), or what it is; empty: by the first of
	// lease, agent and arp that knows it.
	Address string
	Service access.Service
	// BootWithin is how long the machine may take until its WinRM answers; 10 minutes when zero.
	BootWithin time.Duration
	// DumpOnPanic has the memory of a machine that crashes be dumped at once, as it stands.
	DumpOnPanic bool

	Getenv func(string) string
	Never  []string     // environment variables that no program gets
	Logger hclog.Logger // nil is silent
}

// bootLimit is how long a machine may take to boot of which its target does not say it.
const bootLimit = 10 * time.Minute

// Provider gives machines of one domain.
type Provider struct {
	opts      Options
	place     place
	awayLimit time.Duration // see client
}

// client is a new client of the provider's daemon.
func (p *Provider) client() *client {
	c := newClient(p.place, p.opts.Never)
	c.awayLimit = p.awayLimit
	return c
}

var (
	_ vm.Provider = (*Provider)(nil)
	_ vm.Adopter  = (*Provider)(nil)
	_ vm.Reuser   = (*Provider)(nil)

	_ vm.Machine         = (*machine)(nil)
	_ vm.Mortal          = (*machine)(nil)
	_ vm.Keeper          = (*machine)(nil)
	_ vm.Starter         = (*machine)(nil)
	_ vm.Versioned       = (*machine)(nil)
	_ vm.Resetter        = (*machine)(nil)
	_ vm.Switch          = (*machine)(nil)
	_ vm.NMIInjector     = (*machine)(nil)
	_ vm.MemoryDumper    = (*machine)(nil)
	_ vm.Checkpointer    = (*machine)(nil)
	_ vm.Console         = withConsole{}
	_ vm.ConsoleFollower = withConsole{}
)

// New checks the options. It connects to nothing.
func New(o Options) (*Provider, error) {
	p, err := parsePlace(o.URI)
	switch {
	case err != nil:
		return nil, fmt.Errorf("libvirt provider: the URI: %w", err)
	case o.Cache == "" || o.Domain == "" || (o.Snapshot == "") != o.Overlay || o.Getenv == nil:
		return nil, errors.New("libvirt provider: it needs a cache folder, a domain, and either a snapshot or overlays")
	}
	if o.BootWithin == 0 {
		o.BootWithin = bootLimit
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return &Provider{opts: o, place: p, awayLimit: awayLimit}, nil
}

// Acquire makes a clone of the domain, or claims the domain itself, and waits until it is up.
func (p *Provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.tidy(ctx)
	who, err := controller(p.opts.Cache)
	if err = errors.Join(err, knowHost(p.opts.Cache, p.opts.URI)); err != nil {
		return nil, fmt.Errorf("acquire %s: %w", t.Name, err)
	}
	id := t.Name + "-" + lease.Unused()
	l, err := lease.Make(leasesIn(p.opts.Cache), id)
	if err != nil {
		return nil, fmt.Errorf("acquire %s: %w", t.Name, err)
	}
	r := p.newRecord(id, t)
	d := &domain{client: p.client(), dir: l.Dir, controller: who, getenv: p.opts.Getenv}
	d.state.Store(r)
	m := newMachine(d, l, p.opts.Logger)
	m.turn.Lock()
	defer m.turn.Unlock()
	err = r.write(l.Dir)
	if err == nil && !r.Clone {
		err = d.claim(ctx)
	}
	if err == nil {
		err = m.begin(ctx)
	}
	if err != nil {
		m.over = true
		return nil, errors.Join(fmt.Errorf("acquire %s: %w", t.Name, err), m.discard(context.WithoutCancel(ctx)))
	}
	return m.given(), nil
}

// newRecord is what is known of a lease before anything is made for it.
func (p *Provider) newRecord(id string, t vm.Target) *record {
	o := p.opts
	r := &record{
		GuestInfo: vm.GuestInfo{
			ID: id, Target: t.Name, Run: t.Run, Started: time.Now(), User: o.Service.User,
			PasswordFile: o.Service.PasswordFile, CertificateFile: o.Service.CAFile, CertificateSHA: o.Service.Certificate,
		},
		URI: o.URI, Base: o.Domain, Domain: o.Domain, Clone: o.Overlay, Snapshot: o.Snapshot, Pool: o.Pool,
		Service: o.Service, Address: o.Address, BootWithin: o.BootWithin, DumpOnPanic: o.DumpOnPanic,
	}
	if r.Clone {
		r.Domain = "wskharness-" + id
	}
	return r
}

// claim makes sure that a domain that is used in place can be gone back with, and that nobody else has it, and says whose it
// is from then on.
func (d *domain) claim(ctx context.Context) error {
	return d.client.do(ctx, callLimit, "claim domain "+d.rec().Domain, func(lv *conn) error {
		dom, definition, err := lookup(lv, d.rec().Domain)
		if err != nil {
			return err
		}
		s, err := readSnapshot(lv, dom, d.rec().Snapshot)
		if err != nil {
			return err
		}
		if err := lv.version.refusal(definition, s); err != nil {
			return err
		}
		if err := free(lv, dom, d.rec().Domain); err != nil {
			return err
		}
		err = d.note(func(r *record) {
			r.UUID, r.Marked, r.Console = uuidText(dom.UUID), true, !d.client.pretends() && hasConsole(definition)
		})
		if err != nil {
			return err
		}
		mine := d.mark()
		if err := setMark(lv, dom, mine, golibvirt.DomainAffectConfig); err != nil {
			return err
		}
		owner, _, err := getMark(lv, dom, golibvirt.DomainAffectConfig)
		if err == nil && owner.ID != mine.ID {
			err = inUse(d.rec().Domain, owner) // who began at the same time
		}
		return err
	})
}

// readSnapshot reads the definition of a domain's snapshot.
func readSnapshot(lv *conn, dom golibvirt.Domain, name string) (*libvirtxml.DomainSnapshot, error) {
	snapshot, err := lv.DomainSnapshotLookupByName(dom, name, 0)
	if err != nil {
		return nil, err
	}
	text, err := lv.DomainSnapshotGetXMLDesc(snapshot, 0)
	if err != nil {
		return nil, err
	}
	if len(text) > maxXML {
		return nil, fmt.Errorf("the definition of snapshot %s has %d bytes", name, len(text))
	}
	s := &libvirtxml.DomainSnapshot{}
	if err := s.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("read the definition of snapshot %s: %w", name, err)
	}
	return s, nil
}

// inUse is that somebody else has a domain.
func inUse(name string, by mark) error {
	return fmt.Errorf("domain %s is in use: %s; wait, or end that lease where it is (wskharness vm down); "+
		"where there is nobody any more, take the mark away: virsh metadata %s %s --config --remove", name, by, name, markSpace)
}

// free is nil where nobody has a domain.
func free(lv *conn, dom golibvirt.Domain, name string) error {
	owner, marked, err := getMark(lv, dom, golibvirt.DomainAffectConfig)
	if err != nil {
		return err
	}
	if marked {
		return inUse(name, owner)
	}
	on, err := isActive(lv, dom)
	if err == nil && on {
		err = fmt.Errorf("domain %s is running, and it was not wskharness that has started it: shut it down (virsh shutdown %s), since going back to a snapshot would take away what somebody does in it", name, name)
	}
	return err
}

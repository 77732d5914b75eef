package libvirt

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
	"wskharness/vm/access"
)

// Kind is a domain of libvirt's, on this machine or on another.
func Kind() vm.Kind {
	return vm.Kind{Name: "libvirt", Form: form, Checks: checks, List: list, Sweep: sweep, Kept: kept}
}

// target is what a target says.
type target struct {
	access.Service
	uri        string
	place      place
	domain     string
	snapshot   string
	overlay    bool
	pool       string
	address    string
	memoryDump string
	bootWithin time.Duration
}

func form() vm.Form {
	t := &target{uri: "qemu:///system", memoryDump: "never"}
	keys := t.Service.Table()
	keys.Doc = "A domain of libvirt's, on this machine or on another."
	keys.Keys = append(keys.Keys,
		settings.Key{Name: "uri", Doc: "Where libvirt's daemon is: " + wantURI + "; qemu:///system unless given.",
			Value: settings.Value{Schema: settings.Pattern(`^[a-z]+(\+[a-z0-9]+)?://[^ ]*$`), Read: t.readURI}},
		settings.Key{Name: "domain", Doc: "The domain, by its name there.", Must: "domain: its name, as virsh list --all has it", Value: settings.Text(&t.domain)},
		settings.Key{Name: "snapshot", Doc: "The domain is used in place, and goes back to this snapshot.",
			Without: []settings.Rule{{Key: "overlay"}}, Value: settings.Text(&t.snapshot)},
		settings.Key{Name: "overlay", Doc: "Each lease gets a clone of the domain, on overlays of its disks: several at a time.", Value: settings.Bool(&t.overlay)},
		settings.Key{Name: "pool", Doc: "The storage pool for overlays and memory dumps; that of the domain's first disk unless given.", Value: settings.Text(&t.pool)},
		settings.Key{Name: "address", Doc: "Who knows the guest's address: lease (libvirt's DHCP server), agent (qemu-guest-agent), arp, or forward (QEMU's user networking); " +
			"or the address itself. The first of lease, agent and arp unless given.", Value: settings.Value{Schema: settings.Pattern(hostForm.String()), Read: t.readAddress}},
		settings.Key{Name: "memory_dump", Doc: "When the memory is dumped from outside: panic, at each crash, before the guest goes on; never, but when it is asked for.",
			Value: settings.Word(&t.memoryDump, "never", "panic")},
		settings.Key{Name: "boot_within", Doc: "How long it may take until WinRM answers.", Value: settings.Duration(&t.bootWithin, settings.LongestTime)},
	)
	return vm.Form{Keys: keys, Define: t.define}
}

func (t *target) readURI(r *settings.Reader, n *strictyaml.Node, what string) {
	text, ok := r.Line(n, what)
	if !ok {
		return
	}
	p, err := parsePlace(text)
	if err != nil { // the text is not repeated: it may have a password in it
		r.At(n, wantURI, "%s: %v", what, err)
		return
	}
	t.uri, t.place = text, p
}

func (t *target) readAddress(r *settings.Reader, n *strictyaml.Node, what string) {
	text, ok := r.Line(n, what)
	if ok && !hostForm.MatchString(text) {
		r.At(n, "lease, agent, arp, forward, or a name or an address", "%s is %s", what, n.Describe())
	}
	t.address = text
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	t.Service.Check(r, given)
	if given["snapshot"] == nil && !t.overlay {
		r.At(given["domain"], "snapshot: NAME, for the domain itself; or overlay: true, for clones of it", "domain without a clean state")
	}
	if t.overlay && given["address"] != nil {
		switch t.address {
		case byLease, byAgent, byARP, byForward:
		default:
			r.At(given["address"], byLease+", "+byAgent+", "+byARP+" or "+byForward, "address of clones, of which each has another")
		}
	}
	if t.place.driver == "" {
		t.place, _ = parsePlace(t.uri) // the default is one
	}
	d := vm.Definition{Provider: t.provider, BootWithin: t.bootWithin, Secrets: t.Secrets(), MemoryDump: t.memoryDump == "panic"}
	if d.BootWithin == 0 {
		d.BootWithin = bootLimit
	}
	if t.overlay {
		d.Description = fmt.Sprintf("clones of domain %s at %s as %s", t.domain, t.uri, t.User)
	} else {
		d.Description = fmt.Sprintf("domain %s at %s from snapshot %s as %s", t.domain, t.uri, t.snapshot, t.User)
		d.Shared = "libvirt:" + t.place.same() + "/" + t.domain
	}
	return d
}

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	if _, err := t.Service.Endpoint("127.0.0.1", t.Service.Port, h.Getenv); err != nil { // the password is not there
		return nil, err
	}
	return New(Options{
		Cache: h.Cache, URI: t.uri, Domain: t.domain, Snapshot: t.snapshot, Overlay: t.overlay, Pool: t.pool, Address: t.address, Service: t.Service,
		BootWithin: t.bootWithin, DumpOnPanic: t.memoryDump == "panic", Getenv: h.Getenv, Never: h.Never, Logger: h.Logger,
	})
}

// checks look for what reaches libvirt. Nothing is needed on this machine but for daemons that are here, or are reached by ssh:
// which they are, the targets say.
func checks(ctx context.Context, _ bool) []vm.Check {
	ssh := vm.Check{Name: "ssh", Detail: "libvirt on other hosts is reached by it (qemu+ssh://)"}
	if at, err := exec.LookPath("ssh"); err == nil {
		ssh.OK, ssh.Detail = true, at+", for libvirt on other hosts"
	} else {
		ssh.Fix = installSSH + "; or reach them by qemu+tls://"
	}
	if runtime.GOOS != "linux" { // there are daemons of it elsewhere, but none that has this machine's virtual machines
		return []vm.Check{ssh}
	}
	daemon := vm.Check{Name: "libvirt"}
	p, err := parsePlace("qemu:///system")
	if err == nil {
		looking, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		c := newClient(p, nil)
		defer c.close()
		err = c.do(looking, lookLimit, "look for libvirt on this machine", func(lv *conn) error {
			daemon.OK, daemon.Detail = lv.runs != 0, c.describe(lv)+", on this machine"
			return nil
		})
	}
	if err != nil {
		daemon.Detail = "no daemon on this machine; those of other hosts need none here"
		daemon.Fix = "for virtual machines on this one: apt-get install --no-install-recommends libvirt-daemon-system, and systemctl start libvirtd"
	}
	return []vm.Check{daemon, ssh}
}

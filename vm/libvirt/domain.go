package libvirt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// domain is what can be done with the machine of a lease, by whoever has its record.
type domain struct {
	client     *client
	dir        string // of the lease
	controller string // whose mark it gets
	getenv     func(string) string

	mu    sync.Mutex // of whoever writes the record
	state atomic.Pointer[record]
}

// rec is what the record says now. Nobody changes that: see note.
func (d *domain) rec() *record { return d.state.Load() }

// note changes the record, and writes it down.
func (d *domain) note(change func(r *record)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := *d.rec()
	next.Told, next.Overlays = slices.Clone(next.Told), slices.Clone(next.Overlays)
	change(&next)
	d.state.Store(&next)
	return next.write(d.dir)
}

// errGone is that libvirt does not know the lease's domain any more.
var errGone = errors.New("libvirt does not have it any more: somebody else has removed it, or its host was started anew")

// do asks the daemon about the lease's domain.
func (d *domain) do(ctx context.Context, limit time.Duration, what string, f func(*conn, golibvirt.Domain) error) error {
	return d.client.do(ctx, limit, what, func(lv *conn) error {
		dom, err := d.find(lv)
		if errors.Is(err, errGone) && d.reread() {
			dom, err = d.find(lv)
		}
		if err != nil {
			return err
		}
		return f(lv, dom)
	})
}

func (d *domain) find(lv *conn) (golibvirt.Domain, error) {
	id, err := parseUUID(d.rec().UUID)
	if err != nil {
		return golibvirt.Domain{}, err
	}
	dom, err := lv.DomainLookupByUUID(id)
	if isCode(err, golibvirt.ErrNoDomain) {
		err = fmt.Errorf("%w (%w)", errGone, err)
	}
	return dom, err
}

// reread reports whether another process has made the clone anew, as by `wskharness vm revert`, and takes it from there.
func (d *domain) reread() bool {
	r, err := readRecord(d.dir)
	if err != nil || r.UUID == d.rec().UUID {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Store(r)
	return true
}

// lookup finds the domain that the target names, and reads its definition as it starts the next time.
func lookup(lv *conn, name string) (golibvirt.Domain, *libvirtxml.Domain, error) {
	dom, err := lv.DomainLookupByName(name)
	if err != nil {
		return dom, nil, err
	}
	text, err := lv.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive)
	if err != nil {
		return dom, nil, err
	}
	definition, err := readDomain(text)
	return dom, definition, err
}

// isActive reports whether a domain is more than a definition: running, paused, or crashed and still there.
func isActive(lv *conn, dom golibvirt.Domain) (bool, error) {
	state, _, err := lv.DomainGetState(dom, 0)
	return active(state), err
}

func active(state int32) bool {
	switch golibvirt.DomainState(state) {
	case golibvirt.DomainShutoff, golibvirt.DomainNostate:
		return false
	}
	return true
}

// resume has a domain go on that stands still: after its start, a dump, or a crash that its definition has it stand still for.
func resume(lv *conn, dom golibvirt.Domain) error {
	state, _, err := lv.DomainGetState(dom, 0)
	if err != nil || golibvirt.DomainState(state) == golibvirt.DomainRunning {
		return err
	}
	return lv.DomainResume(dom)
}

// mark is what says that the lease has the domain.
func (d *domain) mark() mark {
	r := d.rec()
	return newMark(d.controller, r.ID, r.Target, r.Run)
}

// prepare makes the machine in its clean state, and leaves it standing still, so that nothing happens to it before somebody
// watches.
func (d *domain) prepare(ctx context.Context) error {
	if d.rec().Clone {
		return d.makeClone(ctx)
	}
	return d.goBack(ctx)
}

// goBack reverts a domain that is used in place.
func (d *domain) goBack(ctx context.Context) error {
	return d.do(ctx, longLimit, "revert domain "+d.rec().Domain+" to snapshot "+d.rec().Snapshot, func(lv *conn, dom golibvirt.Domain) error {
		snapshot, err := lv.DomainSnapshotLookupByName(dom, d.rec().Snapshot, 0)
		if err != nil {
			return err
		}
		const flags = golibvirt.DomainSnapshotRevertPaused | golibvirt.DomainSnapshotRevertForce
		if err := lv.DomainRevertToSnapshot(snapshot, uint32(flags)); err != nil {
			return err
		}
		// Of a guest that was shut down, a snapshot leaves the domain off with drivers that don't know better.
		// And the definition is that of then: the mark is put back.
		err = setMark(lv, dom, d.mark(), golibvirt.DomainAffectConfig)
		if err != nil {
			return err
		}
		on, err := isActive(lv, dom)
		if err == nil && !on {
			if _, err = lv.DomainCreateWithFlags(dom, uint32(golibvirt.DomainStartPaused)); isCode(err, golibvirt.ErrInvalidArg) {
				err = lv.DomainCreate(dom)
			}
		}
		if err != nil {
			return err
		}
		// A crash must not take the machine away before it was looked at. A driver that can't do that has no crashes to tell of.
		err = lv.DomainSetLifecycleAction(dom, uint32(golibvirt.DomainLifecycleCrash), uint32(golibvirt.DomainLifecycleActionPreserve), golibvirt.DomainAffectLive)
		if err != nil && !isCode(err, golibvirt.ErrNoSupport) && !errors.Is(err, golibvirt.ErrUnsupported) {
			return fmt.Errorf("have it stand still when it crashes: %w", err)
		}
		return nil
	})
}

// makeClone makes overlays, and a transient domain on them.
func (d *domain) makeClone(ctx context.Context) error {
	return d.client.do(ctx, longLimit, "clone domain "+d.rec().Base, func(lv *conn) error {
		dom, definition, err := lookup(lv, d.rec().Base)
		if err != nil {
			return err
		}
		if on, err := isActive(lv, dom); err != nil || on {
			return errors.Join(err, fmt.Errorf("domain %s itself is running, and changes the disks that its clones are made of: shut it down (virsh shutdown %s)", d.rec().Base, d.rec().Base))
		}
		overlays, err := planOverlays(lv, definition, d.rec().Pool, d.rec().Domain+"-"+lease.Unused())
		if err != nil {
			return err
		}
		err = d.note(func(r *record) {
			r.UUID, r.Overlays, r.Console = newUUID(), overlays, !d.client.pretends() && hasConsole(definition)
			r.NVRAM = definition.OS != nil && definition.OS.NVRam != nil && definition.OS.NVRam.NVRam != ""
		})
		if err != nil {
			return err
		}
		for i := range overlays {
			if err := makeOverlay(lv, &overlays[i]); err != nil {
				return err
			}
		}
		rec := d.rec()
		text, err := clone(definition, rec.Domain, rec.UUID, d.mark().inMetadata(), overlays)
		if err != nil {
			return err
		}
		if err := disk.Replace(disk.OS(), d.path(cloneFile), []byte(text), 0o600); err != nil {
			return err
		}
		_, err = lv.DomainCreateXML(text, golibvirt.DomainStartPaused)
		return err
	})
}

// clean removes what stands in the way of the clean state: a clone, which is made anew.
func (d *domain) clean(ctx context.Context) error {
	if d.rec().Clone {
		if err := d.removeClone(ctx); err != nil {
			return err
		}
	}
	if err := os.Remove(d.path(dumpFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return d.note(func(r *record) { r.Told, r.DumpFormat = nil, "" })
}

// removeClone ends the clone, and removes what belongs to it alone. What is gone is no error.
func (d *domain) removeClone(ctx context.Context) error {
	return d.client.do(ctx, longLimit, "remove domain "+d.rec().Domain, func(lv *conn) error {
		var errs []error
		if err := d.undefine(lv); err != nil {
			return err // its volumes are in use
		}
		for _, o := range d.rec().Overlays {
			errs = append(errs, removeVolume(lv, o.Pool, o.Name))
		}
		return errors.Join(errs...)
	})
}

// undefine ends the clone. A file of UEFI variables libvirt removes only of a domain that it keeps: for its end, the clone
// becomes one.
func (d *domain) undefine(lv *conn) error {
	id, err := parseUUID(d.rec().UUID)
	if err != nil {
		return nil // there never was one
	}
	dom, err := lv.DomainLookupByUUID(id)
	there := err == nil
	if err != nil && !isCode(err, golibvirt.ErrNoDomain) {
		return err
	}
	if d.rec().NVRAM {
		text, err := os.ReadFile(d.path(cloneFile))
		switch {
		case errors.Is(err, os.ErrNotExist): // it was never started
		case err != nil:
			return err
		default:
			if dom, err = lv.DomainDefineXML(string(text)); err != nil {
				return err
			}
		}
	}
	if there {
		if err := lv.DomainDestroy(dom); err != nil && !isCode(err, golibvirt.ErrNoDomain, golibvirt.ErrOperationInvalid) {
			return err
		}
	}
	persistent, err := lv.DomainIsPersistent(dom)
	if err != nil || persistent == 0 {
		return nil // it is gone
	}
	flags := golibvirt.DomainUndefineNvram | golibvirt.DomainUndefineSnapshotsMetadata | golibvirt.DomainUndefineManagedSave
	if lv.version >= undefinesTPMState {
		flags |= golibvirt.DomainUndefineTpm
	}
	return lv.DomainUndefineFlags(dom, flags)
}

// leave gives a domain that is used in place back: off, and with nobody's mark.
func (d *domain) leave(ctx context.Context) error {
	if !d.rec().Marked {
		return nil
	}
	err := d.do(ctx, callLimit, "give domain "+d.rec().Domain+" back", func(lv *conn, dom golibvirt.Domain) error {
		owner, ok, err := getMark(lv, dom, golibvirt.DomainAffectConfig)
		if err != nil || ok && owner.ID != d.rec().ID {
			return err // it is somebody else's by now
		}
		if on, err := isActive(lv, dom); err != nil {
			return err
		} else if on {
			if err := lv.DomainDestroy(dom); err != nil && !isCode(err, golibvirt.ErrOperationInvalid) {
				return err
			}
		}
		return setMark(lv, dom, mark{}, golibvirt.DomainAffectConfig)
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// end ends the machine and all that was made for it.
func (d *domain) end(ctx context.Context) error {
	defer d.client.close()
	if d.rec().Clone {
		return d.removeClone(ctx)
	}
	return d.leave(ctx)
}

// await has the machine go on, and waits until its WinRM answers, which it returns.
func (d *domain) await(ctx context.Context) (remote.Endpoint, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.rec().BootWithin,
		fmt.Errorf("it has not come up within %s: look at its console, or give it more time with boot_within: %w", d.rec().BootWithin, context.DeadlineExceeded))
	defer cancel()
	err := d.do(ctx, callLimit, "start domain "+d.rec().Domain, resume)
	if err != nil {
		return remote.Endpoint{}, err
	}
	host, port, err := d.reach(ctx)
	if err != nil {
		return remote.Endpoint{}, err
	}
	endpoint, err := d.rec().Service.Endpoint(host, port, d.getenv)
	if err != nil {
		return endpoint, err
	}
	if err := d.note(func(r *record) { r.Endpoint = endpoint.URL }); err != nil {
		return endpoint, err
	}
	if err := remote.Await(ctx, endpoint); err != nil {
		return endpoint, fmt.Errorf("wait for WinRM of domain %s at %s: %w", d.rec().Domain, endpoint.URL, err)
	}
	return endpoint, nil
}

// RemoteEndpoint is where the machine's WinRM answers, as far as it was found.
func (d *domain) RemoteEndpoint() (remote.Endpoint, error) {
	if d.rec().Endpoint == "" {
		return remote.Endpoint{}, fmt.Errorf("the WinRM of domain %s was never reached", d.rec().Domain)
	}
	return d.rec().Service.At(d.rec().Endpoint, d.getenv)
}

// InjectNMI sends a non-maskable interrupt.
func (d *domain) InjectNMI(ctx context.Context) error {
	return d.do(ctx, callLimit, "send an NMI to domain "+d.rec().Domain, func(lv *conn, dom golibvirt.Domain) error { return lv.DomainInjectNmi(dom, 0) })
}

// reset turns the machine off and on; one that is off is turned on. silent says that no event comes of it.
func (d *domain) reset(ctx context.Context) (silent bool, err error) {
	power, err := d.Power(ctx)
	if err != nil {
		return false, err
	}
	if power == vm.Off {
		return false, d.turnOn(ctx)
	}
	err = d.do(ctx, callLimit, "reset domain "+d.rec().Domain, func(lv *conn, dom golibvirt.Domain) error {
		err := lv.DomainReset(dom, 0)
		if isCode(err, golibvirt.ErrNoSupport) { // a driver that knows no reset, such as libvirt's own for tests
			err = lv.DomainReboot(dom, 0)
		}
		if err != nil {
			return err
		}
		return resume(lv, dom)
	})
	return d.client.pretends(), err
}

// turnOn starts the machine as it was left, and leaves the start to others to see the end of.
func (d *domain) turnOn(ctx context.Context) error {
	what := "turn domain " + d.rec().Domain + " on"
	if !d.rec().Clone {
		return d.do(ctx, callLimit, what, func(lv *conn, dom golibvirt.Domain) error { return lv.DomainCreate(dom) })
	}
	text, err := os.ReadFile(d.path(cloneFile))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return d.client.do(ctx, callLimit, what, func(lv *conn) error {
		_, err := lv.DomainCreateXML(string(text), 0)
		return err
	})
}

// turnOff is like pulling the plug.
func (d *domain) turnOff(ctx context.Context) error {
	return d.do(ctx, callLimit, "turn domain "+d.rec().Domain+" off", func(lv *conn, dom golibvirt.Domain) error { return lv.DomainDestroy(dom) })
}

// Power is whether the machine is on.
func (d *domain) Power(ctx context.Context) (vm.Power, error) {
	power := vm.Unknown
	err := d.do(ctx, callLimit, "look at domain "+d.rec().Domain, func(lv *conn, dom golibvirt.Domain) error {
		on, err := isActive(lv, dom)
		if err == nil && on {
			power = vm.On
		} else if err == nil {
			power = vm.Off
		}
		return err
	})
	if d.rec().Clone && (errors.Is(err, errGone) || isCode(err, golibvirt.ErrNoDomain)) { // a transient domain that is off is none
		return vm.Off, nil
	}
	return power, err
}

// newUUID makes a random one (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// parseUUID reads what newUUID writes.
func parseUUID(text string) (id golibvirt.UUID, err error) {
	var a, b, c, d, e []byte
	if n, err := fmt.Sscanf(text, "%8x-%4x-%4x-%4x-%12x", &a, &b, &c, &d, &e); err != nil || n != 5 || len(text) != 36 {
		return id, fmt.Errorf("the UUID %.40q is none", text)
	}
	if n := copy(id[:], append(append(append(append(a, b...), c...), d...), e...)); n != len(id) {
		return id, fmt.Errorf("the UUID %.40q is none", text)
	}
	return id, nil
}

// uuidText is a UUID as it is written.
func uuidText(id golibvirt.UUID) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

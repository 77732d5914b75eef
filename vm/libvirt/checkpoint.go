package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"wskharness/vm"
	"wskharness/vm/lease"
)

const (
	// shutdownLimit is how long a guest may take to shut down.
	shutdownLimit = 10 * time.Minute
	// shutdownPause is how often it is asked whether it is off.
	shutdownPause = 200 * time.Millisecond
)

// Checkpoint makes what the machine is now its clean state. Of a domain that is used in place, its snapshot is made anew, of
// the same kind: of a running guest, or of one that is shut down. Of a clone, its overlays become the disks of the domain that
// it is a clone of: what is under them stays as it is, for leases that are on it.
func (m *machine) Checkpoint(ctx context.Context) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.over {
		return errGone
	}
	cold := true
	if !m.rec().Clone {
		var err error
		if cold, err = m.isCold(ctx); err != nil {
			return err
		}
	}
	if !cold {
		return m.resnap(ctx)
	}
	m.unobserve()
	if err := m.shutDown(ctx); err != nil {
		return errors.Join(err, m.observe(context.WithoutCancel(ctx)))
	}
	var err error
	if m.rec().Clone {
		if err = m.bequeath(ctx); err == nil {
			err = m.removeClone(ctx)
		}
	} else {
		err = m.resnap(ctx)
	}
	if err != nil {
		return err
	}
	return m.begin(ctx)
}

// isCold reports whether the snapshot is one of a guest that was shut down.
func (d *domain) isCold(ctx context.Context) (cold bool, err error) {
	err = d.do(ctx, callLimit, "look at snapshot "+d.rec().Snapshot, func(lv *conn, dom golibvirt.Domain) error {
		s, err := readSnapshot(lv, dom, d.rec().Snapshot)
		if err != nil {
			return err
		}
		cold = s.State == "shutoff"
		return nil
	})
	return cold, err
}

// shutDown has the guest shut down, and waits until it is off.
func (d *domain) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, shutdownLimit, fmt.Errorf("the guest has not shut down within %s: %w", shutdownLimit, context.DeadlineExceeded))
	defer cancel()
	err := d.do(ctx, callLimit, "shut down domain "+d.rec().Domain, func(lv *conn, dom golibvirt.Domain) error { return lv.DomainShutdown(dom) })
	if errors.Is(err, errGone) && d.rec().Clone {
		return nil
	}
	for err == nil {
		power, failed := d.Power(ctx)
		if failed != nil {
			return failed
		}
		if power == vm.Off {
			return nil
		}
		select {
		case <-time.After(shutdownPause):
		case <-ctx.Done():
			err = fmt.Errorf("shut down domain %s: %w", d.rec().Domain, context.Cause(ctx))
		}
	}
	return err
}

// resnap makes the snapshot anew. There is one at any time: libvirt can't give a snapshot another name, so the state is kept
// under a second one meanwhile.
func (d *domain) resnap(ctx context.Context) error {
	name := d.rec().Snapshot
	second := name + "-" + lease.Unused()
	return d.do(ctx, longLimit, "make snapshot "+name+" of domain "+d.rec().Domain+" anew", func(lv *conn, dom golibvirt.Domain) error {
		text, err := lv.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive)
		if err != nil {
			return err
		}
		definition, err := readDomain(text)
		if err != nil {
			return err
		}
		if err := lv.version.internal(definition, createsUEFI, "make an internal snapshot"); err != nil {
			return err
		}
		take := func(name string) (golibvirt.DomainSnapshot, error) {
			text, err := (&libvirtxml.DomainSnapshot{Name: name, Description: "the clean state, made by wskharness"}).Marshal()
			if err != nil {
				return golibvirt.DomainSnapshot{}, err
			}
			return lv.DomainSnapshotCreateXML(dom, text, 0)
		}
		drop := func(s golibvirt.DomainSnapshot) error { return lv.DomainSnapshotDelete(s, 0) }
		// A snapshot has the definition with it, in which the mark would be one of a lease that is long gone.
		if err := setMark(lv, dom, mark{}, golibvirt.DomainAffectConfig); err != nil {
			return err
		}
		kept, err := take(second)
		if err != nil {
			return errors.Join(err, setMark(lv, dom, d.mark(), golibvirt.DomainAffectConfig))
		}
		old, err := lv.DomainSnapshotLookupByName(dom, name, 0)
		if err == nil {
			err = drop(old)
		}
		if err == nil {
			_, err = take(name)
		}
		err = errors.Join(err, setMark(lv, dom, d.mark(), golibvirt.DomainAffectConfig))
		if err != nil {
			return fmt.Errorf("%w (the state is kept as snapshot %s)", err, second)
		}
		return drop(kept)
	})
}

// bequeath gives the clone's disks to the domain that it is a clone of. They are the lease's no longer.
func (d *domain) bequeath(ctx context.Context) error {
	return d.client.do(ctx, callLimit, "give the disks of "+d.rec().Domain+" to domain "+d.rec().Base, func(lv *conn) error {
		dom, definition, err := lookup(lv, d.rec().Base)
		if err != nil {
			return err
		}
		if on, err := isActive(lv, dom); err != nil || on {
			return errors.Join(err, errors.New("it is running"))
		}
		if err := replaceDisks(definition, d.rec().Overlays); err != nil {
			return err
		}
		text, err := definition.Marshal()
		if err != nil {
			return err
		}
		if _, err := lv.DomainDefineXML(text); err != nil {
			return err
		}
		return d.note(func(r *record) { r.Overlays = nil })
	})
}

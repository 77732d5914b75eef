package libvirt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/disk"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// hostsIn has a file for each daemon that machines were ever had of, with its URI: there, domains are looked for whose lease
// is lost.
func hostsIn(cache string) string { return filepath.Join(roomOf(cache), "hosts") }

// knowHost remembers a daemon.
func knowHost(cache, uri string) error {
	if err := os.MkdirAll(hostsIn(cache), 0o700); err != nil {
		return err
	}
	name := filepath.Join(hostsIn(cache), fmt.Sprintf("%x", sha256.Sum256([]byte(uri)))[:16])
	if text, err := os.ReadFile(name); err == nil && string(text) == uri {
		return nil
	}
	return disk.Replace(disk.OS(), name, []byte(uri), 0o600)
}

// hosts are the daemons that are remembered.
func hosts(cache string) ([]string, error) {
	entries, err := os.ReadDir(hostsIn(cache))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(hostsIn(cache), entry.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// sweep ends the machines of controllers that are gone, and removes what was made for them; and domains that bear the mark of
// this cache, and whose lease is not there any more.
func sweep(ctx context.Context, h vm.Host) ([]string, error) {
	var swept []string
	_, leftovers := lease.Sweep(leasesIn(h.Cache), func(l *lease.Lease) error {
		what, err := sweepLease(ctx, h, l)
		if err == nil && what != "" {
			swept = append(swept, what)
		}
		return err
	})
	all, err := hosts(h.Cache)
	if err != nil || len(all) == 0 {
		return swept, errors.Join(leftovers, err)
	}
	who, err := controller(h.Cache)
	errs := []error{leftovers, err}
	for _, uri := range all {
		if err != nil {
			break
		}
		lost, failed := sweepHost(ctx, h, uri, who)
		swept, errs = append(swept, lost...), append(errs, failed)
	}
	return swept, errors.Join(errs...)
}

// sweepLease ends the machine of a lease that nobody has. One that was left up stays, unless it is off.
func sweepLease(ctx context.Context, h vm.Host, l *lease.Lease) (string, error) {
	d, err := openDomain(l.Dir, h)
	if errors.Is(err, os.ErrNotExist) {
		return l.Dir, l.Discard() // nothing was made for it
	}
	if err != nil {
		return "", fmt.Errorf("what is in %s is not known, and so not ended: %w", l.Dir, err)
	}
	if d.rec().Kept && !d.isOff(ctx) {
		return "", nil
	}
	if err := d.end(ctx); err != nil {
		return "", fmt.Errorf("end what lease %s has left: %w", d.rec().ID, err)
	}
	return fmt.Sprintf("domain %s on %s", d.rec().Domain, d.rec().URI), l.Discard()
}

// sweepHost ends the domains of a daemon that are ours, and of no lease that there is.
func sweepHost(ctx context.Context, h vm.Host, uri, who string) ([]string, error) {
	p, err := parsePlace(uri)
	if err != nil {
		return nil, err
	}
	c := newClient(p, h.Never)
	defer c.close()
	var lost []string
	err = c.do(ctx, longLimit, "look for domains whose lease is lost", func(lv *conn) error {
		domains, _, err := lv.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive|golibvirt.ConnectListDomainsInactive)
		if err != nil {
			return err
		}
		var errs []error
		for _, dom := range domains {
			owner, ok, err := getMark(lv, dom, golibvirt.DomainAffectCurrent)
			if err != nil || !ok || owner.Controller != who {
				continue // somebody else's, or gone by now
			}
			if _, err := os.Lstat(filepath.Join(leasesIn(h.Cache), path.Base(owner.ID))); !errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err := endLost(lv, dom, owner); err != nil {
				errs = append(errs, fmt.Errorf("end domain %.100q: %w", dom.Name, err))
				continue
			}
			lost = append(lost, fmt.Sprintf("domain %s on %s", dom.Name, uri))
		}
		return errors.Join(errs...)
	})
	return lost, err
}

// endLost ends a domain of which there is nothing but its mark.
func endLost(lv *conn, dom golibvirt.Domain, owner mark) error {
	text, err := lv.DomainGetXMLDesc(dom, 0)
	if err != nil {
		return err
	}
	definition, err := readDomain(text)
	if err != nil {
		return err
	}
	on, err := isActive(lv, dom)
	if err != nil {
		return err
	}
	name := "wskharness-" + owner.ID
	if dom.Name != name { // one that was used in place
		if on {
			err = lv.DomainDestroy(dom)
		}
		return errors.Join(err, setMark(lv, dom, mark{}, golibvirt.DomainAffectConfig))
	}
	nvram := definition.OS != nil && definition.OS.NVRam != nil && strings.HasSuffix(definition.OS.NVRam.NVRam, "/"+name+nvramSuffix)
	if nvram {
		if dom, err = lv.DomainDefineXML(text); err != nil {
			return err
		}
	}
	if on {
		if err := lv.DomainDestroy(dom); err != nil {
			return err
		}
	}
	if nvram {
		if err := lv.DomainUndefineFlags(dom, golibvirt.DomainUndefineNvram|golibvirt.DomainUndefineSnapshotsMetadata|golibvirt.DomainUndefineManagedSave); err != nil {
			return err
		}
	}
	var errs []error
	for _, disk := range writable(definition) {
		image, err := imageOf(lv, disk)
		if err != nil || !strings.HasPrefix(path.Base(image), name+"-") {
			continue
		}
		volume, err := lv.StorageVolLookupByPath(image)
		if err == nil {
			err = lv.StorageVolDelete(volume, 0)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tidy ends, before a machine is acquired, what no controller can take over any more: machines that never came up.
func (p *Provider) tidy(ctx context.Context) {
	h := vm.Host{Cache: p.opts.Cache, Getenv: p.opts.Getenv, Never: p.opts.Never}
	_, err := lease.Sweep(leasesIn(p.opts.Cache), func(l *lease.Lease) error {
		r, err := readRecord(l.Dir)
		if errors.Is(err, os.ErrNotExist) {
			return l.Discard()
		}
		if err != nil || r.Endpoint != "" || r.Kept || r.URI != p.opts.URI {
			return err
		}
		_, err = sweepLease(ctx, h, l)
		return err
	})
	if err != nil {
		p.opts.Logger.Info("what a dead controller has left stays for now", "error", err)
	}
}

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/vm/lease"
)

// dumpFormats are the formats of a dump that are tried, best first: the one that Windows' debuggers read, which its guest has
// to help with (virtio-win's FwCfg driver); one that is as small as what the guest uses
// (as makedumpfile writes it into a pipe, flattened: crash reads it so, and makedumpfile -R puts it in order); and one that every QEMU writes.
var dumpFormats = []struct {
	name   string
	number golibvirt.DomainCoreDumpFormat
}{
	{"win-dmp", golibvirt.DomainCoreDumpFormatWinDmp},
	{"kdump-zlib", golibvirt.DomainCoreDumpFormatKdumpZlib},
	{"elf", golibvirt.DomainCoreDumpFormatRaw},
}

// mostDump bounds what is fetched of a dump, in bytes: more memory than a machine for tests has.
const mostDump = 1 << 40

// DumpMemory has the host write the machine's memory into a volume of a storage pool there, fetches that through the
// connection, and removes it: no other way to the host's files is needed, and none is there from everywhere.
func (d *domain) DumpMemory(ctx context.Context, to string) (format string, err error) {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("dump the memory of domain %s: %w", d.rec().Domain, err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			format, err = "", errors.Join(err, os.Remove(to))
		}
	}()
	if d.rec().DumpFormat != "" {
		return d.rec().DumpFormat, d.copyDump(file)
	}
	return d.dump(ctx, file)
}

// copyDump gives the dump that was made when the machine crashed.
func (d *domain) copyDump(to io.Writer) error {
	from, err := os.Open(d.path(dumpFile))
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(to, from)
	return err
}

// keepDump dumps the machine that has just crashed into its lease.
func (d *domain) keepDump(ctx context.Context) error {
	if d.rec().DumpFormat != "" {
		return nil // of an earlier crash since the machine was clean, which is the one that is asked for
	}
	format, err := d.DumpMemory(ctx, d.path(dumpFile))
	if err != nil {
		return err
	}
	return d.note(func(r *record) { r.DumpFormat = format })
}

// dump dumps, and fetches.
func (d *domain) dump(ctx context.Context, to *os.File) (string, error) {
	var format string
	var pool golibvirt.StoragePool
	name := d.rec().ID + "-" + lease.Unused() + ".dmp"
	what := "dump the memory of domain " + d.rec().Domain
	err := d.do(ctx, longLimit, what, func(lv *conn, dom golibvirt.Domain) error {
		text, err := lv.DomainGetXMLDesc(dom, 0)
		if err != nil {
			return err
		}
		definition, err := readDomain(text)
		if err != nil {
			return err
		}
		image := ""
		if disks := writable(definition); len(disks) > 0 {
			if image, err = imageOf(lv, disks[0]); err != nil {
				image = ""
			}
		}
		if pool, err = poolFor(lv, d.rec().Pool, image); err != nil {
			return fmt.Errorf("a place for the dump: %w", err)
		}
		folder, err := folderOf(lv, pool)
		if err != nil {
			return fmt.Errorf("a place for the dump: %w", err)
		}
		var refused []error
		for _, f := range dumpFormats {
			if f.name == "win-dmp" && (lv.version < dumpsWinDmp || !hasVMCoreInfo(definition)) {
				continue
			}
			err := lv.DomainCoreDumpWithFormat(dom, path.Join(folder, name), uint32(f.number), golibvirt.DumpMemoryOnly)
			if err == nil {
				format = f.name
				return lv.StoragePoolRefresh(pool, 0)
			}
			if _, answered := errors.AsType[golibvirt.Error](err); !answered {
				return err
			}
			refused = append(refused, fmt.Errorf("as %s: %w", f.name, err))
		}
		return errors.Join(refused...)
	})
	if err == nil {
		err = d.fetch(ctx, pool, name, to)
	}
	removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	if pool.Name != "" {
		err = errors.Join(err, d.client.do(removing, callLimit, "remove the dump on the host", func(lv *conn) error { return removeVolume(lv, pool.Name, name) }))
	}
	return format, err
}

// fetch brings a volume here. Its connection is its own, and ends with whatever goes wrong.
func (d *domain) fetch(ctx context.Context, pool golibvirt.StoragePool, name string, to io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, longLimit)
	defer cancel()
	lv, err := open(ctx, d.client.place, d.client.never)
	if err != nil {
		return fmt.Errorf("fetch the dump from %s: %w", d.client, explain(err))
	}
	defer lv.close()
	var full error
	whole := &bounded{to: to, left: mostDump, failed: func(err error) { full = err; lv.close() }}
	err = lv.bound(ctx, func() error {
		volume, err := lv.StorageVolLookupByName(pool, name)
		if err != nil {
			return err
		}
		return lv.StorageVolDownload(volume, whole, 0, 0, 0)
	})
	if full != nil {
		err = full
	}
	if err != nil {
		return fmt.Errorf("fetch the dump from %s: %w", d.client, explain(err))
	}
	return nil
}

// bounded writes at most so much, and takes everything: see tee.
type bounded struct {
	to     io.Writer
	left   int64
	failed func(error)
	over   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.over {
		return len(p), nil
	}
	b.left -= int64(len(p))
	var err error
	if b.left < 0 {
		err = fmt.Errorf("it has more than %d bytes", int64(mostDump))
	} else {
		_, err = b.to.Write(p)
	}
	if err != nil {
		b.over = true
		b.failed(err)
	}
	return len(p), nil
}

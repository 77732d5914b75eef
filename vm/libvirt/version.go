package libvirt

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// version is a daemon's, as it tells it: 9000000 is 9.0.0.
type version uint64

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v/1_000_000, v/1000%1000, v%1000) }

// From which version on a daemon can do what (https://libvirt.org/news.html).
const (
	dumpsWinDmp       version = 7_004_000  // virDomainCoreDumpWithFormat: win-dmp
	revertsExternal   version = 9_009_000  // "qemu: Implement support for reverting external snapshots"
	createsUEFI       version = 10_009_000 // internal snapshots of a domain with UEFI firmware …
	revertsUEFI       version = 10_010_000 // … and going back to them
	undefinesTPMState version = 8_009_000  // VIR_DOMAIN_UNDEFINE_TPM
)

// refusal says why a daemon of this version can't go back to a snapshot, in its words of what to do instead; nil where
// nothing speaks against it. It is asked before anything is started.
func (v version) refusal(d *libvirtxml.Domain, s *libvirtxml.DomainSnapshot) error {
	if disk := externalDisk(s); disk != "" {
		if v < revertsExternal {
			return fmt.Errorf("the snapshot %s of domain %s is external (%s), and libvirt %s can't go back to one, which %s and later can: "+
				"say overlay: true instead of it, or make an internal snapshot (virsh snapshot-create-as without --disk-only)", s.Name, d.Name, disk, v, revertsExternal)
		}
		return nil
	}
	return v.internal(d, revertsUEFI, "go back to an internal snapshot")
}

// internal says why a daemon of this version, and this domain, have no internal snapshots.
func (v version) internal(d *libvirtxml.Domain, from version, what string) error {
	if uefi(d) {
		if v < from {
			return fmt.Errorf("domain %s has UEFI firmware, and libvirt %s can't %s of such a one, which %s and later can: say overlay: true instead of it", d.Name, v, what, from)
		}
		if n := d.OS.NVRam; n != nil && n.Format != "qcow2" {
			return fmt.Errorf("domain %s keeps its UEFI variables in a file that is no qcow2, and libvirt can't %s of such a one: "+
				"convert it (qemu-img convert -O qcow2), and say <nvram format='qcow2'> (virsh edit); or say overlay: true instead of it", d.Name, what)
		}
	}
	for _, disk := range writable(d) {
		if disk.Driver != nil && disk.Driver.Type != "" && disk.Driver.Type != "qcow2" {
			return fmt.Errorf("the disk %s of domain %s is %s, and only qcow2 has internal snapshots: convert it (qemu-img convert -O qcow2), or say overlay: true instead of it",
				targetOf(disk), d.Name, disk.Driver.Type)
		}
	}
	return nil
}

// externalDisk names what of a snapshot is in a file of its own; "" of an internal one.
func externalDisk(s *libvirtxml.DomainSnapshot) string {
	if s.Memory != nil && s.Memory.Snapshot == "external" {
		return "its memory"
	}
	if s.Disks != nil {
		for _, disk := range s.Disks.Disks {
			if disk.Snapshot == "external" {
				return "its disk " + disk.Name
			}
		}
	}
	return ""
}

// uefi reports whether a domain's firmware keeps variables.
func uefi(d *libvirtxml.Domain) bool {
	return d.OS != nil && (strings.EqualFold(d.OS.Firmware, "efi") || d.OS.NVRam != nil || d.OS.Loader != nil && d.OS.Loader.Type == "pflash")
}

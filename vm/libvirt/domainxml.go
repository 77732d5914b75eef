package libvirt

import (
	"errors"
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// maxXML bounds what is read of a domain's definition, in bytes: a host is not believed more than a guest.
const maxXML = 4 << 20

// readDomain reads a domain's definition.
func readDomain(text string) (*libvirtxml.Domain, error) {
	if len(text) > maxXML {
		return nil, fmt.Errorf("its definition has %d bytes", len(text))
	}
	d := &libvirtxml.Domain{}
	if err := d.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("read its definition: %w", err)
	}
	if d.Devices == nil {
		d.Devices = &libvirtxml.DomainDeviceList{}
	}
	if d.OS == nil {
		d.OS = &libvirtxml.DomainOS{}
	}
	return d, nil
}

// writable are the disks whose content a guest may change, and nobody else's guest is to see.
func writable(d *libvirtxml.Domain) []*libvirtxml.DomainDisk {
	var all []*libvirtxml.DomainDisk
	for i := range d.Devices.Disks {
		disk := &d.Devices.Disks[i]
		if (disk.Device == "" || disk.Device == "disk") && disk.ReadOnly == nil && disk.Source != nil {
			all = append(all, disk)
		}
	}
	return all
}

func targetOf(disk *libvirtxml.DomainDisk) string {
	if disk.Target == nil {
		return "?"
	}
	return disk.Target.Dev
}

// hasConsole reports whether libvirt has a stream of what a domain prints.
func hasConsole(d *libvirtxml.Domain) bool {
	for _, serial := range d.Devices.Serials {
		if serial.Source != nil && serial.Source.Pty != nil {
			return true
		}
	}
	for _, console := range d.Devices.Consoles {
		if console.Source != nil && console.Source.Pty != nil {
			return true
		}
	}
	return false
}

// hasVMCoreInfo reports whether a domain's guest can say where a dump for Windows' debuggers finds what it needs.
func hasVMCoreInfo(d *libvirtxml.Domain) bool {
	return d.Features != nil && d.Features.VMCoreInfo != nil && d.Features.VMCoreInfo.State == "on"
}

// overlay is a disk of a clone, which has the differences from the domain's own.
type overlay struct {
	Target string `json:"target"` // vda
	Pool   string `json:"pool"`
	Name   string `json:"name"`   // of the volume
	Path   string `json:"path"`   // on the host
	Base   string `json:"base"`   // the domain's own image there
	Format string `json:"format"` // of that: qcow2, raw
}

// nvramSuffix ends the name of the file that a clone has its UEFI variables in, beside its domain's own.
const nvramSuffix = "_VARS.fd"

// clone makes another domain of the user's: with a name of its own, disks that are overlays, and nothing that two domains
// can't have at a time (addresses, ports, sockets, files that are written to), which libvirt makes anew. mark says whose it
// is.
func clone(of *libvirtxml.Domain, name, uuid, mark string, overlays []overlay) (string, error) {
	text, err := of.Marshal() // a copy
	if err != nil {
		return "", err
	}
	d, err := readDomain(text)
	if err != nil {
		return "", err
	}
	d.ID, d.Name, d.UUID, d.Title, d.GenID = nil, name, uuid, "", nil
	d.Description = "A clone of " + of.Name + " that wskharness has made: it goes with the run that it is for."
	d.Metadata = &libvirtxml.DomainMetadata{XML: mark}
	d.OnCrash = "preserve" // the crashed guest is looked at, and goes on to write its dump
	if d.OnReboot == "" || d.OnReboot == "destroy" {
		d.OnReboot = "restart"
	}
	if err := replaceDisks(d, overlays); err != nil {
		return "", err
	}
	if n := d.OS.NVRam; n != nil && n.NVRam != "" {
		dir := n.NVRam[:strings.LastIndexByte(n.NVRam, '/')+1]
		d.OS.NVRam = &libvirtxml.DomainNVRam{NVRam: dir + name + nvramSuffix, Template: n.NVRam, Format: n.Format}
	}
	alone(d)
	if len(d.Devices.Hostdevs) > 0 {
		return "", errors.New("it has a device of the host (hostdev), which one domain at a time can have: say snapshot: instead of overlay:, and use it in place")
	}
	return d.Marshal()
}

// replaceDisks puts the overlays in the places of what they are made of.
func replaceDisks(d *libvirtxml.Domain, overlays []overlay) error {
	for _, disk := range writable(d) {
		found := false
		for _, o := range overlays {
			if o.Target != targetOf(disk) {
				continue
			}
			found = true
			disk.Source = &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: o.Path}}
			disk.BackingStore, disk.Mirror = nil, nil
			if disk.Driver == nil {
				disk.Driver = &libvirtxml.DomainDiskDriver{Name: "qemu"}
			}
			disk.Driver.Type = "qcow2"
		}
		if !found {
			return fmt.Errorf("its disk %s has no overlay", targetOf(disk))
		}
	}
	return nil
}

// alone takes out what two domains can't have at a time.
func alone(d *libvirtxml.Domain) {
	list := d.Devices
	for i := range list.Interfaces {
		list.Interfaces[i].MAC, list.Interfaces[i].Target, list.Interfaces[i].Alias = nil, nil, nil
	}
	for i := range list.Serials {
		serial := &list.Serials[i]
		serial.Log = nil
		if serial.Source == nil || !unshared(serial.Source) {
			serial.Source = &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}}
			serial.Protocol = nil
		}
	}
	for i := range list.Consoles {
		console := &list.Consoles[i]
		console.Log, console.TTY = nil, ""
		if console.Source == nil || !unshared(console.Source) {
			console.Source = &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}}
			console.Protocol = nil
		}
	}
	var channels []libvirtxml.DomainChannel
	for _, channel := range list.Channels {
		channel.Log = nil
		if channel.Source != nil && channel.Source.UNIX != nil {
			channel.Source.UNIX.Path = "" // libvirt's own, which the guest agent has
		} else if channel.Source != nil && !unshared(channel.Source) {
			continue
		}
		channels = append(channels, channel)
	}
	list.Channels = channels
	for i := range list.Graphics {
		if vnc := list.Graphics[i].VNC; vnc != nil {
			vnc.Port, vnc.AutoPort, vnc.Socket, vnc.WebSocket = 0, "yes", "", 0
		}
		if spice := list.Graphics[i].Spice; spice != nil {
			spice.Port, spice.TLSPort, spice.AutoPort = 0, 0, "yes"
		}
	}
	if v := list.VSock; v != nil && v.CID != nil {
		v.CID.Auto, v.CID.Address = "yes", ""
	}
	for i := range list.TPMs { // the clone's has a state of its own, which begins empty
		if b := list.TPMs[i].Backend; b != nil && b.Emulator != nil {
			b.Emulator.PersistentState = ""
		}
	}
	d.SecLabel = dynamicLabels(d.SecLabel)
}

// unshared reports whether what is behind a device is each domain's own; a terminal's path is libvirt's to choose.
func unshared(s *libvirtxml.DomainChardevSource) bool {
	if s.Pty != nil {
		s.Pty.Path = ""
	}
	return s.Pty != nil || s.Null != nil || s.VC != nil || s.SpiceVMC != nil || s.QEMUVDAgent != nil
}

// dynamicLabels leaves out labels that libvirt has made for the other domain.
func dynamicLabels(labels []libvirtxml.DomainSecLabel) []libvirtxml.DomainSecLabel {
	var kept []libvirtxml.DomainSecLabel
	for _, label := range labels {
		if label.Type != "dynamic" || label.Label == "" {
			kept = append(kept, label)
		}
	}
	return kept
}

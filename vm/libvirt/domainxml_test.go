package libvirt

import (
	"os"
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"
)

// A clone has nothing of what two domains can't have at a time, and all else.
func TestClone(t *testing.T) {
	text, err := os.ReadFile("testdata/win11.xml")
	if err != nil {
		t.Fatal(err)
	}
	of, err := readDomain(string(text))
	if err != nil {
		t.Fatal(err)
	}
	m := newMark("c", "win11-abcdefgh", "win<11>", `"run"`)
	made, err := clone(of, "wskharness-win11-abcdefgh", "5f0a2f6e-0000-4000-8000-000000000001", m.inMetadata(),
		[]overlay{{Target: "sda", Path: "/pool/o.qcow2"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"win11.qcow2", "52:54:00:12:34:56", "11111111-1111-4111-8111-111111111111", "5900", "/tmp/console.log", "tcp", "/var/lib/libvirt/qemu/channel/target", "<genid", "org.example"} {
		if strings.Contains(made, gone) {
			t.Errorf("the clone has %q: %s", gone, made)
		}
	}
	for _, there := range []string{"/pool/o.qcow2", "virtio-win.iso", "hyperv", "vmcoreinfo", "<on_crash>preserve</on_crash>", `template="/nvram/win11_VARS.fd"`,
		"/nvram/wskharness-win11-abcdefgh_VARS.fd</nvram>", "org.qemu.guest_agent.0", `<model type="e1000e">`, "OVMF_CODE_4M.fd", `<arg value="-no-hpet">`} {
		if !strings.Contains(made, there) {
			t.Errorf("the clone lacks %q: %s", there, made)
		}
	}
	d := &libvirtxml.Domain{}
	if err := d.Unmarshal(made); err != nil {
		t.Fatal(err)
	}
	if got, ok := readMark(d.Metadata.XML); !ok || got.ID != m.ID || got.Target != m.Target || got.Run != m.Run {
		t.Errorf("the mark is %+v, %t; want %+v", got, ok, m)
	}
}

func TestCloneRefuses(t *testing.T) {
	for name, test := range map[string]struct{ devices, want string }{
		"a disk without an overlay": {`<disk type='file'><source file='/b'/><target dev='vdb'/></disk>`, "vdb has no overlay"},
		"a device of the host":      {`<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>`, "hostdev"},
	} {
		d, err := readDomain(`<domain type='qemu'><name>x</name><os><type>hvm</type></os><devices>` + test.devices + `</devices></domain>`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clone(d, "n", "u", "", nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

// What libvirt's versions refuse of going back to a snapshot, before it is tried.
func TestRefusals(t *testing.T) {
	const bios, pflash = `<os><type>hvm</type></os>`, `<os><type>hvm</type><loader type='pflash'>/c</loader><nvram format='FORMAT'>/v</nvram></os>`
	for name, test := range map[string]struct {
		os, format, snapshot string
		version              version
		want                 string // empty: it can
	}{
		"internal":                         {bios, "qcow2", "internal", 9_000_000, ""},
		"internal of a raw disk":           {bios, "raw", "internal", 11_000_000, "only qcow2 has internal snapshots"},
		"internal, UEFI, before":           {pflash, "qcow2", "internal", 9_000_000, "10.10.0 and later"},
		"internal, UEFI, between":          {pflash, "qcow2", "internal", 10_009_000, "10.10.0 and later"},
		"internal, UEFI, raw variables":    {pflash, "qcow2", "internal", 10_010_000, "no qcow2"},
		"internal, UEFI, qcow2 variables":  {strings.Replace(pflash, "FORMAT", "qcow2", 1), "qcow2", "internal", 10_010_000, ""},
		"external, before":                 {bios, "qcow2", "external", 9_008_000, "9.9.0 and later"},
		"external, from then on":           {bios, "qcow2", "external", 9_009_000, ""},
		"external, UEFI, raw, is no worse": {pflash, "raw", "external", 9_009_000, ""},
	} {
		d, err := readDomain(`<domain type='qemu'><name>x</name>` + test.os + `<devices><disk type='file'><driver type='` + test.format + `'/><source file='/b'/><target dev='vda'/></disk></devices></domain>`)
		if err != nil {
			t.Fatal(err)
		}
		s := &libvirtxml.DomainSnapshot{}
		if err := s.Unmarshal(`<domainsnapshot><name>clean</name><memory snapshot='no'/><disks><disk name='vda' snapshot='` + test.snapshot + `'/></disks></domainsnapshot>`); err != nil {
			t.Fatal(err)
		}
		err = test.version.refusal(d, s)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "overlay: true")) {
			t.Errorf("%s: %v; want %q, and what to do instead", name, err, test.want)
		}
	}
}

// FuzzDomain: no definition of a host's ends this program, and what is made of one can be read again.
func FuzzDomain(f *testing.F) {
	text, err := os.ReadFile("testdata/win11.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("<domain/>")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readDomain(text)
		if err != nil {
			return
		}
		hasConsole(d)
		hasVMCoreInfo(d)
		var overlays []overlay
		for _, disk := range writable(d) {
			overlays = append(overlays, overlay{Target: targetOf(disk), Path: "/o"})
		}
		made, err := clone(d, "n", "u", "", overlays)
		if err != nil {
			return
		}
		if _, err := readDomain(made); err != nil {
			t.Errorf("%v: %s", err, made)
		}
	})
}

// FuzzMark: whatever stands in a domain's metadata, it is told on one line.
func FuzzMark(f *testing.F) {
	f.Add(newMark("c", "i", "t", "r").bare())
	f.Fuzz(func(t *testing.T, text string) {
		if m, ok := readMark(text); ok && (m.ID == "" || strings.ContainsAny(m.String(), "\n\r\x1b")) {
			t.Errorf("%q: %s", text, m)
		}
	})
}

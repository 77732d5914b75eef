//go:build linux

package vmimage

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/vm/vmtest/bootable"
)

var withVM = flag.Bool("vm", false, "run the tests of this package, which take minutes: make test-vm")

var image = sync.OnceValues(func() (*bootable.Guest, error) { return build(context.Background()) })

// machine is the virtual machine, made once; the test is skipped where it was not asked for.
func machine(t *testing.T) *bootable.Guest {
	t.Helper()
	if !*withVM {
		t.Skip("it takes minutes: make test-vm")
	}
	if why := bootable.Missing(); why != "" {
		t.Fatal(why)
	}
	begun := time.Now()
	g, err := image()
	if err != nil {
		t.Fatal("make the image of the virtual machine: ", err)
	}
	t.Logf("the image was there after %s", time.Since(begun).Round(100*time.Millisecond))
	return g
}

// login is what each target says of how the guest is logged on to.
func login(g *bootable.Guest) string {
	return fmt.Sprintf("    user: %s\n    password_file: %s\n    certificate_sha256: %s\n", g.User, g.PasswordFile, g.CertificateSHA256)
}

func TestQEMU(t *testing.T) {
	g := machine(t)
	d := newDesk(t, fmt.Sprintf(`targets:
  vm:
    provider: qemu
    image: %s
    firmware: bios
    memory: 512M
    cpus: 1
    accel: tcg
    cpu: max,smap=off
    disk: virtio
    network: virtio
    rtc: utc
    memory_dump: panic
    args: [-kernel, %s, -initrd, %s, -append, %q]
%ssuites: [suites]
`, g.Image, g.Kernel, g.Initrd, g.Append, login(g)))
	flow(t, d)
	t.Run("nothing of it is left", func(t *testing.T) {
		if left := running(g.Image); len(left) > 0 {
			t.Errorf("processes with the image: got %v, want none", left)
		}
	})
}

func TestLibvirt(t *testing.T) {
	g := machine(t)
	l := newLibvirt(t)
	l.define(t, g)
	d := newDesk(t, fmt.Sprintf(`targets:
  vm:
    provider: libvirt
    uri: %s
    domain: wine
    overlay: true
    address: forward
    memory_dump: panic
    boot_within: 60m
%ssuites: [suites]
`, l.uri(), login(g)))
	flow(t, d)
	t.Run("nothing of it is left", func(t *testing.T) {
		if got := l.virsh(t, "list", "--all", "--name"); strings.TrimSpace(got) != "wine" {
			t.Errorf("domains: got %q, want the one that was there before", got)
		}
	})
}

const suite = `suite: vm
doc: What becomes of a case when its machine crashes, and when its controller is killed
cases:
  - id: before
    doc: Before the driver faults.
    steps: [register: {client: a}, deregister: {client: a}]
  - id: faults
    doc: The driver writes to an address that is not there.
    misuse: true
    steps: [fault: {kind: write, address: 0x10}]
  - id: after
    doc: On the machine as it is after that.
    steps: [register: {client: a}, deregister: {client: a}]
  - id: waits
    doc: Under way when the controller is killed.
    timeout: 30m
    steps:
      - run: {program: cmd.exe, args: [/c, 'ping -n 20 127.0.0.1 >nul'], limit: 10m}
`

// flow is what a person does with a target: run what there is, look into a crash, go on with a run whose controller has
// died, look at the machine by hand.
func flow(t *testing.T, d *desk) {
	part := func(name string, do func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			do(t)
			t.Logf("took %s", time.Since(begun).Round(100*time.Millisecond))
		})
	}
	part("registration and capture are as on any Wine", func(t *testing.T) {
		// Of the cases that do something thousands of times this machine is too slow for their limits.
		said := d.run(t, 0, "run", "registration", "capture", "--tags", "!stress")
		expect(t, said, `All as expected on wine`, `ready in`)
	})
	part("a crash is told by the machine, kept, and gone on behind", func(t *testing.T) {
		said := d.run(t, 1, "run", "vm.before", "vm.faults", "vm.after")
		expect(t, said, `pass +vm\.before`, `bugcheck +vm\.faults`, `pass +vm\.after`)
		expect(t, d.read(t, "targets/vm/console-1.log"), `page fault on write access to 0x10 at wsksample\.sys\+0x`, `Kernel panic`)
		if info, err := os.Stat(filepath.Join(d.latest(), "targets/vm/memory-1.dmp")); err != nil || info.Size() < 1<<20 {
			t.Errorf("the memory of the crashed machine: got %v, %v; want a file of more than a megabyte", info, err)
		}
		expect(t, d.read(t, "events.ndjson"), `"kind":"memory"`, `"kind":"console"`)
	})
	part("a controller that is killed is resumed", func(t *testing.T) {
		killed := d.start(t, "run", "vm.before", "vm.waits")
		killed.await(t, `"kind":"case-started".*vm\.waits`)
		killed.kill(t)
		said := d.run(t, 0, "run", "--resume", "latest")
		expect(t, said, `pass +vm\.before`, `pass +vm\.waits`)
	})
	part("a machine is brought up by hand, reverted, and taken down", func(t *testing.T) {
		expect(t, d.run(t, 0, "vm", "up", "vm"), `is up`)
		name := strings.Fields(d.run(t, 0, "vm", "list"))[0]
		d.run(t, 0, "vm", "exec", name, "cmd", "/c", `echo dirt>C:\dirt`)
		d.run(t, 0, "vm", "exec", name, "cmd", "/c", `if not exist C:\dirt exit 1`)
		d.run(t, 0, "vm", "revert", name)
		d.run(t, 0, "vm", "exec", name, "cmd", "/c", `if exist C:\dirt exit 1`)
		d.run(t, 0, "vm", "down", name)
		if said := d.run(t, 0, "vm", "list"); strings.Contains(said, name) {
			t.Errorf("vm list: got %q, want none of it", said)
		}
	})
}

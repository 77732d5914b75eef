//go:build linux

package libvirt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/testtime"
	"wskharness/vm"
	"wskharness/vm/vmtest"
)

var withVM = flag.Bool("vm", false, "run each way in which a real machine of libvirt's can go, which takes minutes: make test-vm")

// needsVM skips what `make test` has no time for: it holds a real machine to the contract, and to what a controller leaves that
// is killed.
func needsVM(t *testing.T) {
	t.Helper()
	if !*withVM {
		t.Skip("it takes machines that boot several times: make test-vm")
	}
}

func acquire(t *testing.T, p *Provider, target vm.Target) vm.Machine {
	t.Helper()
	m, err := p.Acquire(testtime.Context(t), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Release(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return m
}

func say(t *testing.T, m vm.Machine, line string) string {
	t.Helper()
	r := vmtest.Command(testtime.Context(t), t, m, line)
	if r.ExitCode != 0 {
		t.Fatalf("%s: exit code %d: %s%s", line, r.ExitCode, r.Stdout, r.Stderr)
	}
	return strings.TrimSpace(string(r.Stdout))
}

// A clone crashes: its memory is dumped, it goes on and boots again, and its console has it all. It hangs: an NMI has it crash.
// Two clones have nothing in common, and who has one does not notice that the other is reverted.
func TestClonesCrashAndHang(t *testing.T) {
	needsVM(t)
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	o.DumpOnPanic = true
	p := provider(t, o)
	one := acquire(t, p, vm.Target{Name: "one"})
	two := acquire(t, p, vm.Target{Name: "two"})
	say(t, one, "write dirt")
	say(t, two, "absent dirt")
	boot := say(t, two, "boot-id")

	vmtest.Command(testtime.Context(t), t, one, "crash")
	if e := next(t, one); e.Kind != vm.Panicked {
		t.Fatalf("%+v; want that it has crashed", e)
	}
	if e := next(t, one); e.Kind != vm.Reset {
		t.Errorf("%+v; want that it starts anew", e)
	}
	dump := filepath.Join(t.TempDir(), "memory")
	format, err := one.(vm.MemoryDumper).DumpMemory(testtime.Context(t), dump)
	if err != nil {
		t.Fatal(err)
	}
	checkDump(t, format, dump)
	if _, err := one.(vm.MemoryDumper).DumpMemory(testtime.Context(t), dump); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v; want that the file is there already", err)
	}
	if text, err := one.(vm.Console).Console(); err != nil || !bytes.Contains(text, []byte("Kernel panic")) {
		t.Errorf("%v; want the panic on the console: %q", err, text)
	}
	if err := one.Revert(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	say(t, one, "absent dirt")
	if now := say(t, two, "boot-id"); now != boot {
		t.Error("the other clone was started anew")
	}

	vmtest.Command(testtime.Context(t), t, two, "hang")
	if err := two.(vm.NMIInjector).InjectNMI(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	for e := next(t, two); e.Kind != vm.Panicked; e = next(t, two) {
		t.Errorf("%+v; want that it has crashed", e)
	}
	for _, m := range []vm.Machine{one, two} {
		if err := m.Release(testtime.Context(t)); err != nil {
			t.Error(err)
		}
	}
	d.clean(t, o)
}

func checkDump(t *testing.T, format, path string) {
	t.Helper()
	head := make([]byte, 8)
	file, err := os.Open(path)
	if err == nil {
		_, err = io.ReadFull(file, head)
		file.Close()
	}
	begins := map[string]string{"kdump-zlib": "makedump", "elf": "\x7fELF"}[format]
	if err != nil || begins == "" || !strings.HasPrefix(string(head), begins) {
		t.Errorf("the dump is %q, and begins with %q, %v", format, head, err)
	}
}

// A domain that is used in place goes back to a snapshot of its running guest, and to one that Checkpoint makes.
func TestInPlace(t *testing.T) {
	needsVM(t)
	d := libvirtd(t)
	name := d.base(t, "", "")
	o := options(t, d, name)
	o.Overlay, o.Snapshot = false, "clean"
	p := provider(t, o)
	d.ask(t, "qemu", func(lv *conn) error {
		dom, err := lv.DomainLookupByName(name)
		if err == nil {
			_, err = lv.DomainSnapshotCreateXML(dom, "<domainsnapshot><name>clean</name></domainsnapshot>", 0)
		}
		return err
	})
	m := acquire(t, p, vm.Target{Name: "box"})
	say(t, m, "write prepared")
	if err := m.(vm.Checkpointer).Checkpoint(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	say(t, m, "exists prepared")
	say(t, m, "write dirt")
	if err := m.Revert(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	say(t, m, "exists prepared")
	say(t, m, "absent dirt")
	dump := filepath.Join(t.TempDir(), "memory")
	format, err := m.(vm.MemoryDumper).DumpMemory(testtime.Context(t), dump)
	if err != nil {
		t.Fatal(err)
	}
	checkDump(t, format, dump)
	vmtest.Command(testtime.Context(t), t, m, "poweroff")
	if e := next(t, m); e.Kind != vm.Stopped || !strings.Contains(e.Text, "shut down") {
		t.Errorf("%+v; want that its guest has shut down", e)
	}
	if err := m.Release(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	d.ask(t, "qemu", func(lv *conn) error {
		dom, err := lv.DomainLookupByName(name)
		if err != nil {
			return err
		}
		_, marked, err := getMark(lv, dom, golibvirt.DomainAffectConfig)
		if on, _ := isActive(lv, dom); on || marked {
			t.Errorf("after Release the domain is on: %t, and marked: %t", on, marked)
		}
		return err
	})
}

// What a clone was made to be is the clean state of those that come after it.
func TestCheckpointOfAClone(t *testing.T) {
	needsVM(t)
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	p := provider(t, o)
	m := acquire(t, p, vm.Target{Name: "box"})
	say(t, m, "write prepared")
	if err := m.(vm.Checkpointer).Checkpoint(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	say(t, m, "exists prepared")
	if err := m.Release(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	m = acquire(t, p, vm.Target{Name: "box"})
	say(t, m, "exists prepared")
	if err := m.Release(testtime.Context(t)); err != nil {
		t.Fatal(err)
	}
	d.ask(t, "qemu", func(lv *conn) error { // the disk that the domain has by now
		_, definition, err := lookup(lv, o.Domain)
		if err != nil {
			return err
		}
		return removeVolume(lv, "images", filepath.Base(definition.Devices.Disks[0].Source.File.File))
	})
}

// TestHelperController is a controller that acquires a machine, and is killed.
func TestHelperController(t *testing.T) {
	uri := os.Getenv("LIBVIRT_TEST_URI")
	if uri == "" {
		t.Skip("it is for another test")
	}
	o := Options{Cache: os.Getenv("LIBVIRT_TEST_CACHE"), URI: uri, Domain: os.Getenv("LIBVIRT_TEST_DOMAIN"), Overlay: true, Address: byForward, Getenv: os.Getenv, Service: service(t)}
	o.Service.PasswordFile = os.Getenv("LIBVIRT_TEST_PASSWORD")
	if _, err := provider(t, o).Acquire(testtime.Context(t), vm.Target{Name: "box", Run: os.Getenv("LIBVIRT_TEST_RUN")}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("\nacquired")
	<-t.Context().Done()
	select {}
}

// killed has a controller acquire a machine, and kills it.
func killed(t *testing.T, o Options, run string) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run", "^TestHelperController$")
	c.Env = append(os.Environ(), "LIBVIRT_TEST_URI="+o.URI, "LIBVIRT_TEST_CACHE="+o.Cache, "LIBVIRT_TEST_DOMAIN="+o.Domain,
		"LIBVIRT_TEST_PASSWORD="+o.Service.PasswordFile, "LIBVIRT_TEST_RUN="+run)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill() // SIGKILL
	said := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "acquired" {
			return
		}
		said += lines.Text() + "\n"
	}
	t.Fatal("the controller acquires nothing: ", said)
}

// After a SIGKILL of the controller the machine is there for whoever resumes its run, as it was; or for a sweep.
func TestControllerIsKilled(t *testing.T) {
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	killed(t, o, "run-1")
	m, err := provider(t, o).Adopt(testtime.Context(t), vm.Target{Name: "box", Run: "run-1"})
	if err != nil {
		t.Fatal(err)
	}
	if out := say(t, m, "echo still up"); out != "still up" {
		t.Errorf("got %q, want that it is still up", out)
	}
	vmtest.Command(testtime.Context(t), t, m, "crash")
	if e := next(t, m); e.Kind != vm.Panicked {
		t.Errorf("%+v; want that it has crashed", e)
	}
	if err := m.Release(testtime.Context(t)); err != nil {
		t.Error(err)
	}
	d.clean(t, o)

	killed(t, o, "run-2")
	swept, err := sweep(testtime.Context(t), vm.Host{Cache: o.Cache, Getenv: os.Getenv})
	if err != nil || len(swept) != 1 || !strings.Contains(swept[0], "domain wskharness-box-") {
		t.Errorf("%q, %v; want the domain", swept, err)
	}
	d.clean(t, o)
}

// However a clone's making is cut off, nothing of it is left.
func TestCloningIsCutOff(t *testing.T) {
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	through := d.proxy(t, "qemu")
	o.URI = through.uri
	for _, at := range []int{8, 13, 16, 19, 22, 25} {
		host := at%2 == 0
		ctx, cancel := context.WithCancel(testtime.Context(t))
		through.watchPackets(func(packet int) {
			if packet == at && host {
				through.cut()
			} else if packet == at {
				cancel()
			}
		})
		m, err := provider(t, o).Acquire(ctx, vm.Target{Name: "box"})
		through.watchPackets(nil)
		if err == nil {
			err = m.Release(testtime.Context(t))
			if err != nil {
				t.Errorf("packet %d: %v", at, err)
			}
		} else if !host && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at packet %d: %v; want a cancellation", at, err)
		}
		cancel()
		if host {
			if _, err := sweep(testtime.Context(t), vm.Host{Cache: o.Cache, Getenv: o.Getenv}); err != nil {
				t.Errorf("the host is away at packet %d: %v", at, err)
			}
		}
		d.clean(t, o)
		if t.Failed() {
			t.Fatalf("at packet %d, host away: %t: %v", at, host, err)
		}
	}
}

// Where the host can't make a clone, or has no place for it, that is told with what to do, and nothing is left.
func TestHostRefuses(t *testing.T) {
	d := libvirtd(t)
	name := d.base(t, "", "")
	o := options(t, d, name)
	for what, test := range map[string]struct {
		change func(o *Options)
		broken func() (mend func())
		want   []string
	}{
		"no such pool": {change: func(o *Options) { o.Pool = "nowhere" }, want: []string{"nowhere", "virsh pool-list"}},
		"image missing": {broken: func() func() {
			image := filepath.Join(d.pool, name+".qcow2")
			if err := os.Rename(image, image+".away"); err != nil {
				t.Fatal(err)
			}
			return func() { os.Rename(image+".away", image) }
		}, want: []string{name + ".qcow2", "the image is missing"}},
		"folder can't be written to": {broken: func() func() {
			if err := os.Chmod(d.pool, 0o555); err != nil {
				t.Fatal(err)
			}
			return func() { os.Chmod(d.pool, 0o755) }
		}, want: []string{"ermission denied", "put images into a storage pool"}},
		"nobody tells the address": {change: func(o *Options) { o.Address, o.BootWithin = "", 1000*1000*1000 },
			want: []string{"nobody knows its address", "lease: ", "agent: ", "arp: ", "qemu-guest-agent", "boot_within"}},
	} {
		t.Run(what, func(t *testing.T) {
			changed := o
			changed.Cache = t.TempDir()
			if test.change != nil {
				test.change(&changed)
			}
			mend := func() {}
			if test.broken != nil {
				mend = test.broken()
			}
			_, err := provider(t, changed).Acquire(testtime.Context(t), vm.Target{Name: "box"})
			mend()
			if err == nil {
				t.Fatal("Acquire succeeded")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q in it", err, want)
				}
			}
			d.clean(t, changed)
		})
	}
}

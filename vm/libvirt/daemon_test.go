//go:build linux

package libvirt

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/testtime"
	"wskharness/vm/vmtest/minimal"
)

// nobody is the user that a daemon of the tests runs as where they run as root: a user's daemon keeps all that it has in
// folders that can be given, and needs neither systemd nor D-Bus nor virtlogd; root's has fixed ones.
const nobody = 65534

// daemon is a libvirtd of the tests.
type daemon struct {
	dir   string
	pool  string // a folder that it can write to, which is its storage pool "images"
	log   string
	serve *exec.Cmd
}

var theDaemon = sync.OnceValues(startDaemon)

// TestMain ends the daemon, and what it runs.
func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		started.end()
	}
	os.Exit(code)
}

var started *daemon

// libvirtd is the daemon of this test binary; the test is skipped where there is none.
func libvirtd(t *testing.T) *daemon {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/libvirtd"); err != nil {
		t.Skip("libvirtd is not installed: scripts/deps test")
	}
	d, err := theDaemon()
	if err != nil {
		t.Fatal("start libvirtd: ", err)
	}
	return d
}

func startDaemon() (*daemon, error) {
	dir, err := os.MkdirTemp("", "lv") // short: sockets are in it
	if err != nil {
		return nil, err
	}
	d := &daemon{dir: dir, pool: filepath.Join(dir, "images"), log: filepath.Join(dir, "log")}
	started = d
	config := filepath.Join(dir, "config", "libvirt")
	for _, folder := range []string{config, filepath.Join(dir, "run"), filepath.Join(dir, "cache"), filepath.Join(dir, "data"), d.pool} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	// Without that, no domain starts unless virtlogd runs.
	if err := os.WriteFile(filepath.Join(config, "qemu.conf"), []byte("stdio_handler = \"file\"\n"), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.serve = exec.Command("/usr/sbin/libvirtd", "--timeout", "60") // what a test that is killed leaves ends by itself
	d.serve.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir + "/run", "XDG_CONFIG_HOME=" + dir + "/config",
		"XDG_CACHE_HOME=" + dir + "/cache", "XDG_DATA_HOME=" + dir + "/data"}
	d.serve.Stdout, d.serve.Stderr = log, log
	d.serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		d.serve.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if err := d.give(dir); err != nil {
			return nil, err
		}
	}
	if err := d.serve.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.serve.Wait() }()
	deadline := time.After(2 * time.Minute)
	for {
		err := d.client("qemu").do(context.Background(), time.Minute, "greet", func(lv *conn) error {
			if _, err := lv.StoragePoolLookupByName("images"); err == nil {
				return nil
			}
			_, err := lv.StoragePoolCreateXML("<pool type='dir'><name>images</name><target><path>"+d.pool+"</path></target></pool>", 0)
			return err
		})
		if err == nil {
			return d, nil
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(d.log)
			return nil, fmt.Errorf("it has ended: %s", text)
		case <-deadline:
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// give makes files the daemon's.
func (d *daemon) give(root string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
}

func (d *daemon) socket() string { return d.dir + "/run/libvirt/libvirt-sock" }

// uri is the daemon's, for one of its drivers.
func (d *daemon) uri(driver string) string {
	path := map[string]string{"qemu": "/session", "test": "/default"}[driver]
	return driver + "+unix://" + path + "?socket=" + d.socket()
}

func (d *daemon) client(driver string) *client {
	p, err := parsePlace(d.uri(driver))
	if err != nil {
		panic(err)
	}
	return newClient(p, nil)
}

// ask asks the daemon by hand.
func (d *daemon) ask(t *testing.T, driver string, f func(lv *conn) error) {
	t.Helper()
	c := d.client(driver)
	defer c.close()
	if err := c.do(testtime.Context(t), 5*time.Minute, "ask", f); err != nil {
		t.Fatal(err)
	}
}

// domains are those that the daemon has.
func (d *daemon) domains(t *testing.T, driver string) []string {
	t.Helper()
	var names []string
	d.ask(t, driver, func(lv *conn) error {
		all, _, err := lv.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive|golibvirt.ConnectListDomainsInactive)
		for _, dom := range all {
			names = append(names, dom.Name)
		}
		return err
	})
	return names
}

// end ends all domains, and the daemon.
func (d *daemon) end() {
	if d.serve != nil && d.serve.Process != nil {
		c := d.client("qemu")
		_ = c.do(context.Background(), time.Minute, "end", func(lv *conn) error {
			all, _, err := lv.ConnectListAllDomains(1, golibvirt.ConnectListDomainsActive)
			for _, dom := range all {
				_ = lv.DomainDestroy(dom)
			}
			return err
		})
		c.close()
		_ = d.serve.Process.Signal(syscall.SIGTERM)
		for range 100 {
			if syscall.Kill(d.serve.Process.Pid, 0) != nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		_ = syscall.Kill(-d.serve.Process.Pid, syscall.SIGKILL)
	}
	_ = os.RemoveAll(d.dir)
}

var lastBase struct {
	sync.Mutex
	number int
}

// base defines a domain of the minimal guest, with a disk of its own, and returns its name. extra goes into its devices, and
// append behind its kernel's command line.
func (d *daemon) base(t *testing.T, extra, cmdline string) string {
	t.Helper()
	guest := minimal.Build(t)
	lastBase.Lock()
	lastBase.number++
	name := fmt.Sprintf("minimal%d", lastBase.number)
	lastBase.Unlock()
	kernel, initrd, image := filepath.Join(d.dir, "kernel"), filepath.Join(d.dir, "initrd"), filepath.Join(d.pool, name+".qcow2")
	copyFile(t, guest.Kernel, kernel)
	copyFile(t, guest.Initrd, initrd)
	copyFile(t, guest.Image, image)
	if err := d.give(d.pool); err != nil {
		t.Fatal(err)
	}
	definition := fmt.Sprintf(`<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>%s</name><memory unit='MiB'>%d</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>%s</kernel><initrd>%s</initrd><cmdline>%s</cmdline></os>
  <features><acpi/></features><cpu mode='maximum'><feature policy='disable' name='smap'/></cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock><on_crash>destroy</on_crash>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
    <controller type='usb' model='none'/><memballoon model='none'/><serial type='pty'/><panic model='isa'/>%s
  </devices>
  <qemu:commandline><qemu:arg value='-netdev'/><qemu:arg value='user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:%d'/>
    <qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,netdev=net,romfile=,addr=0x10'/></qemu:commandline>
</domain>`, name, minimal.MemoryMB, kernel, initrd, guest.Append+" "+cmdline, image, extra, minimal.Port)
	d.ask(t, "qemu", func(lv *conn) error {
		if in, err := lv.StoragePoolLookupByName("images"); err == nil {
			_ = lv.StoragePoolRefresh(in, 0)
		}
		_, err := lv.DomainDefineXML(definition)
		return err
	})
	t.Cleanup(func() {
		d.ask(t, "qemu", func(lv *conn) error {
			dom, err := lv.DomainLookupByName(name)
			if err != nil {
				return err
			}
			_ = lv.DomainDestroy(dom)
			return lv.DomainUndefineFlags(dom, golibvirt.DomainUndefineNvram|golibvirt.DomainUndefineSnapshotsMetadata)
		})
		os.Remove(image)
	})
	return name
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(to); err == nil {
		return
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err == nil {
		_, err = io.Copy(out, in)
		out.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

//go:build linux

package vmimage

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wskharness/child"
	"wskharness/testtime"
	"wskharness/vm/vmtest/bootable"
)

// libvirt is a daemon of a user's: root's has fixed folders, and needs others beside it.
type libvirt struct{ dir string }

// nobody is who has it where the tests are run by root.
const nobody = 65534

func newLibvirt(t *testing.T) *libvirt {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lv") // short: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	l := &libvirt{dir: dir}
	for _, folder := range []string{"config/libvirt", "run", "cache", "data", "images"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Without that, no domain starts unless virtlogd runs.
	if err := os.WriteFile(filepath.Join(dir, "config/libvirt/qemu.conf"), []byte("stdio_handler = \"file\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir + "/run", "XDG_CONFIG_HOME=" + dir + "/config",
		"XDG_CACHE_HOME=" + dir + "/cache", "XDG_DATA_HOME=" + dir + "/data"}
	serve := child.Command(context.Background(), env, "/usr/sbin/libvirtd", "--timeout", "1800") // what a test that is killed leaves ends by itself; a busy machine copies the image for minutes
	serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		serve.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	l.give(t)
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range strings.Fields(l.virsh(t, "list", "--name")) {
			l.virsh(t, "destroy", name)
		}
		serve.Process.Signal(syscall.SIGTERM)
		serve.Wait()
		os.RemoveAll(dir)
	})
	testtime.Await(t, "libvirtd to answer", func() bool { return l.command(t, "version").Run() == nil })
	return l
}

// give makes the daemon's folder its own.
func (l *libvirt) give(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	err := filepath.WalkDir(l.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (l *libvirt) uri() string {
	return "qemu+unix:///session?socket=" + l.dir + "/run/libvirt/libvirt-sock"
}

func (l *libvirt) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	env, err := child.Environment{}.List()
	if err != nil {
		t.Fatal(err)
	}
	// Not with the test: its end is cleaned up with it, too.
	return child.Command(context.Background(), env, "virsh", append([]string{"--quiet", "--connect", l.uri()}, args...)...)
}

func (l *libvirt) virsh(t *testing.T, args ...string) string {
	t.Helper()
	said, err := l.command(t, args...).CombinedOutput()
	if err != nil {
		t.Errorf("virsh %s: %v: %s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

// define defines the domain "wine", of which targets are clones.
func (l *libvirt) define(t *testing.T, g *bootable.Guest) {
	t.Helper()
	for name, from := range map[string]string{"kernel": g.Kernel, "initrd": g.Initrd, "images/wine.qcow2": g.Image} {
		if err := copyFile(from, filepath.Join(l.dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	domain := fmt.Sprintf(`<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>wine</name><memory unit='MiB'>512</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>%[1]s/kernel</kernel><initrd>%[1]s/initrd</initrd><cmdline>%[2]s</cmdline></os>
  <features><acpi/></features><cpu mode='maximum'><feature policy='disable' name='smap'/></cpu>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%[1]s/images/wine.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <controller type='usb' model='none'/><memballoon model='none'/><serial type='pty'/><panic model='isa'/>
  </devices>
  <qemu:commandline><qemu:arg value='-netdev'/><qemu:arg value='user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:%[3]d'/>
    <qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,netdev=net,romfile=,addr=0x10'/></qemu:commandline>
</domain>`, l.dir, g.Append, bootable.Port)
	file := filepath.Join(l.dir, "wine.xml")
	if err := os.WriteFile(file, []byte(domain), 0o644); err != nil {
		t.Fatal(err)
	}
	l.give(t)
	l.virsh(t, "pool-create-as", "images", "dir", "--target", l.dir+"/images")
	l.virsh(t, "define", file)
}

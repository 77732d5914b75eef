package minimal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"wskharness/driver"
)

// cacheRoom is where, in the user's cache folder, what virtual machines of tests are made of is kept. scripts/deps unpacks the
// kernel there: installed as a package it would be one that this machine may boot.
const cacheRoom = "test-vm"

// drivers are the modules that the guest loads, in an order in which each has what it needs. All else that matters is built
// into Debian's cloud kernel, ext4 for one.
var drivers = []string{
	"virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_legacy_dev", "virtio/virtio_pci_modern_dev", "virtio/virtio_pci",
	"block/virtio_blk", "net/core/failover", "net/net_failover", "net/virtio_net", "char/virtio_console",
	"char/hw_random/virtio-rng", "misc/pvpanic/pvpanic", "misc/pvpanic/pvpanic-pci", "misc/pvpanic/pvpanic-mmio",
	"acpi/button", "input/evdev",
}

// kernel is Debian's, as scripts/deps has unpacked it.
type kernel struct {
	image   string
	modules []string // files, in the order in which they are loaded
}

func findKernel() (*kernel, error) {
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(cache.Dir, cacheRoom, "kernel")
	images, err := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*-cloud-amd64"))
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("no kernel in %s", root)
	}
	slices.Sort(images)
	k := &kernel{image: images[len(images)-1]}
	release := filepath.Base(k.image)[len("vmlinuz-"):]
	for _, name := range drivers {
		folder := "drivers"
		if name == "net/core/failover" {
			folder = ""
		}
		module := filepath.Join(root, "lib", "modules", release, "kernel", folder, name+".ko")
		if _, err := os.Stat(module); err != nil {
			return nil, fmt.Errorf("find the kernel's module %s: %w", name, err)
		}
		k.modules = append(k.modules, module)
	}
	return k, nil
}

// missing says what of this machine's the guest lacks; empty where all is there.
func missing() string {
	if _, err := findKernel(); err != nil {
		return err.Error()
	}
	for _, program := range []string{"qemu-system-x86_64", "qemu-img", mke2fs()} {
		if _, err := exec.LookPath(program); err != nil && !errors.Is(err, exec.ErrDot) {
			return program + " is not installed"
		}
	}
	return ""
}

// mke2fs is where Debian has it, which is not on everybody's PATH.
func mke2fs() string {
	if path, err := exec.LookPath("mke2fs"); err == nil {
		return path
	}
	return "/usr/sbin/mke2fs"
}

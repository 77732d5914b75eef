package bootable

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// drivers are the modules that guests load, in an order in which each has what it needs. All else that matters is built into
// Debian's cloud kernel, ext4 for one.
var drivers = []string{
	"drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci_modern_dev",
	"drivers/virtio/virtio_pci", "drivers/block/virtio_blk", "net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net",
	"drivers/char/virtio_console", "drivers/char/hw_random/virtio-rng",
	"drivers/misc/pvpanic/pvpanic", "drivers/misc/pvpanic/pvpanic-pci", "drivers/misc/pvpanic/pvpanic-mmio",
	"drivers/acpi/button", "drivers/input/evdev",
}

// kernel is Debian's, as scripts/deps has unpacked it.
type kernel struct {
	image   string
	modules []string // files, in the order in which they are loaded
}

// findKernel looks where scripts/deps unpacks it: installed as a package it would be one that this machine may boot.
func findKernel() (*kernel, error) {
	room, err := room()
	if err != nil {
		return nil, err
	}
	root := filepath.Join(room, "kernel")
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
		module := filepath.Join(root, "lib", "modules", release, "kernel", name+".ko")
		if _, err := os.Stat(module); err != nil {
			return nil, fmt.Errorf("find the kernel's module %s: %w", name, err)
		}
		k.modules = append(k.modules, module)
	}
	return k, nil
}

// Missing says what guests need and this machine lacks, and how to get it; empty where all is there.
func Missing() string {
	const advice = ": run scripts/deps test"
	if _, err := findKernel(); err != nil {
		return err.Error() + advice
	}
	for _, program := range []string{"qemu-system-x86_64", "qemu-img", mke2fs()} {
		if _, err := exec.LookPath(program); err != nil {
			return program + " is not installed" + advice
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

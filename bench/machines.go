package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wskharness/remote"
	"wskharness/vm/vmtest/bootable"
	"wskharness/vm/vmtest/minimal"
)

// machines measures what the harness adds to the boot of a virtual machine: `vm up` beside a QEMU that is started by hand with the same
// guest, until its WinRM answers; and the way back to a clean state, by a snapshot and by a boot.
func (b *bench) machines(ctx context.Context, runs int) error {
	if why := bootable.Missing(); why != "" {
		fmt.Println("virtual machines are not measured: " + why)
		return nil
	}
	guest, err := minimal.Make()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "machines")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	target := fmt.Sprintf(`{provider: qemu, image: %s, user: %s, password_file: %s, auth: basic, certificate_sha256: %s, firmware: bios, memory: %dM, cpus: 1,
    disk: virtio, network: virtio, rtc: utc, args: [-kernel, %s, -initrd, %s, -append, '%s']`,
		guest.Image, guest.User, guest.PasswordFile, guest.CertificateSHA256, minimal.MemoryMB, guest.Kernel, guest.Initrd, guest.Append)
	text := "targets:\n  cold: " + target + "}\n  warm: " + target + ", warm: true, set_clock: 'set-date {unix}'}\n"
	if err := os.WriteFile(filepath.Join(dir, "wskharness.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	m := &machineBench{bench: b, dir: dir, guest: guest}
	defer func() { _, _ = m.run(context.WithoutCancel(ctx), "down", "--all") }()
	for i := range runs + 1 {
		b.counted = i > 0
		if err := errors.Join(m.boots(ctx), m.reverts(ctx)); err != nil {
			return err
		}
	}
	return b.print()
}

// machineBench is a bench in a folder with a configuration of its own.
type machineBench struct {
	*bench
	dir   string
	guest *bootable.Guest
	boot  time.Duration // of the last one by hand
}

// run runs a command of `vm` in the folder of the configuration.
func (m *machineBench) run(ctx context.Context, words ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, m.program, append([]string{"vm"}, words...)...)
	cmd.Dir = m.dir
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("vm %s: %w: %s", strings.Join(words, " "), err, said)
	}
	return time.Since(begun), nil
}

// boots brings a guest up by hand and by the harness, one after the other: what else goes on here slows both.
func (m *machineBench) boots(ctx context.Context) error {
	least, err := m.byHand(ctx)
	if err != nil {
		return err
	}
	took, err := m.run(ctx, "up", "cold")
	if err != nil {
		return err
	}
	m.add("a minimal virtual machine, by hand: an overlay, QEMU, until its WinRM answers", "s", 0, least.Seconds())
	m.add("the same by `vm up`", "s", 0, took.Seconds())
	m.add("what the harness adds to that", "s", 0.3, took.Seconds()-least.Seconds())
	reverted, err := m.run(ctx, "revert", "cold")
	if err != nil {
		return err
	}
	m.add("`vm revert` without a snapshot: a boot", "s", 0, reverted.Seconds())
	m.boot = least
	_, err = m.run(ctx, "down", "--all")
	return err
}

// reverts measures the way back to a snapshot of a guest that is up.
func (m *machineBench) reverts(ctx context.Context) error {
	took, err := m.run(ctx, "up", "warm")
	if err != nil {
		return err
	}
	m.add("`vm up` from a snapshot", "s", 0, took.Seconds())
	if took, err = m.run(ctx, "revert", "warm"); err != nil {
		return err
	}
	m.add("`vm revert` to a snapshot", "s", 0, took.Seconds())
	m.add("the same, beside a boot by hand", "×", 0.1, took.Seconds()/m.boot.Seconds())
	_, err = m.run(ctx, "down", "--all")
	return err
}

// byHand is the time from an overlay to an answer.
func (m *machineBench) byHand(ctx context.Context) (time.Duration, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := free.Addr().String()
	free.Close()
	disk := filepath.Join(m.dir, "by-hand.qcow2")
	defer os.Remove(disk)
	begun := time.Now()
	if out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", m.guest.Image, "-F", "qcow2", disk).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("qemu-img: %w: %s", err, out)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35,hpet=off,accel=kvm:tcg", "-cpu", "max,smap=off",
		"-smp", "1", "-m", fmt.Sprint(minimal.MemoryMB), "-kernel", m.guest.Kernel, "-initrd", m.guest.Initrd, "-append", m.guest.Append, "-serial", "null",
		"-drive", "if=virtio,file="+disk, "-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:%s-:%d", address, minimal.Port), "-device", "virtio-net-pci,netdev=net", "-device", "pvpanic-pci",
		"-vga", "std") // whose BIOS takes its part of the boot, too
	said := &bytes.Buffer{}
	qemu.Stderr = said
	if err := qemu.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = qemu.Process.Kill(); _ = qemu.Wait() }()
	if err := remote.Await(ctx, m.guest.Endpoint(address)); err != nil {
		return 0, fmt.Errorf("a virtual machine that was started by hand: %w: %s", err, said)
	}
	return time.Since(begun), nil
}

//go:build linux

// Command inside is the first and only program of a virtual machine that has a Wine guest: it serves the guest, and is its
// power supply. A driver that crashes there has the kernel panic, as on Windows it is the kernel that crashes; a guest that
// reboots has the machine reboot.
package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/vmtest/bootable/early"
	"wskharness/vm/wine"
)

func main() {
	ctx, off := context.WithCancel(context.Background())
	crash, err := serve(ctx, off)
	switch {
	case crash != nil:
		early.Say("%s", crash.Describe())
		unix.Sync() // Windows, too, has written what was there seconds ago
		err = early.Crash()
	case err != nil:
		early.Say("the guest is off: %v", err)
		err = early.PowerOff()
	case ctx.Err() != nil:
		err = early.PowerOff()
	default:
		err = early.Reboot()
	}
	early.Say("%v", err)
}

// serve serves the guest until it ends. off is called for the power button.
func serve(ctx context.Context, off func()) (*vm.Event, error) {
	const disk = "/disk"
	config, err := early.Start(disk)
	if err != nil {
		return nil, err
	}
	certificate, err := config.TLS()
	if err != nil {
		return nil, err
	}
	if err := enter(disk); err != nil {
		return nil, err
	}
	early.OnPowerButton(off)
	software, err := wine.Find(ctx)
	if err != nil {
		return nil, err
	}
	sole := wine.Sole{
		Software: software, Prefix: "/prefix", Temp: "/tmp/w", Host: "/winrshost.exe",
		Listen: early.Listen, User: config.User, Password: remote.Secret(config.Password), Certificate: certificate,
		Console: os.Stdout,
	}
	return sole.Serve(ctx)
}

// enter makes the disk the root of all files.
func enter(disk string) error {
	for _, at := range []string{"/dev", "/proc", "/sys"} {
		if err := unix.Mount(at, disk+at, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s to the disk: %w", at, err)
		}
	}
	if err := unix.Mount("tmpfs", disk+"/tmp", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount /tmp: %w", err)
	}
	if err := unix.Chdir(disk); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("make the disk the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("make the disk the root: %w", err)
	}
	if err := unix.Sethostname([]byte("wine")); err != nil {
		return err
	}
	return os.Chown("/prefix", 0, 0) // Wine takes no prefix of another user's, as whoever has made it may be
}

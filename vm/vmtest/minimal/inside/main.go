//go:build linux

// Command inside is the first and only program of a minimal guest: it loads the modules, mounts the disk, sets up the network
// and serves WinRM. What it can be told to do is in package minimal.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"wskharness/remote"
	"wskharness/remote/winrmd"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "inside: this is the first program of a virtual machine, and of no other")
		os.Exit(2)
	}
	if err := up(); err != nil {
		fmt.Println("minimal guest: ", err)
	}
	say("off")
	power(unix.LINUX_REBOOT_CMD_POWER_OFF) // rather than the panic of a kernel whose first program has ended
}

// config is what package minimal has put into the initrd.
type config struct{ User, Password, Certificate, Key string }

// up brings the guest up, and serves it until that fails.
func up() error {
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	if err := loadModules("/modules"); err != nil {
		return err
	}
	if err := mountDisk(); err != nil {
		return err
	}
	if err := configureNetwork(); err != nil {
		return err
	}
	text, err := os.ReadFile("/guest.json")
	if err != nil {
		return err
	}
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	certificate, err := tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key))
	if err != nil {
		return err
	}
	server, err := winrmd.New(winrmd.Options{Host: host{}, User: c.User, Password: remote.Secret(c.Password), Certificate: certificate})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "0.0.0.0:5986")
	if err != nil {
		return err
	}
	watchPowerButton()
	uptime, _ := os.ReadFile("/proc/uptime")
	seconds, _, _ := strings.Cut(string(uptime), " ")
	say("WinRM answers at %s, boot %s, up for %s s", listener.Addr(), bootID(), seconds)
	return server.Serve(listener)
}

// say writes a line on the console.
func say(format string, args ...any) { fmt.Printf("minimal guest: "+format+"\n", args...) }

func loadModules(dir string) error {
	modules, err := filepath.Glob(filepath.Join(dir, "*.ko")) // sorted: by their numbers
	if err != nil {
		return err
	}
	for _, module := range modules {
		f, err := os.Open(module)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil {
			say("load %s: %v", module, err) // for a device that this machine does not have it may fail
		}
	}
	return nil
}

// disk is where the machine's disk is mounted.
const disk = "/disk"

// mountDisk mounts the first disk that there is. Without one the guest does not pretend to keep anything.
func mountDisk() error {
	for _, device := range []string{"/dev/vda", "/dev/sda", "/dev/nvme0n1"} {
		if _, err := os.Stat(device); err != nil {
			continue
		}
		if err := unix.Mount(device, disk, "ext4", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", device, err)
		}
		say("%s is the disk", device)
		return nil
	}
	say("there is no disk")
	return unix.Mount("none", disk, "tmpfs", unix.MS_RDONLY, "")
}

// bootID is the kernel's, made anew each time it starts.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(id))
}

//go:build linux

package early

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Start begins a guest: it mounts what the kernel tells of itself, loads the modules, sets up the network, and mounts the disk
// in a folder of the initrd, where one is named. Who is not the first program of a machine is told so.
func Start(disk string) (*Config, error) {
	if os.Getpid() != 1 {
		return nil, fmt.Errorf("this is the first program of a virtual machine, and of no other")
	}
	for _, m := range []struct{ kind, at string }{{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return nil, fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	if err := loadModules("/modules"); err != nil {
		return nil, err
	}
	if disk != "" {
		if err := mountDisk(disk); err != nil {
			return nil, err
		}
	}
	if err := configureNetwork(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile("/guest.json")
	if err != nil {
		return nil, err
	}
	c := &Config{}
	return c, json.Unmarshal(text, c)
}

// TLS is the endpoint's certificate with its key.
func (c *Config) TLS() (tls.Certificate, error) {
	return tls.X509KeyPair([]byte(c.Certificate), []byte(c.Key))
}

// Listen opens the port of WinRM, and says on the console that it answers.
func Listen() (net.Listener, error) {
	listener, err := net.Listen("tcp4", "0.0.0.0:5986")
	if err != nil {
		return nil, err
	}
	uptime, _ := os.ReadFile("/proc/uptime")
	seconds, _, _ := strings.Cut(string(uptime), " ")
	Say("WinRM answers at %s, boot %s, up for %s s", listener.Addr(), BootID(), seconds)
	return listener, nil
}

// Say writes a line on the console.
func Say(format string, args ...any) { fmt.Printf("guest: "+format+"\n", args...) }

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
			Say("load %s: %v", module, err) // for a device that this machine does not have it may fail
		}
	}
	return nil
}

// mountDisk mounts the first disk that there is. Without one the guest does not pretend to keep anything.
func mountDisk(at string) error {
	for _, device := range []string{"/dev/vda", "/dev/sda", "/dev/nvme0n1"} {
		if _, err := os.Stat(device); err != nil {
			continue
		}
		if err := unix.Mount(device, at, "ext4", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", device, err)
		}
		Say("%s is the disk", device)
		return nil
	}
	Say("there is no disk")
	return unix.Mount("none", at, "tmpfs", unix.MS_RDONLY, "")
}

// BootID is the kernel's, made anew each time it starts.
func BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(id))
}

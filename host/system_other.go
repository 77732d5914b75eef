//go:build !linux && !windows

package host

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// system is the version of macOS (sysctl kern.osproductversion, since 10.13.4), or what is known of any other.
func system() string {
	name := runtime.GOOS
	if name == "darwin" {
		name = "macOS"
	}
	if version, err := unix.Sysctl("kern.osproductversion"); err == nil {
		return name + " " + version
	}
	return name
}

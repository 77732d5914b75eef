package host

import (
	"os"

	"wskharness/vm"
)

// ofThisSystem are checks of what only this system has.
func ofThisSystem() []vm.Check { return []vm.Check{kvm()} }

func kvm() vm.Check {
	c := vm.Check{Name: "KVM", Detail: "hardware virtualisation, for Windows guests on this machine"}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		c.Detail += ": " + err.Error()
		return c
	}
	c.OK = f.Close() == nil
	return c
}

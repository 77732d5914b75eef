// Package kinds is the list of the kinds of machines. Only this package names them: a new one is a package below vm, and a
// line here.
package kinds

import (
	"wskharness/vm"
	"wskharness/vm/hyperv"
	"wskharness/vm/libvirt"
	"wskharness/vm/qemu"
	"wskharness/vm/static"
	"wskharness/vm/wine"
)

// All are the kinds that there are, in the order in which they are told.
func All() []vm.Kind {
	return []vm.Kind{
		wine.Kind(),
		qemu.Kind(),
		libvirt.Kind(),
		hyperv.Kind(),
		static.Kind(),
	}
}

//go:build !linux

package host

import "wskharness/vm"

// ofThisSystem are checks of what only this system has.
func ofThisSystem() []vm.Check { return nil }

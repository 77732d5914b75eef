//go:build !linux

package wine

import (
	"context"
	"errors"

	"wskharness/vm"
)

// errElsewhere says what there is instead, on a system that has no Wine guests.
var errElsewhere = errors.New("a Wine guest needs Linux, and this system has none: name a Windows machine of your own as a target, and run on that " +
	"(wskharness init writes a configuration to start from), or run wskharness on a Linux machine")

func onThisSystem() vm.Kind { return vm.Kind{Absent: errElsewhere, Checks: checks} }

func (t *target) provider(vm.Host) (vm.Provider, error) { return nil, errElsewhere }

func checks(_ context.Context, needed bool) []vm.Check {
	return []vm.Check{{
		Name: "Wine guest", Needed: needed, Detail: "it needs Linux",
		Fix: "name a Windows machine of your own as a target (wskharness init writes a configuration to start from)",
	}}
}

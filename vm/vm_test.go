package vm_test

import (
	"testing"

	"wskharness/vm"
)

func TestDescribe(t *testing.T) {
	for want, e := range map[string]vm.Event{
		"page fault on write access to 0x10 at wsksample.sys+0x10a0": {
			Kind: vm.Panicked, Code: 0x1E, Access: "write", Target: 0x10, Module: "wsksample.sys", ModuleOffset: 0x10A0, Address: 0x21A10A0},
		"bugcheck 0x000000D1 (0x11, 0x22, 0x33, 0x4444444444)": {
			Kind: vm.Panicked, Code: 0xD1, Args: [4]uint64{0x11, 0x22, 0x33, 0x4444444444}},
		"bugcheck 0x0000001E (0x0, 0x21a1100, 0x0, 0x0) at address 0x21a1100": {
			Kind: vm.Panicked, Code: 0x1E, Args: [4]uint64{1: 0x21A1100}, Address: 0x21A1100},
		"the machine crashed": {Kind: vm.Panicked},
	} {
		if got := e.Describe(); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

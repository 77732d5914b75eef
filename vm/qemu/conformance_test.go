//go:build linux

package qemu

import (
	"testing"

	"wskharness/vm/vmtest"
)

// expect is what a minimal guest does.
var expect = vmtest.Expect{Command: "echo up", Output: "up", Reverts: true, Dirty: "write dirt", Clean: "absent dirt", BootID: "boot-id", Crash: "crash"}

func TestConformance(t *testing.T) {
	t.Parallel()
	vmtest.Run(t, newLab(t).provider(warm), expect)
}

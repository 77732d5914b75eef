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
	l, want := newLab(t), expect
	want.Left = func() ([]string, error) { return l.left(t, "conformance") }
	vmtest.Run(t, l.provider(warm), want)
}

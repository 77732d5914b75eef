package minimal

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"wskharness/vm/vmtest/bootable"
)

// Where the guest is reached: see package bootable.
const (
	Port    = bootable.Port
	Address = bootable.Address
)

// MemoryMB is what the guest gets along with.
const MemoryMB = 160

// Guest is what a virtual machine is started from.
type Guest = bootable.Guest

var built = sync.OnceValues(func() (*Guest, error) {
	return bootable.Make(context.Background(), bootable.Recipe{
		Name: "minimal", Program: "wskharness/vm/vmtest/minimal/inside", Disk: disk,
	})
})

// disk has nothing on it but a file that tells what it is.
func disk(_ context.Context, root string) (size int64, err error) {
	return 24 << 20, os.WriteFile(filepath.Join(root, "what"), []byte("the disk of a minimal guest\n"), 0o644)
}

// Make makes the guest, or finds it in the cache.
func Make() (*Guest, error) { return built() }

// Build is Make for a test, which is skipped where the kernel or QEMU is missing.
func Build(t testing.TB) *Guest {
	t.Helper()
	if why := bootable.Missing(); why != "" {
		t.Skip(why)
	}
	guest, err := Make()
	if err != nil {
		t.Fatal("build the minimal guest: ", err)
	}
	return guest
}

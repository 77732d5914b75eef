// Package bootable makes small Linux guests for tests of what starts virtual machines: Debian's kernel, which scripts/deps
// unpacks, an initrd with one static program of ours, a disk. Package minimal is the smallest of them; package early is what
// their programs have in common.
//
//	guest, err := bootable.Make(ctx, bootable.Recipe{Name: "minimal", Program: "wskharness/vm/vmtest/minimal/inside", Disk: …})
//	qemu := []string{"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", guest.Append, …}
//	endpoint := guest.Endpoint("127.0.0.1:" + port)
//
// What was made is kept under the content of all that it was made of, in the folder test-vm of the user's cache.
package bootable

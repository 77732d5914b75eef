// Package vmimage shows the harness with a real virtual machine, and without Windows: a small Linux that boots under QEMU, in
// which Wine is the guest (inside), driven by the program as a person calls it, which knows nothing of the machine but its
// WinRM and what QEMU or libvirt tell of it. There is nothing in it but tests, which take minutes and are run by
//
//	make test-vm
package vmimage

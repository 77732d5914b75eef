// Package qemu is the kind of machine that this machine runs itself: a virtual machine of QEMU's, started from a base image that
// nobody writes to.
//
//	targets:
//	  win11:
//	    provider: qemu
//	    image: win11.qcow2
//	    user: Administrator
//	    password_env: WIN11_PASSWORD
//	    certificate_sha256: …
//
// Each guest has a folder (package lease) with an overlay over the base image, its own UEFI variables and TPM, and a process that
// serves it: this program in the role qemu-guest. QEMU is that process' child and ends with it, whatever ends it; it holds QEMU's
// monitor and serial console, by descriptors that QEMU has inherited, and answers controllers on a socket in the folder. It ends
// with the controller that has started it, at once, unless the guest is to be kept: then with vm down.
//
// What is asked of the guest itself, over WinRM, the controller asks: it has the passwords.
package qemu

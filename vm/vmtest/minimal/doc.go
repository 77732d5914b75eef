// Package minimal is a virtual machine for tests of providers: Debian's kernel, an initrd that is one small program of ours,
// and a disk of a few megabytes. It is up within seconds also where there is no KVM, answers WinRM as any target does, and
// knows a few commands of its own. What a test does with it is real: the disk has overlays and snapshots, the kernel crashes
// and tells of it over pvpanic, each boot has an id.
//
//	guest := minimal.Build(t)
//	qemu := []string{"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", guest.Append, …}
//	endpoint := guest.Endpoint("127.0.0.1:" + port)
//
// The commands are those of package inside. They may stand behind cmd.exe /c:
//
//	echo TEXT            prints it
//	write FILE [TEXT]    makes a file on the disk, which is there after a crash, too
//	read FILE            prints it
//	exists FILE          ends with 0 where it is there, else with 1
//	absent FILE          the other way round
//	boot-id              prints what no other boot has
//	date                 prints the guest's clock, in seconds since 1970
//	set-date SECONDS     sets it
//	console TEXT         writes a line on the serial console
//	crash                has the kernel panic; with panic=-1 on its command line, as Append has it, the machine boots again
//	hang                 has the processor do nothing else any more; an NMI makes the kernel panic
//	reboot, poweroff     at once and in order; so does the power button
//
// The last four are answered with exit code 0 shortly before it comes to that; where the machine is slow, the answer may be
// lost.
package minimal

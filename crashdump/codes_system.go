package crashdump

// systemCodes are the stop codes of hangs, integrity, power and hardware, and those asked for.
func systemCodes() []stopCode {
	reserved := plain("reserved")
	return []stopCode{
		{
			name:    "NTFS_FILE_SYSTEM",
			meaning: "The NTFS driver found something it can't go on with: corruption on the disk, or of memory by somebody else.",
			params:  [4]param{plain("source file and line in NTFS"), plain("exception record, if there is one"), plain("context record, if there is one"), reserved},
			next:    "the disk of the guest (chkdsk); if that is sound, a driver that corrupts pool",
			record:  2,
		}, {
			name:    "NMI_HARDWARE_FAILURE",
			meaning: "A non-maskable interrupt arrived: a hardware error, or an NMI that a host injected on purpose to get a dump of a hang.",
			params:  [4]param{plain("0x4F4454 where the kernel chose it"), reserved, reserved, reserved},
			next:    "if the NMI was injected: what each processor and thread was doing (`!running`, `!stacks` in WinDbg)",
		}, {
			name:    "DRIVER_POWER_STATE_FAILURE",
			meaning: "A driver let a power transition hang or violated its rules.",
			params:  violation(),
			next:    "the blocked IRP and the device stack (`!irp`, `!devstack` in WinDbg)",
			subcode: map[uint64]sub{
				1: {"a device was freed with a power request outstanding", [3]param{plain("device object"), reserved, reserved}},
				2: {"a power IRP was completed without PoStartNextPowerIrp", [3]param{plain("the target's device object, if known"), plain("device object"), plain("driver object, if known")}},
				3: {"a device has held a power IRP for too long", [3]param{plain("physical device object of the stack"), plain("nt!TRIAGE_9F_POWER"), plain("the blocked IRP")}},
				4: {"the transition timed out waiting for Plug and Play", [3]param{plain("time limit in seconds"), plain("thread that holds the Plug and Play lock"), plain("nt!TRIAGE_9F_PNP")}},
			},
			same: []int{1},
		}, {
			name:    "MANUALLY_INITIATED_CRASH",
			meaning: "Somebody crashed the machine on purpose, from the keyboard or a debugger.",
			next:    "why a dump was wanted: a hang, for which see what each processor and thread was doing",
		}, {
			name:    "RESOURCE_NOT_OWNED",
			meaning: "A thread released a resource (ERESOURCE) that it did not own.",
			params:  [4]param{plain("resource"), plain("thread"), plain("owner table, if there is one"), reserved},
			next:    "acquire and release on different threads, or a release too many",
		}, {
			name:    "DRIVER_OVERRAN_STACK_BUFFER",
			meaning: "A driver overran a buffer on the stack; the compiler's security cookie was overwritten.",
			params:  [4]param{plain("cookie found on the stack"), plain("cookie expected"), plain("complement of the cookie expected"), reserved},
			next:    "the function at the top of the stack, and its local buffers",
		}, {
			name:    "CLOCK_WATCHDOG_TIMEOUT",
			meaning: "A processor did not take clock interrupts for too long: it is stuck with interrupts off, or its virtual processor was not given time.",
			params:  [4]param{plain("time limit in clock ticks"), plain("zero"), plain("PRCB of the stuck processor"), plain("zero")},
			next:    "what the stuck processor was doing; under a hypervisor also the load of the host",
		}, {
			name:    "CRITICAL_STRUCTURE_CORRUPTION",
			meaning: "Kernel code or data that nobody may change was changed (PatchGuard).",
			params:  [4]param{reserved, reserved, plain("depends on parameter 4"), plain("kind of what was changed")},
			next:    "a driver that patches the kernel or writes through a wild pointer; a debugger's breakpoint without a debugger; bad memory",
			same:    []int{4},
		}, {
			name:    "WHEA_UNCORRECTABLE_ERROR",
			meaning: "The hardware reported an error that can't be corrected.",
			params:  [4]param{oneOf("source of the error", map[uint64]string{0: "machine check", 3: "non-maskable interrupt", 4: "PCI Express", 1: "corrected machine check"}), plain("WHEA_ERROR_RECORD"), plain("upper half of MCi_STATUS, of a machine check"), plain("lower half of MCi_STATUS, of a machine check")},
			next:    "the machine, not the driver: `!errrec` with parameter 2 in WinDbg",
			same:    []int{1},
		}, {
			name:    "DPC_WATCHDOG_VIOLATION",
			meaning: "A DPC ran for too long, or the system spent too long at DISPATCH_LEVEL or above.",
			params:  violation(),
			next:    "loops and waits under a spin lock, in a DPC or in a receive callback",
			subcode: map[uint64]sub{
				0: {"a single DPC or interrupt routine was over its time", [3]param{plain("time taken, in ticks"), plain("time allowed, in ticks"), param{}}},
				1: {"the time at DISPATCH_LEVEL or above was too long in sum", [3]param{plain("the watchdog's period"), param{}, param{}}},
			},
			same: []int{1},
		}, {
			name:    "KERNEL_SECURITY_CHECK_FAILURE",
			meaning: "A check in compiled code or in the kernel found a data structure corrupt (fast fail).",
			params:  [4]param{plain("kind of the corruption"), plain("trap frame"), plain("exception record"), reserved},
			next:    "the object of the check: a list entry that was removed twice, or freed while still in its list; an event or timer on a stack that is gone",
			subcode: fastFails(),
			record:  3,
			same:    []int{1},
		}, {
			name:    "KERNEL_MODE_HEAP_CORRUPTION",
			meaning: "The kernel's heap, from which pool is allocated since Windows 10 1903, is corrupt.",
			params:  [4]param{plain("kind of the corruption"), plain("heap"), plain("address at which it was found"), reserved},
			next:    "writes beyond an allocation or after its release: run again with special pool of Driver Verifier",
			subcode: map[uint64]sub{
				3: {text: "the header of a block is corrupt"}, 4: {text: "the headers of several blocks are corrupt"},
				5: {text: "the header of a large block is corrupt"}, 6: {text: "it looks like a write beyond the end of a block"},
				7: {text: "it looks like a write before the start of a block"}, 8: {text: "a free block was used as if it were not, such as freed twice"},
				0xB: {text: "it looks like a use after the release"}, 0xD: {text: "the list of free blocks is corrupt"},
			},
			same: []int{1},
		}, {
			name:    "UNEXPECTED_STORE_EXCEPTION",
			meaning: "The component that compresses memory met an exception that it did not expect.",
			params:  [4]param{plain("store context"), plain("exception information"), reserved, reserved},
			next:    "the disk and memory of the machine, before the driver",
		}, {
			name:    "LIVE_SYSTEM_DUMP",
			meaning: "Somebody asked for a dump of the running system; nothing has crashed.",
			next:    "whatever it was taken for",
		}, {
			name:    "MANUALLY_INITIATED_CRASH1",
			meaning: "Somebody crashed the machine on purpose.",
			next:    "why a dump was wanted",
		}, {
			name:    "CRITICAL_PROCESS_DIED",
			meaning: "A process without which Windows can't go on has ended.",
			params:  [4]param{plain("the process"), oneOf("what ended", map[uint64]string{0: "a process", 1: "a thread"}), reserved, reserved},
			next:    "why that process ended: the event log of the guest, and files or memory damaged before",
		},
	}
}

// fastFails are parameter 1 of 0x139, the codes of __fastfail.
func fastFails() map[uint64]sub {
	kinds := map[uint64]string{
		0: "a buffer on the stack was overrun (older check)", 1: "a virtual function table is not a legal one",
		2: "a buffer on the stack was overrun: the security cookie was overwritten", 3: "a LIST_ENTRY is corrupt, perhaps removed twice",
		5: "a function was given a parameter that it treats as fatal",
		6: "the security cookie was never set up: the driver may be built for a newer Windows",
		7: "the code itself asked to end", 8: "an array was indexed out of its bounds",
		9:  "RtlQueryRegistryValues was used directly without a type check on an untrusted key",
		10: "an indirect call went to a target that is not allowed", 11: "a guarded write went where it may not",
		14: "a reference count is invalid", 19: "read-only data were changed in an unsafe way",
		28: "a buffer was accessed out of its bounds", 29: "an entry of a balanced tree is corrupt",
		37: "a jump table was used out of its range", 38: "a longjmp had an invalid target",
	}
	subs := make(map[uint64]sub, len(kinds))
	for kind, text := range kinds {
		subs[kind] = sub{text: text}
	}
	return subs
}

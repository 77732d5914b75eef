package crashdump

// ioCodes are the stop codes of IRPs, objects, locked pages, waits and drivers' frameworks.
func ioCodes() []stopCode {
	reserved := plain("reserved")
	checked := [3]param{plain("address of it"), plain("start of the memory that was checked"), plain("end of the memory that was checked")}
	counts := [3]param{plain("address of the routine"), plain("count before the routine"), plain("count after the routine")}
	return []stopCode{
		{
			name:    "REFERENCE_BY_POINTER",
			meaning: "An object's count of references does not fit what it is used for: mostly it was dereferenced once too often.",
			params:  [4]param{plain("type of the object"), plain("object"), reserved, reserved},
			next:    "ObDereferenceObject without a reference of its own",
		}, {
			name:    "NO_MORE_IRP_STACK_LOCATIONS",
			meaning: "A driver passed an IRP on that has no stack location left.",
			params:  [4]param{plain("the IRP"), reserved, reserved, reserved},
			next:    "the number of stack locations that the IRP was allocated with: WSK needs one of the caller's own",
		}, {
			name:    "MULTIPLE_IRP_COMPLETE_REQUESTS",
			meaning: "An IRP was completed that had been completed already.",
			params:  [4]param{plain("the IRP"), reserved, reserved, reserved},
			next:    "two owners of one IRP: a cancel and a completion, or a reuse without IoReuseIrp",
		}, {
			name:    "CANCEL_STATE_IN_COMPLETED_IRP",
			meaning: "An IRP was completed while it still had a cancel routine.",
			params:  [4]param{plain("the IRP"), plain("the cancel routine"), reserved, reserved},
			next:    "IoSetCancelRoutine(irp, NULL) before the completion",
		}, {
			name:    "IRQL_GT_ZERO_AT_SYSTEM_SERVICE",
			meaning: "A system call returned to user mode at a raised IRQL.",
			params:  [4]param{plain("address of the system call's routine"), irql("IRQL at that time"), plain("zero"), plain("zero")},
			next:    "a spin lock that a dispatch routine did not release on some way out",
		}, {
			name:    "PROCESS_HAS_LOCKED_PAGES",
			meaning: "A process ended with pages that a driver had locked and not unlocked.",
			params:  [4]param{plain("zero"), plain("process"), plain("number of locked pages"), plain("stacks of the driver, where tracking is on")},
			next:    "MmProbeAndLockPages without its MmUnlockPages; with TrackLockedPages in the registry 0xCB names the driver",
		}, {
			name:    "DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS",
			meaning: "A driver left pages of a process locked when the process ended.",
			params:  [4]param{plain("address in the driver that locked them; if the I/O manager did, of the top driver's dispatch routine"), plain("caller of that address, or the top device object"), plain("MDL"), plain("number of locked pages")},
			next:    "the MmUnlockPages that is missing for the lock at the faulting module's offset",
			fault:   1,
		}, {
			name:    "ATTEMPTED_SWITCH_FROM_DPC",
			meaning: "Something waited within a DPC.",
			params:  [4]param{plain("thread that ran the DPC"), plain("thread that was to run next"), plain("stack of the first thread"), reserved},
			next:    "a wait in a DPC, a completion routine or a WSK callback at DISPATCH_LEVEL",
		}, {
			name:    "TIMER_OR_DPC_INVALID",
			meaning: "A timer or DPC was found in memory that was being freed or unloaded, or otherwise where it may not be.",
			params:  [4]param{plain("kind of the violation"), plain("address of the object or routine"), plain("depends on parameter 1"), plain("depends on parameter 1")},
			next:    "a timer that was not cancelled, or a DPC that was not flushed, before its memory was freed",
			subcode: map[uint64]sub{
				0: {"a timer in such memory", checked}, 1: {"a DPC in such memory", checked}, 2: {"a DPC's routine in such memory", checked},
				3: {"a DPC for a processor that does not exist", [3]param{plain("DPC"), plain("processor"), plain("number of processors")}},
				4: {"a DPC routine changed how often APCs are disabled", counts},
				5: {"a timer's DPC routine changed how often APCs are disabled", counts},
			},
			same: []int{1},
		}, {
			name:    "WDF_VIOLATION",
			meaning: "The Kernel-Mode Driver Framework found an error in a driver that uses it.",
			params:  violation(),
			next:    "the framework's log of that driver: `!wdfkd.wdflogdump` in WinDbg",
			same:    []int{1},
		},
	}
}

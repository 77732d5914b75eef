package crashdump

// levelCodes are further stop codes of IRQLs, locks, pool and MDLs.
func levelCodes() []stopCode {
	const (
		memory     = "address that was accessed"
		instructor = "address of the instruction that did it"
	)
	reserved := plain("reserved")
	accessed := [4]param{plain(memory), irql("IRQL at that time"), access("kind of access"), plain(instructor)}
	return []stopCode{
		{
			name:    "IRQL_NOT_DISPATCH_LEVEL",
			meaning: "Something ran at another IRQL than DISPATCH_LEVEL that has to run at it.",
			next:    "what on the stack has raised or lowered the IRQL: a spin lock that was released once too often",
		}, {
			name:    "IRQL_NOT_GREATER_OR_EQUAL",
			meaning: "Something ran at a lower IRQL than it has to.",
			next:    "what on the stack has lowered the IRQL",
		}, {
			name:    "PAGE_FAULT_WITH_INTERRUPTS_OFF",
			meaning: "Memory that was not there was accessed with interrupts off.",
			params:  accessed,
			next:    "the instruction's function: pageable or freed memory used where nothing can be paged in",
			fault:   4,
		}, {
			name:    "IRQL_UNEXPECTED_VALUE",
			meaning: "The processor's IRQL is not what it should be at this place.",
			params: [4]param{{"IRQL there, IRQL expected, and a number for the place", readLevels}, plain("kernel routine of the APC, or the callout or service routine"),
				plain("the APC, or the callout's parameter"), plain("normal routine of the APC")},
			next: "who raised the IRQL and did not lower it again, on some way out of a function",
			same: []int{1},
		}, {
			name:    "DRIVER_CORRUPTED_MMPOOL",
			meaning: "The memory manager's pool was found corrupt at DISPATCH_LEVEL or above, most likely because a driver wrote where it should not.",
			params:  accessed,
			next:    "the module at fault is the victim: run again with special pool of Driver Verifier to meet the culprit",
			fault:   4,
		}, {
			name:    "SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD",
			meaning: "A driver was unloaded without cancelling what it had pending (timers, DPCs, worker threads), which was called at DISPATCH_LEVEL or above.",
			params:  accessed,
			next:    "what the unloaded driver had set going and did not wait for",
		}, {
			name:    "POOL_CORRUPTION_IN_FILE_AREA",
			meaning: "A driver wrote over pool that holds pages of a file on their way to the disk.",
			next:    "writes beyond an allocation or after its release: run again with special pool of Driver Verifier",
		}, {
			name:    "WORKER_THREAD_RETURNED_AT_BAD_IRQL",
			meaning: "A work item's routine returned at a raised IRQL.",
			params:  [4]param{plain("address of the routine"), irql("IRQL it returned at"), plain("parameter of the work item"), plain("work item")},
			next:    "a spin lock that the routine does not release on some way out",
			fault:   1,
		}, {
			name:    "DRIVER_RETURNED_HOLDING_CANCEL_LOCK",
			meaning: "A driver's cancel routine returned with the cancel spin lock held.",
			params:  [4]param{plain("the IRP"), plain("address of the cancel routine"), reserved, reserved},
			next:    "IoReleaseCancelSpinLock on every way out of the cancel routine",
		}, {
			name:    "INVALID_MDL_RANGE",
			meaning: "IoBuildPartialMdl was asked for a range that is not in the source MDL.",
			params:  [4]param{plain("source MDL"), plain("target MDL"), plain("start of the range"), plain("bytes of the range")},
			next:    "the offsets and lengths that a driver takes out of a WSK_BUF or a NET_BUFFER",
		}, {
			name:    "KERNEL_LOCK_ENTRY_LEAKED_ON_THREAD_TERMINATION",
			meaning: "A thread ended with a lock that it had not released.",
			params:  [4]param{plain("thread"), plain("entry of the lock"), oneOf("state of the entry", map[uint64]string{1: "it still has its lock", 2: "its thread's reserved bits are set", 3: "its thread is corrupt", 4: "it still has a boost"}), reserved},
			next:    "the lock that the thread's routine does not release on some way out",
		}, {
			name:    "KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE",
			meaning: "A lock was released by a thread that does not own it.",
			params:  [4]param{plain("thread"), plain("address of the lock"), plain("session"), reserved},
			next:    "acquire and release on different threads, or a release too many",
		}, {
			name:    "KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL",
			meaning: "A lock on which threads wait was acquired at DISPATCH_LEVEL or above.",
			params:  [4]param{plain("thread"), plain("address of the lock"), irql("IRQL at that time"), reserved},
			next:    "a mutex, a resource or a push lock that is taken under a spin lock, in a completion routine or a WSK callback",
		},
	}
}

// readLevels reads parameter 1 of 0xC8: the IRQL in bits 16 to 23, the expected one in bits 8 to 15.
func readLevels(v uint64) string {
	if v>>24 != 0 {
		return ""
	}
	is, expected := readIRQL(v>>16), readIRQL(v>>8&0xff)
	if is == "" || expected == "" {
		return ""
	}
	return is + ", not " + expected
}

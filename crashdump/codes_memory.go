package crashdump

// memoryCodes are the stop codes of bad memory accesses, exceptions and pool.
func memoryCodes() []stopCode {
	const (
		memory     = "address that was accessed"
		instructor = "address of the instruction that did it"
	)
	specialAccess := oneOf("kind of access", map[uint64]string{0: "read", 1: "write", 2: "write", 8: "execute", 0x10: "execute"})
	exceptionParams := [4]param{status("exception code"), plain("address of the instruction that raised it"), plain("exception record"), plain("context record")}
	return []stopCode{
		{
			name:    "IRQL_NOT_LESS_OR_EQUAL",
			meaning: "The kernel, often on a driver's behalf, accessed pageable or invalid memory at DISPATCH_LEVEL or above.",
			params:  [4]param{plain(memory), irql("IRQL at that time"), access("kind of access"), plain(instructor)},
			next:    "the caller on the stack: a freed or uninitialised object that a driver gave to the kernel, or pageable memory used under a spin lock or in a completion routine",
			fault:   4,
		}, {
			name:    "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
			meaning: "A driver accessed pageable or invalid memory at DISPATCH_LEVEL or above.",
			params:  [4]param{plain(memory), irql("IRQL at that time"), access("kind of access"), plain(instructor)},
			next:    "the source line at the faulting module's offset; a small address is a null pointer with a field's offset, any other perhaps freed memory or pageable data or code",
			fault:   4,
		}, {
			name:    "PAGE_FAULT_IN_NONPAGED_AREA",
			meaning: "Memory that does not exist was accessed, where no page fault can be resolved.",
			params: [4]param{
				plain(memory),
				oneOf("kind of access (on x64)", map[uint64]string{0: "read", 1: "write", 2: "write", 8: "execute", 0x10: "execute"}),
				plain("address of the instruction that did it, if known"), plain("kind of the fault, for the memory manager"),
			},
			next:  "whether the address lies in something that was freed before; special pool of Driver Verifier catches the moment itself",
			fault: 3,
		}, {
			name:    "KMODE_EXCEPTION_NOT_HANDLED",
			meaning: "Kernel code raised an exception that nothing handled.",
			params: [4]param{
				status("exception code"), plain("address of the instruction that raised it"),
				plain("first parameter of the exception; of an access violation the kind of access"), plain("second parameter of the exception; of an access violation the address"),
			},
			next:  "the source line at the faulting module's offset",
			fault: 2,
		}, {
			name:    "SYSTEM_SERVICE_EXCEPTION",
			meaning: "An exception was raised while the kernel served a system call, such as an IOCTL that a driver handles in its caller's context.",
			params:  [4]param{status("exception code"), plain("address of the instruction that raised it"), plain("context record"), plain("zero")},
			next:    "the IOCTL or call under way, and how the driver checked the buffers that it was given",
			fault:   2,
		}, {
			name:    "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
			meaning: "A system thread, such as a driver's own thread or a work item, raised an exception that nothing handled.",
			params:  exceptionParams,
			next:    "the source line at the faulting module's offset; the thread's start routine says whose thread it was",
			fault:   2,
		}, {
			name:    "UNEXPECTED_KERNEL_MODE_TRAP",
			meaning: "The processor raised a trap that the kernel may not or can not handle.",
			params: [4]param{oneOf("trap number", map[uint64]string{
				0: "divide error", 4: "overflow", 5: "bounds check", 6: "invalid opcode", 8: "double fault", 0xc: "stack fault", 0xd: "general protection fault",
			}), plain("for the kernel"), plain("for the kernel"), plain("for the kernel")},
			next: "of a double fault: whether the kernel stack has run out, by recursion or large local variables",
			same: []int{1},
		}, {
			name:    "KERNEL_MODE_EXCEPTION_NOT_HANDLED",
			meaning: "Kernel code raised an exception that its handlers did not handle.",
			params:  [4]param{status("exception code"), plain("address of the instruction that raised it"), plain("trap frame"), plain("reserved")},
			next:    "the source line at the faulting module's offset",
			fault:   2,
		}, {
			name:    "ATTEMPTED_WRITE_TO_READONLY_MEMORY",
			meaning: "A driver wrote to memory that is read-only, such as its own code or constants.",
			params:  [4]param{plain("address that was written to"), plain("page table entry"), plain("reserved"), plain("reserved")},
			next:    "a write through a pointer to a constant or to a function",
		}, {
			name:    "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY",
			meaning: "A driver jumped to memory that is not code.",
			params:  [4]param{plain("address that was jumped to"), plain("page table entry"), plain("reserved"), plain("reserved")},
			next:    "a callback pointer that was overwritten, or a call into a driver that has been unloaded",
		}, {
			name:    "BAD_POOL_HEADER",
			meaning: "The header of a pool block is corrupt.",
			params:  [4]param{plain("kind of the corruption"), plain("depends on parameter 1"), plain("depends on parameter 1"), plain("depends on parameter 1")},
			next:    "writes beyond an allocation or after its release: run again with special pool of Driver Verifier",
			same:    []int{1},
		}, {
			name:    "MEMORY_MANAGEMENT",
			meaning: "The memory manager found its structures corrupt.",
			params:  [4]param{plain("kind of the corruption"), plain("depends on parameter 1"), plain("depends on parameter 1"), plain("depends on parameter 1")},
			next:    "MDLs that were unlocked twice or used after their release; else the memory of the machine",
			same:    []int{1},
		}, {
			name:    "PFN_LIST_CORRUPT",
			meaning: "The list of page frames is corrupt, mostly because a driver handed in a bad MDL.",
			params:  [4]param{plain("kind of the corruption"), plain("depends on parameter 1"), plain("depends on parameter 1"), plain("depends on parameter 1")},
			next:    "MmProbeAndLockPages and MmUnlockPages that don't come in pairs, or IoFreeMdl of pages still locked",
			same:    []int{1},
			subcode: map[uint64]sub{
				7:    {"a page was unlocked more often than locked: MmUnlockPages twice for one MDL", [3]param{plain("page frame"), plain("share count"), plain("zero")}},
				0x9A: {"a page was freed that is still locked for I/O", [3]param{plain("page frame"), plain("state of the page"), plain("references to it")}},
			},
		}, {
			name:    "BAD_POOL_CALLER",
			meaning: "A driver asked for or freed pool in a way that is not allowed.",
			params:  violation(),
			next:    "the caller of the pool routine on the stack; Driver Verifier's pool tracking names it",
			same:    []int{1},
			subcode: badPoolCalls(),
		}, {
			name:    "DRIVER_CORRUPTED_EXPOOL",
			meaning: "The pool's own structures were found corrupt at DISPATCH_LEVEL or above, most likely because a driver wrote where it should not.",
			params:  [4]param{plain(memory), irql("IRQL at that time"), access("kind of access"), plain(instructor)},
			next:    "the module at fault is the victim, mostly the kernel: run again with special pool of Driver Verifier to meet the culprit",
			fault:   4,
		}, {
			name:    "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
			meaning: "Pool that had been freed was accessed; special pool caught it in the act.",
			params:  [4]param{plain(memory), specialAccess, plain("address of the instruction that did it, if known"), plain("for the memory manager")},
			next:    "who freed the object, and why somebody still had a pointer to it",
			fault:   3,
		}, {
			name:    "PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
			meaning: "Memory beyond the end of a pool block was accessed; special pool caught it in the act.",
			params:  [4]param{plain(memory), specialAccess, plain("address of the instruction that did it, if known"), plain("for the memory manager")},
			next:    "the length that the instruction trusted",
			fault:   3,
		}, {
			name:    "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL",
			meaning: "A driver accessed pool that it had freed; special pool caught it in the act.",
			params:  [4]param{plain(memory), specialAccess, plain("address of the instruction that did it, if known"), plain("for the memory manager")},
			next:    "the source line at the faulting module's offset, and where that object is freed",
			fault:   3,
		}, {
			name:    "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
			meaning: "A driver accessed memory beyond the end of a pool block; special pool caught it in the act.",
			params:  [4]param{plain(memory), specialAccess, plain("address of the instruction that did it, if known"), plain("for the memory manager")},
			next:    "the length that the instruction at the faulting module's offset trusted",
			fault:   3,
		}, {
			name:    "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
			meaning: "A driver was unloaded while something still ran in it or called it: a timer, a DPC, a thread, a callback.",
			params:  [4]param{plain(memory), specialAccess, plain("address of the instruction that did it, if known"), plain("for the memory manager")},
			next:    "what the driver had outstanding at unload; of a WSK client: WskDeregister not called or not waited for, a socket not closed, an IRP with a completion routine in flight",
			fault:   3,
		}, {
			name:    "DRIVER_PORTION_MUST_BE_NONPAGED",
			meaning: "A driver accessed a pageable part of itself at DISPATCH_LEVEL or above.",
			params:  [4]param{plain(memory), irql("IRQL at that time"), access("kind of access"), plain(instructor)},
			next:    "the code or data of that address: it is in a PAGE section, but used at a raised IRQL",
			fault:   4,
		},
	}
}

// badPoolCalls are parameter 1 of 0xC2.
func badPoolCalls() map[uint64]sub {
	const freed = "pool was freed that had been freed already"
	return map[uint64]sub{
		0x00: {"zero bytes were asked for", [3]param{plain("zero"), poolType("pool type"), plain("pool tag")}},
		0x01: {text: "the header of the pool block is corrupt"},
		0x02: {text: "the header of the pool block is corrupt"},
		0x04: {text: "the header of the pool block is corrupt"},
		0x06: {freed, [3]param{plain("reserved"), plain("pool header"), plain("contents of the pool header")}},
		0x07: {freed, [3]param{plain("reserved"), plain("contents of the pool header"), plain("block that was freed")}},
		0x08: {"pool was asked for at an IRQL at which that type may not be", [3]param{irql("IRQL at that time"), poolType("pool type"), plain("bytes asked for")}},
		0x09: {"pool was freed at an IRQL at which that type may not be", [3]param{irql("IRQL at that time"), poolType("pool type"), plain("block that was freed")}},
		0x0A: {"pool was freed with a tag that is not the one it was allocated with", [3]param{plain("block that was freed"), plain("tag of the allocation"), plain("tag of the attempt")}},
		0x40: {"an address of user mode was freed as pool", [3]param{plain("address"), plain("start of the system's addresses"), plain("zero")}},
		0x46: {"an address was freed that is none of the pool's", [3]param{plain("address"), plain("zero"), plain("zero")}},
		0x99: {"an address was freed that is none of the pool's, or whose header is corrupt", [3]param{plain("address"), plain("zero"), plain("zero")}},
		0x9B: {"pool was asked for with a tag of zero", [3]param{poolType("pool type"), plain("bytes asked for"), plain("address of the caller")}},
	}
}

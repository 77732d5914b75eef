package crashdump

// verifierCodes are the stop codes of Driver Verifier.
func verifierCodes() []stopCode {
	return []stopCode{
		{
			name:    "DRIVER_VERIFIER_DETECTED_VIOLATION",
			meaning: "Driver Verifier saw a driver break a rule.",
			params:  violation(),
			next:    "the caller on the stack; `!verifier` and, of rules, `!ruleinfo` in WinDbg",
			subcode: verifierViolations(),
			same:    []int{1},
		}, {
			name:    "DRIVER_VERIFIER_DETECTED_VIOLATION_LIVEDUMP",
			meaning: "Driver Verifier saw a driver break a rule, and had a dump of the running system written; nothing has crashed.",
			params:  violation(),
			next:    "the caller on the stack; `!verifier` and, of rules, `!ruleinfo` in WinDbg",
			subcode: verifierViolations(),
			same:    []int{1},
		}, {
			name:    "DRIVER_VERIFIER_DMA_VIOLATION",
			meaning: "Driver Verifier saw a driver misuse DMA.",
			params:  violation(),
			next:    "the driver on the stack, and its adapter: `!dma` in WinDbg",
			same:    []int{1},
		}, {
			name:    "DRIVER_VIOLATION",
			meaning: "A driver broke a rule.",
			params:  violation(),
			next:    "the driver on the stack",
			same:    []int{1},
		}, {
			name:    "DRIVER_VERIFIER_IOMANAGER_VIOLATION",
			meaning: "Driver Verifier saw a driver misuse the I/O manager: an IRP, a device or a completion.",
			params:  [4]param{plain("kind of the violation"), plain("from kind 0x200 on: address in the driver where it was seen"), plain("depends on parameter 1, mostly the IRP"), plain("depends on parameter 1")},
			next:    "the dispatch or completion routine at that address, and the IRP with `!irp` in WinDbg",
			subcode: irpViolations(),
			fault:   2, faultFrom: 0x200,
			same: []int{1},
		}, {
			name:    "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
			meaning: "A driver wrote around a block of special pool; it was seen when the block was freed.",
			params:  [4]param{plain("block that was freed"), plain("depends on parameter 4"), plain("depends on parameter 4"), plain("kind of the corruption")},
			next:    "the bytes before and after the block, and who writes that pattern",
			same:    []int{4},
		}, {
			name:    "DRIVER_CAUGHT_MODIFYING_FREED_POOL",
			meaning: "A driver accessed pool that had been freed.",
			params:  [4]param{plain("address that was accessed"), access("kind of access"), oneOf("mode", map[uint64]string{0: "kernel", 1: "user"}), plain("for the memory manager")},
			next:    "the stack: whose pointer it was, and who had freed the block",
		},
	}
}

// verifierViolations are the values of parameter 1 of 0xC4 that network drivers meet.
func verifierViolations() map[uint64]sub {
	level, lock, mdl := irql("IRQL at that time"), plain("spin lock"), plain("MDL")
	zero, none, reserved := plain("zero"), param{}, plain("reserved")
	freed := "pool was freed that had been freed already"
	beyond := "pool was freed, and the driver had written beyond its end"
	return map[uint64]sub{
		0x00: {"zero bytes of pool were asked for", [3]param{level, poolType("pool type"), none}},
		0x01: {"paged pool was asked for above APC_LEVEL", [3]param{level, poolType("pool type"), plain("bytes asked for")}},
		0x02: {"nonpaged pool was asked for above DISPATCH_LEVEL", [3]param{level, poolType("pool type"), plain("bytes asked for")}},
		0x10: {"an address was freed that no allocation had given", [3]param{plain("address"), zero, zero}},
		0x11: {"paged pool was freed above APC_LEVEL", [3]param{level, poolType("pool type"), plain("block that was freed")}},
		0x12: {"nonpaged pool was freed above DISPATCH_LEVEL", [3]param{level, poolType("pool type"), plain("block that was freed")}},
		0x13: {freed, [3]param{reserved, plain("pool header"), plain("contents of the pool header")}},
		0x14: {freed, [3]param{reserved, plain("pool header"), plain("contents of the pool header")}},
		0x16: {"pool was freed at a bad address, or a memory routine was given a bad parameter", [3]param{reserved, plain("address"), zero}},
		0x30: {"KeRaiseIrql was to lower the IRQL, or to raise it beyond HIGH_LEVEL", [3]param{level, irql("IRQL asked for"), zero}},
		0x31: {"KeLowerIrql was to raise the IRQL", [3]param{level, irql("IRQL asked for"), none}},
		0x32: {"KeReleaseSpinLock was not called at DISPATCH_LEVEL: perhaps the lock was released twice", [3]param{level, lock, zero}},
		0x33: {"a fast mutex was acquired above APC_LEVEL", [3]param{level, plain("fast mutex"), zero}},
		0x34: {"a fast mutex was released at an IRQL other than APC_LEVEL", [3]param{level, plain("fast mutex"), zero}},
		0x37: {"a resource was acquired with APCs enabled", [3]param{level, plain("how often APCs are disabled"), plain("resource")}},
		0x38: {"a resource was released with APCs enabled", [3]param{level, plain("how often APCs are disabled"), plain("resource")}},
		0x3C: {"ObReferenceObjectByHandle was given a bad handle", [3]param{plain("handle"), plain("object type"), zero}},
		0x3E: {"KeLeaveCriticalRegion without a critical region", [3]param{zero, zero, zero}},
		0x3F: {"an object without references was referenced or dereferenced", [3]param{plain("object"), plain("new number of references"), zero}},
		0x40: {"KeAcquireSpinLockAtDpcLevel below DISPATCH_LEVEL", [3]param{level, lock, zero}},
		0x41: {"KeReleaseSpinLockFromDpcLevel below DISPATCH_LEVEL", [3]param{level, lock, zero}},
		0x42: {"KeAcquireSpinLock above DISPATCH_LEVEL", [3]param{level, lock, zero}},
		0x51: {beyond, [3]param{plain("block"), plain("address beyond it that was written to"), plain("bytes of the block")}},
		0x52: {beyond, [3]param{plain("block"), reserved, plain("bytes of the block")}},
		0x53: {beyond, [3]param{plain("block"), reserved, reserved}},
		0x54: {beyond, [3]param{plain("block"), reserved, reserved}},
		0x60: {"the driver was unloaded without freeing all of its pool", [3]param{plain("bytes of paged pool"), plain("bytes of nonpaged pool"), plain("number of blocks")}},
		0x61: {"a thread of the driver asked for pool while the driver was being unloaded", [3]param{plain("bytes of paged pool"), plain("bytes of nonpaged pool"), plain("number of blocks")}},
		0x62: {"the driver was unloaded without freeing all of its pool", [3]param{plain("name of the driver"), reserved, plain("number of blocks")}},
		0x70: {"MmProbeAndLockPages above DISPATCH_LEVEL", [3]param{level, mdl, oneOf("mode", map[uint64]string{0: "kernel", 1: "user"})}},
		0x78: {"MmUnlockPages above DISPATCH_LEVEL", [3]param{level, mdl, zero}},
		0x7C: {"MmUnlockPages of pages that were never locked", [3]param{mdl, plain("flags of the MDL"), zero}},
		0x7D: {"MmUnlockPages of pages of nonpaged pool, which are never to be unlocked", [3]param{mdl, plain("flags of the MDL"), zero}},
		0x7F: {"MmBuildMdlForNonPagedPool of pages of paged pool", [3]param{level, mdl, plain("flags of the MDL")}},
		0x80: {"KeSetEvent above DISPATCH_LEVEL", [3]param{level, plain("event"), zero}},
		0xB0: {"MmProbeAndLockPages of an MDL with wrong flags, such as one of nonpaged pool", [3]param{mdl, plain("flags of the MDL"), plain("the wrong ones")}},
	}
}

// irpViolations are the values of parameter 1 of 0xC9 that a driver with IRPs of its own meets, as one
// that uses WSK is.
func irpViolations() map[uint64]sub {
	irp, zero := plain("the IRP"), plain("zero")
	return map[uint64]sub{
		0x01:  {"something was freed as an IRP that is none", [3]param{irp, zero, zero}},
		0x02:  {"an IRP was freed that still belongs to a thread", [3]param{irp, zero, zero}},
		0x03:  {"IoCallDriver was given something that is no IRP", [3]param{irp, zero, zero}},
		0x05:  {"a dispatch routine returned at another IRQL than it was called at", [3]param{plain("device object of the driver"), irql("IRQL before"), irql("IRQL after")}},
		0x06:  {"an IRP was completed with STATUS_PENDING or -1", [3]param{plain("status"), irp, zero}},
		0x07:  {"an IRP was completed with its cancel routine still set", [3]param{plain("address of the cancel routine"), irp, zero}},
		0x0C:  {"an I/O status block was on a stack that has unwound", [3]param{plain("I/O status block"), zero, zero}},
		0x0D:  {"an event was on a stack that has unwound", [3]param{plain("event"), zero, zero}},
		0x0E:  {"IoCompleteRequest above DISPATCH_LEVEL", [3]param{irql("IRQL at that time"), irp, zero}},
		0x10:  {text: "IoCallDriver above DISPATCH_LEVEL", params: [3]param{0: irql("IRQL at that time")}},
		0x203: {text: "an IRP was sent on with its cancel routine still set"},
		0x208: {text: "an IRP runs out of stack locations"},
		0x20A: {text: "an IRP was freed that is still in use"},
		0x20B: {text: "an IRP was freed that is still in use"},
		0x20C: {text: "an IRP was freed that is still queued to a thread"},
		0x20D: {text: "IoInitializeIrp of an IRP that IoAllocateIrp had made: IoReuseIrp is for that"},
	}
}

package crashdump

// watchdogCodes are the stop codes of power and of watchdogs: something that took too long.
func watchdogCodes() []stopCode {
	reserved, byKind := plain("reserved"), plain("depends on parameter 1")
	byClient := plain("depends on parameter 2")
	clients := oneOf("kind of component", map[uint64]string{1: "a notification client", 2: "a resiliency client", 3: "an activator", 0x100: "the display, to be turned on"})
	standby := [4]param{plain("number of the component"), clients, byClient, byClient}
	return []stopCode{
		{
			name:    "INTERNAL_POWER_ERROR",
			meaning: "The power manager met an error that it can't go on with.",
			params:  [4]param{plain("kind of the error"), byKind, byKind, byKind},
			next:    "the device or driver that parameters 2 to 4 name, where they do; of hibernation, the disk",
			subcode: powerErrors(),
			same:    []int{1},
		}, {
			name:    "DPC_WATCHDOG_TIMEOUT",
			meaning: "A processor did not serve the DPC of the watchdog in time: it is stuck at DISPATCH_LEVEL or above.",
			params:  [4]param{plain("time limit in clock ticks"), plain("PRCB of the stuck processor"), reserved, reserved},
			next:    "what the stuck processor was doing: a loop or a wait under a spin lock or in a DPC",
		}, {
			name:    "PDC_WATCHDOG_TIMEOUT",
			meaning: "A component did not answer in time when the system was to leave connected standby.",
			params:  standby,
			next:    "the component that parameters 1 and 3 name; parameter 4 is a pdc!PDC_14F_TRIAGE",
			same:    []int{1, 2},
		}, {
			name:    "PDC_WATCHDOG_TIMEOUT_LIVEDUMP",
			meaning: "A component did not answer in time for connected standby; a dump of the running system was written, and nothing has crashed.",
			params:  standby,
			next:    "the component that parameters 1 and 3 name",
			same:    []int{1, 2},
		}, {
			name:    "CALL_HAS_NOT_RETURNED_WATCHDOG_TIMEOUT_LIVEDUMP",
			meaning: "A call within the kernel did not return in time; a dump of the running system was written, and nothing has crashed.",
			next:    "the thread that is in the call, and what it waits for",
		}, {
			name:    "MANUALLY_INITIATED_POWER_BUTTON_HOLD",
			meaning: "Somebody held the power button until the system ended.",
			next:    "why a dump was wanted: a hang, for which see what each processor and thread was doing",
		}, {
			name:    "SYNTHETIC_WATCHDOG_TIMEOUT",
			meaning: "The system made no progress for longer than a watchdog of its hypervisor allows.",
			next:    "the load of the host, before what each processor of the guest was doing",
		}, {
			name:    "HARDWARE_WATCHDOG_TIMEOUT",
			meaning: "A watchdog of the hardware was not served in time.",
			next:    "what each processor was doing",
		}, {
			name:    "DRIVER_PNP_WATCHDOG",
			meaning: "A driver did not complete a Plug and Play operation in time.",
			params:  [4]param{{"first characters of the name of the device's service", readName}, plain("nt!TRIAGE_PNP_WATCHDOG, of newer systems"), plain("thread that is in the operation"), reserved},
			next:    "that thread's stack, and what it waits for: a start, stop or removal that waits for its own callbacks",
		}, {
			name:    "IPI_WATCHDOG_TIMEOUT",
			meaning: "A processor did not answer an interrupt of another one in time.",
			next:    "the processor that does not answer: interrupts that are off for too long; under a hypervisor also the load of the host",
		}, {
			name:    "CRASHDUMP_WATCHDOG_TIMEOUT",
			meaning: "The dump of a crash was not written in time.",
			next:    "the disk of the machine, and the crash itself, of which the event log may have the code",
		},
	}
}

// powerErrors are the values of parameter 1 of 0xA0 that a driver can cause.
func powerErrors() map[uint64]sub {
	reserved, device, irp := plain("reserved"), plain("device object"), plain("IRP")
	framework := plain("POP_FX_COMPONENT")
	return map[uint64]sub{
		0x1:   {"a power IRP was handled wrongly", [3]param{plain("kind: 1 too many references, 2 to 4 too many inrush IRPs, 5 an IRP for a device at PASSIVE_LEVEL, 6 no memory"), plain("limit, or device object"), plain("0 for a system's, 1 for a device's IRP, of kind 6")}},
		0x2:   {"a power event could not be handled", [3]param{reserved, reserved, reserved}},
		0x7:   {"an exception that nothing handled", [3]param{reserved, reserved, reserved}},
		0x8:   {"a fatal error in a system power event", [3]param{plain("0x100"), device, plain("POWER_CHANNEL_SUMMARY")}},
		0x9:   {"the hibernation file could not be prepared", [3]param{status("status"), plain("phase"), reserved}},
		0xB:   {"the hibernation file is too small", [3]param{plain("its size"), plain("progress"), plain("what is left to write")}},
		0xC:   {"the drivers that write dumps failed to initialise", [3]param{status("status"), plain("dump stack context"), reserved}},
		0x101: {"an exception in a system power event that nothing handled", [3]param{reserved, plain("exception pointers"), reserved}},
		0x108: {"the hibernation file could not be written", [3]param{reserved, plain("POP_HIBER_CONTEXT"), reserved}},
		0x200: {"a device of an unknown kind is checked for being idle", [3]param{reserved, device, plain("DEVICE_OBJECT_POWER_EXTENSION")}},
		0x400: {"a device has too many references", [3]param{reserved, plain("I/O stack location"), device}},
		0x401: {"too many inrush power IRPs are queued", [3]param{reserved, plain("list of them"), device}},
		0x402: {"too many inrush power IRPs are queued", [3]param{reserved, plain("list of them"), device}},
		0x403: {"too many inrush power IRPs are queued", [3]param{reserved, plain("list of them"), device}},
		0x404: {"a power IRP was sent to a device at PASSIVE_LEVEL", [3]param{reserved, plain("I/O stack location"), device}},
		0x500: {"a thermal power IRP came back with an unknown status", [3]param{reserved, irp, device}},
		0x600: {"a driver registered twice with the power framework", [3]param{plain("physical device object"), reserved, reserved}},
		0x606: {"a component was made active, or idle, that was so already", [3]param{framework, plain("its flags"), plain("new condition")}},
		0x608: {"a driver made a component idle that it had not made active", [3]param{framework, plain("its flags"), reserved}},
	}
}

// readName reads up to eight characters that are in a number, the first in its lowest byte.
func readName(v uint64) string {
	var b []byte
	for ; v != 0; v >>= 8 {
		b = append(b, byte(v))
	}
	return printable(string(b))
}

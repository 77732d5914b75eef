package crashdump

// networkCodes are the stop codes of the network stack: NDIS, the Network Module Registrar, netio, WFP, Winsock, HTTP.
func networkCodes() []stopCode {
	reserved, byKind := plain("reserved"), plain("depends on parameter 1")
	const ndis = "the miniport, filter or protocol on the stack; `!ndiskd` in WinDbg"
	return []stopCode{
		{
			name:    "NDIS_INTERNAL_ERROR",
			meaning: "NDIS met an error of its own, or one that a network driver has caused in it.",
			next:    ndis,
		}, {
			name:    "BUGCODE_NDIS_DRIVER",
			meaning: "NDIS saw a network driver break a rule.",
			params:  violation(),
			next:    ndis,
			subcode: ndisViolations(),
			same:    []int{1},
		}, {
			name:    "BUGCODE_ID_DRIVER",
			meaning: "NDIS saw a network driver break a rule (the code of Windows XP and older; 0x7C since).",
			params:  violation(),
			next:    ndis,
			same:    []int{1},
		}, {
			name:    "BUGCODE_NDIS_DRIVER_LIVE_DUMP",
			meaning: "NDIS saw a network driver break a rule, and had a dump of the running system written; nothing has crashed.",
			params:  violation(),
			next:    ndis,
			subcode: ndisViolations(),
			same:    []int{1},
		}, {
			name:    "NMR_INVALID_STATE",
			meaning: "The Network Module Registrar, by which WSK's clients and providers find each other, found a registration or a binding in a state that it can't be in.",
			// The reference has the kinds of 0x124 under parameter 1, which can't be meant.
			params: [4]param{plain("kind of the state"), plain("NMR handle"), plain("type that was expected there, if known"), reserved},
			next:   "the registration of a client or provider: a WSK_REGISTRATION that was registered twice, changed or freed before WskDeregister returned, an NMR handle that was used after NmrDeregisterClient or NmrDeregisterProvider, a detach that was completed twice",
			same:   []int{1},
		}, {
			name:    "NETIO_INVALID_POOL_CALLER",
			meaning: "Something was freed into a pool of netio's, of MDLs or fixed-size blocks, that is not, or no longer, of it.",
			params:  violation(),
			next:    "who frees it: an MDL or NET_BUFFER_LIST of WSK's or NDIS' that its client frees by itself instead of giving it back (WskRelease, FreeNetBufferList), frees twice, or wrote beyond",
			subcode: map[uint64]sub{
				1: {"the pool is in an invalid state", [3]param{plain("block or MDL"), plain("page"), plain("pool of the processor")}},
				2: {"an MDL is in an invalid state", [3]param{plain("MDL"), plain("pool of the processor"), plain("pool header")}},
			},
			same: []int{1},
		}, {
			name:    "NDIS_NET_BUFFER_LIST_INFO_ILLEGALLY_TRANSFERRED",
			meaning: "A driver copied the out-of-band information of a NET_BUFFER_LIST to another one in a way that is not allowed.",
			next:    "the driver that clones or forwards the NET_BUFFER_LIST: NdisCopySendNetBufferListInfo and NdisCopyReceiveNetBufferListInfo are for that",
		}, {
			name:    "TCPIP_AOAC_NIC_ACTIVE_REFERENCE_LEAK",
			meaning: "A reference that keeps a network adapter active was not given back before connected standby.",
			next:    "sockets and transfers that are still open when the system goes into standby",
		}, {
			name:    "WINSOCK_DETECTED_HUNG_CLOSESOCKET_LIVEDUMP",
			meaning: "The transport did not complete the closing of an endpoint in time; a dump of the running system was written, and nothing has crashed.",
			params: [4]param{plain("AFD endpoint"), oneOf("kind of endpoint", map[uint64]string{1: "UDP datagram", 2: "RAW datagram", 3: "TCP listener", 4: "TCP connection"}),
				plain("bytes to send that are still buffered, of datagrams"), plain("afd!NETIO_SUPER_TRIAGE_BLOCK")},
			next: "who holds up the close below: a WFP callout or a filter that keeps data or classifications pending",
			same: []int{2},
		}, {
			name:    "WFP_INVALID_OPERATION",
			meaning: "A callout of the Windows Filtering Platform did what it may not.",
			params:  [4]param{plain("kind of the violation"), reserved, byKind, reserved},
			next:    "the callout driver on the stack, and how it injects",
			subcode: map[uint64]sub{
				1: {"a NET_BUFFER_LIST with several NET_BUFFERs was injected inbound", [3]param{1: plain("NET_BUFFER_LIST")}},
			},
			same: []int{1},
		}, {
			name:    "HTTP_DRIVER_CORRUPTED",
			meaning: "http.sys found its own structures corrupt.",
			params:  [4]param{plain("kind of the corruption"), plain("work item"), plain("name of the source file"), plain("line in it")},
			next:    "a driver that writes into pool of others: run again with special pool of Driver Verifier",
			subcode: map[uint64]sub{1: {text: "a work item is invalid"}},
			same:    []int{1},
		}, {
			name:    "BUGCODE_NETADAPTER_DRIVER",
			meaning: "The framework for network adapters (NetAdapterCx) saw a client driver break a rule.",
			params:  violation(),
			next:    "the client driver's use of the framework: `!netadapterkd` and `!wdfkd.wdflogdump` in WinDbg",
			same:    []int{1},
		}, {
			name:    "BUGCODE_MBBADAPTER_DRIVER",
			meaning: "The framework for mobile broadband adapters saw a client driver break a rule.",
			params:  violation(),
			next:    "the client driver's use of the framework: `!wdfkd.wdflogdump` in WinDbg",
			same:    []int{1},
		}, {
			name:    "BUGCODE_WIFIADAPTER_DRIVER",
			meaning: "The framework for wireless adapters saw a client driver break a rule.",
			params:  violation(),
			next:    "the client driver's use of the framework: `!wdfkd.wdflogdump` in WinDbg",
			same:    []int{1},
		},
	}
}

// ndisViolations are parameter 1 of 0x7C.
func ndisViolations() map[uint64]sub {
	adapter, driver, zero := plain("miniport adapter (`!ndiskd.netadapter`)"), plain("NDIS_M_DRIVER_BLOCK"), plain("zero")
	interrupt := [3]param{adapter, plain("NDIS_MINIPORT_INTERRUPT"), zero}
	timers := [3]param{adapter, plain("queue of its timers (NDIS_MINIPORT_TIMER)"), zero}
	packet := [3]param{adapter, plain("packet descriptor (`!ndiskd.pkt`)"), plain("packet array that it is in")}
	instance := plain("adapter or filter module (`!ndiskd.netadapter`, `!ndiskd.filter`)")
	notes := plain("driver (`!ndiskd.minidriver`, `!ndiskd.filterdriver`)")
	return map[uint64]sub{
		0x01: {"shared memory was asked for at a raised IRQL", [3]param{adapter, plain("bytes asked for"), irql("IRQL at that time")}},
		0x02: {"a page of shared memory that was allocated before is corrupt", [3]param{adapter, plain("page"), plain("NDIS_WRAPPER_CONTEXT")}},
		0x03: {"shared memory was freed that had been freed already", [3]param{adapter, plain("page"), plain("address of the memory")}},
		0x04: {"AddDevice of a driver that NDIS does not know", [3]param{driver, plain("driver object"), zero}},
		0x05: {"a packet was indicated whose descriptor the protocols still use (by its stack location)", packet},
		0x06: {"a packet was indicated whose descriptor the protocols still use (by its references)", packet},
		0x07: {"a packet was indicated whose descriptor the protocols still use (FDDI)", packet},
		0x08: {"a miniport halted with its interrupt registered", interrupt},
		0x09: {"a miniport halted with a timer set", timers},
		0x0A: {"a miniport's driver is unloaded too early", [3]param{driver, plain("driver object"), plain("references to it")}},
		0x0B: {"a miniport failed to initialise and left its interrupt registered", interrupt},
		0x0C: {"a miniport failed to initialise and left a timer set", timers},
		0x0D: {"a miniport that had just been initialised halted with its interrupt registered", interrupt},
		0x0E: {"a miniport that had just been initialised halted with a timer set", timers},
		0x0F: {"NdisMResetComplete without a reset", [3]param{adapter, plain("status of the reset"), plain("AddressingReset")}},
		0x10: {"a miniport failed to initialise after a low-power state and left its interrupt registered", interrupt},
		0x11: {"a miniport failed to initialise after a low-power state and left a timer set", timers},
		0x12: {"a packet was indicated whose descriptor the protocols still use (by its references)", packet},
		0x13: {"a packet was indicated whose descriptor the protocols still use (Token Ring)", packet},
		0x14: {"NdisWaitEvent at an IRQL that does not allow it", [3]param{irql("IRQL at that time"), zero, zero}},
		0x15: {"a driver of NDIS 6 called a function of older drivers", [3]param{adapter, zero, zero}},
		0x16: {"a protocol opened an adapter in a wrong way while binding", [3]param{plain("protocol (`!ndiskd.protocol`)"), plain("NDIS_BIND_CONTEXT"), plain("open handle (`!ndiskd.mopen`)")}},
		0x17: {"NdisIfDeregisterProvider with interfaces left", [3]param{plain("interface provider (`!ndiskd.ifprovider`)"), zero, zero}},
		0x1B: {"an entry of the interface stack table would close a circle", [3]param{plain("HigherLayerIfIndex"), plain("LowerLayerIfIndex"), zero}},
		0x1C: {"a miniport failed an OID request that must succeed", [3]param{adapter, plain("OID"), plain("NDIS_STATUS")}},
		0x1D: {"an OID request was completed with more bytes than its buffer has", [3]param{instance, plain("NDIS_OID_REQUEST (`!ndiskd.oid`)"), zero}},
		0x1E: {"a count of references is wrong", [3]param{zero, plain("NDIS_REFCOUNT_BLOCK (`!ndiskd.ndisref`)"), plain("tag of the reference")}},
		0x1F: {"NdisMPauseComplete or NdisMRestartComplete without a pause or restart", [3]param{oneOf("which", map[uint64]string{1: "pause", 2: "restart"}), adapter, zero}},
		0x20: {"an illegal status indication", [3]param{plain("its type"), instance, plain("its payload")}},
		0x21: {"an object has an illegal NDIS_OBJECT_HEADER", [3]param{notes, plain("object"), zero}},
		0x22: {"an illegal NET_PNP_EVENT_NOTIFICATION", [3]param{notes, plain("NET_PNP_EVENT_NOTIFICATION"), zero}},
		0x23: {"an error in the Packet Direct path", [3]param{plain("kind of it"), byParameter2(), byParameter2()}},
		0x24: {"an internal operation of NDIS failed", [3]param{plain("the operation"), status("status"), zero}},
		0x25: {"a driver took too long over what NDIS had called it for", [3]param{oneOf("the operation", ndisWatchdogs()), plain("NDIS_WATCHDOG_TRIAGE_BLOCK"), plain("event, status or OID that hangs, of such operations")}},
		0x26: {"an OID request was completed that is not pending: twice, perhaps", [3]param{plain("miniport driver (`!ndiskd.minidriver`)"), plain("NDIS_OID_REQUEST"), zero}},
		0x27: {"a driver deregistered or unbound with NET_BUFFER_LISTs that it had not given back", [3]param{plain("where that was seen"), zero, zero}},
	}
}

func byParameter2() param { return plain("depends on parameter 2") }

// ndisWatchdogs are parameter 2 of 0x7C under 0x25.
func ndisWatchdogs() map[uint64]string {
	return map[uint64]string{
		0x01: "pause of a protocol", 0x02: "PnP event of a protocol", 0x03: "status indication to a protocol", 0x04: "unbinding of a protocol",
		0x11: "pause of a filter", 0x12: "PnP event of a filter", 0x13: "status indication to a filter", 0x14: "detach of a filter",
		0x21: "pause of a miniport", 0x22: "halt of a miniport", 0x23: "OID request to a miniport", 0x24: "OID request to a filter",
		0x25: "idling of a miniport", 0x26: "end of a miniport's idling",
	}
}

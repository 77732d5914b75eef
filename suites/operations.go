package suites

import (
	"math"
	"slices"

	"wskharness/driver/abi"
)

// operations is the table of steps. Order is the order of the reference.
func operations() []operation {
	client := argument{name: "client", kind: argClient, required: true,
		doc: "the client, by a name of the case's own"}
	passive := []contextName{atPassive(), atGuard()}
	anywhere := []contextName{atPassive(), atGuard(), atDispatch(), atDPC()}
	here := []contextName{atPassive()}
	npi := []value{
		{name: "version", index: abi.ValueNPIVersion, kind: valueVersion, held: true, parts: true, doc: "Version of the provider's dispatch table"},
		{name: "dispatch_reserved", index: abi.ValueNPIReserved, held: true, doc: "Reserved of the provider's dispatch table"},
		{name: "client_set", index: abi.ValueNPIClientSet, kind: valueBool, held: true, doc: "the NPI's Client is not NULL"},
		{name: "dispatch_set", index: abi.ValueNPIDispatchSet, kind: valueBool, held: true, doc: "the NPI's Dispatch is not NULL"},
		{name: "slots", index: abi.ValueNPISlots, kind: valueSlots, held: true, names: dispatchSlots(), doc: "functions of the provider's dispatch table that must not be NULL"},
		{name: "captures", index: abi.ValueNPICaptures, doc: "captures of this client that are not yet released"},
		{name: "same_client", index: abi.ValueNPISameClient, kind: valueBool, held: true, doc: "Client equals that of this client's capture before (true for the first)"},
		{name: "same_dispatch", index: abi.ValueNPISameDispatch, kind: valueBool, held: true, doc: "Dispatch equals that of this client's capture before (true for the first)"},
		{name: "events", index: abi.ValueNPIEvents, doc: "calls of the client's WskClientEvent so far"},
	}
	thread := []value{
		{name: "thread_status", index: abi.ValueThreadStatus, kind: valueStatus, doc: "what the thread's operation returned"},
		{name: "thread_done", index: abi.ValueThreadDone, kind: valueBool, doc: "the thread's operation has returned"},
		{name: "thread_ns", index: abi.ValueThreadNS, kind: valueTime, doc: "how long the thread's operation took"},
	}
	state := []value{
		{name: "phase", index: abi.ValueStatePhase, kind: valueName, names: phases(), doc: "how far the sample's sub-component has come"},
		{name: "error", index: abi.ValueStateStatus, kind: valueStatus, cause: true, doc: "why the sub-component failed, or STATUS_SUCCESS"},
		{name: "version", index: abi.ValueStateVersion, kind: valueVersion, parts: true, doc: "the WSK version that the sub-component runs with"},
		{name: "negotiated", index: abi.ValueStateNegotiated, kind: valueBool, doc: "it had to register again within the provider's range"},
		{name: "port", index: abi.ValueStatePort, doc: "TCP port of its echo server, 0 when not listening"},
		{name: "accepted", index: abi.ValueStateAccepted, doc: "connections accepted so far"},
		{name: "open", index: abi.ValueStateOpen, doc: "sockets open now, the listener included"},
		{name: "echoed", index: abi.ValueStateBytes, doc: "bytes echoed so far, or on their way back"},
		{name: "npi_held", index: abi.ValueStateNPIHeld, kind: valueBool, doc: "the sub-component holds a capture"},
		{name: "allocations", index: abi.ValueStateAllocations, doc: "pool blocks of the driver that are not yet freed"},
	}
	flag := func(name string, bit uint64, doc string) argument {
		return argument{name: name, kind: argBool, slot: 2, flag: bit, doc: doc}
	}
	nullDispatch := flag("null_dispatch", abi.RegNullDispatch, "register with a NULL dispatch table")
	nullDispatch.misuse = true

	all := []operation{
		{name: "register", code: abi.OpRegister, contexts: passive, thread: true, loop: true,
			doc: "Calls WskRegister for a client.",
			args: []argument{client,
				{name: "version", kind: argVersion, slot: 1, initial: 0x0100, told: "version", doc: "WSK version in the client's dispatch table; 1.0 unless given"},
				flag("event_callback", abi.RegEventCallback, "a non-NULL WskClientEvent, whose calls are counted"),
				flag("context", abi.RegContext, "a non-NULL ClientContext"),
				flag("stack_npi", abi.RegStackNPI, "the WSK_CLIENT_NPI lives on the stack and is overwritten after the call"),
				{name: "block", kind: argName, slot: 2, names: blocks(),
					doc: "the registration block at the call: as WskDeregister left it (of a client that is new in the case: zero, as a driver is loaded), zeroed, or filled with 0xAA; as_left unless given"},
				flag("pool_block", abi.RegPoolBlock, "registration block and dispatch table in nonpaged pool, freed after the deregistration"),
				nullDispatch,
				{name: "reserved", kind: argNumber, slot: 3, max: 0xFFFF, doc: "Reserved of the client's dispatch table; 0 unless given"},
			},
			values: []value{
				{name: "events", index: abi.ValueRegisterEvents, doc: "calls of the client's WskClientEvent so far"},
				{name: "version", index: abi.ValueRegisterVersion, kind: valueVersion, given: true, doc: "WSK version in the client's dispatch table"},
			}},
		{name: "deregister", code: abi.OpDeregister, contexts: passive, guard: guardAlways, thread: true, loop: true,
			doc:  "Calls WskDeregister, on a guard thread unless the step says where.",
			args: []argument{client},
			values: []value{
				{name: "captures", index: abi.ValueDeregisterCaptures, doc: "captures of this client that nobody had begun to release when it returned"},
				{name: "table_kept", index: abi.ValueDeregisterTableKept, kind: valueBool, doc: "the client's dispatch table is as the client filled it in"},
			}},
		{name: "capture", code: abi.OpCapture, contexts: anywhere, guard: guardIfWait, thread: true, loop: true, values: npi,
			doc: "Calls WskCaptureProviderNPI; with a wait, on a guard thread unless the step says where.",
			args: []argument{client,
				{name: "wait", kind: argWait, slot: 1, required: true, doc: "how long to wait for a provider that is not ready: none, infinite, or a duration"}}},
		{name: "release", code: abi.OpRelease, contexts: anywhere, thread: true, loop: true, values: npi,
			doc: "Calls WskReleaseProviderNPI.",
			args: []argument{client,
				{name: "after", kind: argDuration, slot: 1, doc: "a worker of the driver makes the call so much later, whatever happens meanwhile; the step does not wait for it"}}},
		{name: "query", code: abi.OpQuery, contexts: anywhere, thread: true, loop: true,
			doc:  "Calls WskQueryProviderCharacteristics.",
			args: []argument{client},
			values: []value{
				{name: "low", index: abi.ValueQueryLow, kind: valueVersion, doc: "lowest WSK version that the provider offers"},
				{name: "high", index: abi.ValueQueryHigh, kind: valueVersion, doc: "highest WSK version that the provider offers"},
				{name: "between", index: abi.ValueQueryBetween, kind: valueVersion, doc: "a version of that range that is neither, where there is one; else the highest"},
				{name: "below", index: abi.ValueQueryBelow, kind: valueVersion, doc: "the version before the lowest; 255.255 where there is none"},
				{name: "above", index: abi.ValueQueryAbove, kind: valueVersion, doc: "the version after the highest; 0.0 where there is none"},
			}},
		{name: "inspect", code: abi.OpInspect, contexts: here, loop: true, values: npi,
			doc:  "Looks at what a client has captured; WSK is not called.",
			args: []argument{client}},
		{name: "compare", code: abi.OpCompare, contexts: here, loop: true,
			doc:  "Compares what two clients have captured; WSK is not called.",
			args: []argument{{name: "clients", kind: argClients, required: true, doc: "two clients"}},
			values: []value{
				{name: "same_client", index: abi.ValueCompareSameClient, kind: valueBool, doc: "both NPIs have the same Client"},
				{name: "same_dispatch", index: abi.ValueCompareSameDispatch, kind: valueBool, doc: "both NPIs have the same Dispatch"},
			}},
		{name: "blocked", code: abi.OpBlocked, contexts: here, expect: statusTimeout, fixed: true, values: thread,
			doc: "Passes when a thread's operation has not returned for as long as given.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "for", kind: argDuration, slot: 1, required: true, doc: "how long it must stay blocked"}}},
		{name: "join", code: abi.OpJoin, contexts: here, values: thread,
			doc: "Waits for a thread's operation; its status is the step's status. Where the agent performs the operation, what that reports can be checked here, too.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "within", kind: argDuration, slot: 1, initial: 10000, doc: "how long to wait for it; 10s unless given"},
				{name: "out", kind: argPattern, doc: "of a request to a device: the output, as in `ioctl`"},
				{name: "stdout", kind: argOutput, doc: "of a program: what it has to have written, as in `run`"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"}}},
		{name: "sleep", code: abi.OpSleep, contexts: here, loop: true, scalar: "for",
			doc:  "Does nothing for a while; `sleep: 1s` will do.",
			args: []argument{{name: "for", kind: argDuration, required: true, doc: "how long"}}},
		{name: "memory", code: abi.OpMemory, contexts: here,
			doc: "Marks, or measures since the mark, the memory of the process that the driver runs in.",
			args: []argument{
				{name: "mark", kind: argBool, flag: 1, doc: "set the mark that later memory steps measure from"}},
			values: []value{
				{name: "bytes", index: abi.ValueMemoryBytes, kind: valueBytes, doc: "memory in use"},
				{name: "growth", index: abi.ValueMemoryGrowth, kind: valueBytes, doc: "growth since the mark; 0 if it shrank"},
			}},
		{name: "activate", code: abi.OpActivate, contexts: here, loop: true, values: state,
			doc: "Starts the sample's own sub-component: register, capture on its worker, listen, release."},
		{name: "deactivate", code: abi.OpDeactivate, contexts: []contextName{atGuard()}, loop: true, values: state,
			doc: "Stops the sample's own sub-component."},
		{name: "state", code: abi.OpState, contexts: here, loop: true, values: state,
			doc:  "Waits for the sample's own sub-component to settle, and reports on it.",
			args: []argument{{name: "within", kind: argDuration, initial: 10000, doc: "how long to wait until it listens, has failed or is inactive; 10s unless given"}}},
		{name: "provider", code: abi.OpProvider, contexts: here, requires: CapabilityProviderControl,
			doc: "Makes a provider that can be controlled other than it is by default (of the model: ready, versions 1.0 to 1.1, memory for sockets), until the case ends. That is the model, netio: model of a wine target, and one of your own with control: true.",
			args: []argument{
				{name: "ready", kind: argSwitch, off: "not ", doc: "whether it is ready, from now on"},
				{name: "ready_after", kind: argDuration, slot: 1, doc: "it is not ready now, but becomes so after this time"},
				{name: "versions", kind: argVersions, slot: 2, doc: "the lowest and the highest WSK version that it has"},
				{name: "sockets", kind: argSwitch, slot: 4, off: "no ", doc: "whether it has memory for new sockets; WskSocket fails with STATUS_INSUFFICIENT_RESOURCES where not"},
			}},
		{name: "provider_state", code: abi.OpProviderState, contexts: here, requires: CapabilityProviderControl,
			doc: "Asks a provider that can be controlled what it has counted: live things as they are now, calls since the case began.",
			values: []value{
				{name: "registrations", index: abi.ValueProviderRegistrations, doc: "registrations whose WskDeregister has not returned"},
				{name: "captures", index: abi.ValueProviderCaptures, doc: "captures that are not released"},
				{name: "waiters", index: abi.ValueProviderWaiters, doc: "captures that wait for the provider"},
				{name: "sockets", index: abi.ValueProviderSockets, doc: "sockets that are not closed"},
				{name: "busy", index: abi.ValueProviderBusy, doc: "calls of client objects, and their IRPs, that are in progress"},
				{name: "mismatched", index: abi.ValueProviderMismatched, doc: "what a client must not do: a release or a call without a capture, a deregistration without a registration, a close of a socket that is not open, an IRP that is used again and was not made ready"},
				{name: "register_calls", index: abi.ValueProviderRegisterCalls, doc: "successful calls of WskRegister"},
				{name: "deregister_calls", index: abi.ValueProviderDeregisterCalls, doc: "calls of WskDeregister"},
				{name: "capture_calls", index: abi.ValueProviderCaptureCalls, doc: "calls of WskCaptureProviderNPI"},
				{name: "release_calls", index: abi.ValueProviderReleaseCalls, doc: "calls of WskReleaseProviderNPI"},
			}},
		{name: "fault", code: abi.OpFault, contexts: here, misuse: true,
			doc: "Breaks the machine on purpose.",
			args: []argument{
				{name: "kind", kind: argName, required: true, doc: "what to break",
					names: []named{{"write", abi.FaultWrite}, {"bugcheck", abi.FaultBugcheck}, {"hang", abi.FaultHang}}},
				{name: "address", kind: argNumber, slot: 1, max: math.MaxUint64, hex: true, doc: "of kind write: where to write"},
				{name: "code", kind: argNumber, slot: 1, max: math.MaxUint32, hex: true, doc: "of kind bugcheck: the stop code"},
				{name: "parameters", kind: argNumbers, slot: 2, max: math.MaxUint64, hex: true, doc: "of kind bugcheck: up to four parameters"},
				{name: "for", kind: argDuration, slot: 1, doc: "of kind hang: how long"},
			}},
	}
	return slices.Concat(all, socketOperations(client), agentOperations(), genericOperations(), deviceOperations())
}

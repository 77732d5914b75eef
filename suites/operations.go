package suites

import (
	"math"
	"slices"
)

// operations is the table of steps. Order is the order of the reference.
func operations() []operation {
	client := argument{name: "client", kind: argClient, required: true,
		doc: "the client, by a name of the case's own"}
	passive := []contextName{atPassive(), atGuard()}
	anywhere := []contextName{atPassive(), atGuard(), atDispatch(), atDPC()}
	here := []contextName{atPassive()}
	npi := []value{
		{name: "version", index: valueNPIVersion, kind: valueVersion, held: true, parts: true, doc: "Version of the provider's dispatch table"},
		{name: "dispatch_reserved", index: valueNPIReserved, held: true, doc: "Reserved of the provider's dispatch table"},
		{name: "client_set", index: valueNPIClientSet, kind: valueBool, held: true, doc: "the NPI's Client is not NULL"},
		{name: "dispatch_set", index: valueNPIDispatchSet, kind: valueBool, held: true, doc: "the NPI's Dispatch is not NULL"},
		{name: "slots", index: valueNPISlots, kind: valueSlots, held: true, names: dispatchSlots(), doc: "functions of the provider's dispatch table that must not be NULL"},
		{name: "captures", index: valueNPICaptures, doc: "captures of this client that are not yet released"},
		{name: "same_client", index: valueNPISameClient, kind: valueBool, held: true, doc: "Client equals that of this client's capture before (true for the first)"},
		{name: "same_dispatch", index: valueNPISameDispatch, kind: valueBool, held: true, doc: "Dispatch equals that of this client's capture before (true for the first)"},
		{name: "events", index: valueNPIEvents, doc: "calls of the client's WskClientEvent so far"},
	}
	thread := []value{
		{name: "thread_status", index: valueThreadStatus, kind: valueStatus, doc: "what the thread's operation returned"},
		{name: "thread_done", index: valueThreadDone, kind: valueBool, doc: "the thread's operation has returned"},
		{name: "thread_ns", index: valueThreadNS, kind: valueTime, doc: "how long the thread's operation took"},
	}
	state := []value{
		{name: "phase", index: valueStatePhase, kind: valueName, names: phases(), doc: "how far the sample's sub-component has come"},
		{name: "error", index: valueStateStatus, kind: valueStatus, cause: true, doc: "why the sub-component failed, or STATUS_SUCCESS"},
		{name: "version", index: valueStateVersion, kind: valueVersion, parts: true, doc: "the WSK version that the sub-component runs with"},
		{name: "negotiated", index: valueStateNegotiated, kind: valueBool, doc: "it had to register again within the provider's range"},
		{name: "port", index: valueStatePort, doc: "TCP port of its echo server, 0 when not listening"},
		{name: "accepted", index: valueStateAccepted, doc: "connections accepted so far"},
		{name: "open", index: valueStateOpen, doc: "sockets open now, the listener included"},
		{name: "echoed", index: valueStateBytes, doc: "bytes echoed so far, or on their way back"},
		{name: "npi_held", index: valueStateNPIHeld, kind: valueBool, doc: "the sub-component holds a capture"},
		{name: "allocations", index: valueStateAllocations, doc: "pool blocks of the driver that are not yet freed"},
	}
	flag := func(name string, bit uint64, doc string) argument {
		return argument{name: name, kind: argBool, slot: 2, flag: bit, doc: doc}
	}
	nullDispatch := flag("null_dispatch", regNullDispatch, "register with a NULL dispatch table")
	nullDispatch.misuse = true

	all := []operation{
		{name: "register", code: opRegister, contexts: passive, thread: true, loop: true,
			doc: "Calls WskRegister for a client.",
			args: []argument{client,
				{name: "version", kind: argVersion, slot: 1, initial: 0x0100, told: "version", doc: "WSK version in the client's dispatch table; 1.0 unless given"},
				flag("event_callback", regEventCallback, "a non-NULL WskClientEvent, whose calls are counted"),
				flag("context", regContext, "a non-NULL ClientContext"),
				flag("stack_npi", regStackNPI, "the WSK_CLIENT_NPI lives on the stack and is overwritten after the call"),
				{name: "block", kind: argName, slot: 2, names: blocks(),
					doc: "the registration block at the call: as WskDeregister left it (of a client that is new in the case: zero, as a driver is loaded), zeroed, or filled with 0xAA; as_left unless given"},
				flag("pool_block", regPoolBlock, "registration block and dispatch table in nonpaged pool, freed after the deregistration"),
				nullDispatch,
				{name: "reserved", kind: argNumber, slot: 3, max: 0xFFFF, doc: "Reserved of the client's dispatch table; 0 unless given"},
			},
			values: []value{
				{name: "events", index: valueRegisterEvents, doc: "calls of the client's WskClientEvent so far"},
				{name: "version", index: valueRegisterVersion, kind: valueVersion, given: true, doc: "WSK version in the client's dispatch table"},
			}},
		{name: "deregister", code: opDeregister, contexts: passive, guard: guardAlways, thread: true, loop: true,
			doc:  "Calls WskDeregister, on a guard thread unless the step says where.",
			args: []argument{client},
			values: []value{
				{name: "captures", index: valueDeregisterCaptures, doc: "captures of this client that nobody had begun to release when it returned"},
				{name: "table_kept", index: valueDeregisterTableKept, kind: valueBool, doc: "the client's dispatch table is as the client filled it in"},
			}},
		{name: "capture", code: opCapture, contexts: anywhere, guard: guardIfWait, thread: true, loop: true, values: npi,
			doc: "Calls WskCaptureProviderNPI; with a wait, on a guard thread unless the step says where.",
			args: []argument{client,
				{name: "wait", kind: argWait, slot: 1, required: true, doc: "how long to wait for a provider that is not ready: none, infinite, or a duration"}}},
		{name: "release", code: opRelease, contexts: anywhere, thread: true, loop: true, values: npi,
			doc: "Calls WskReleaseProviderNPI.",
			args: []argument{client,
				{name: "after", kind: argDuration, slot: 1, doc: "a worker of the driver makes the call so much later, whatever happens meanwhile; the step does not wait for it"}}},
		{name: "query", code: opQuery, contexts: anywhere, thread: true, loop: true,
			doc:  "Calls WskQueryProviderCharacteristics.",
			args: []argument{client},
			values: []value{
				{name: "low", index: valueQueryLow, kind: valueVersion, doc: "lowest WSK version that the provider offers"},
				{name: "high", index: valueQueryHigh, kind: valueVersion, doc: "highest WSK version that the provider offers"},
				{name: "between", index: valueQueryBetween, kind: valueVersion, doc: "a version of that range that is neither, where there is one; else the highest"},
				{name: "below", index: valueQueryBelow, kind: valueVersion, doc: "the version before the lowest; 255.255 where there is none"},
				{name: "above", index: valueQueryAbove, kind: valueVersion, doc: "the version after the highest; 0.0 where there is none"},
			}},
		{name: "inspect", code: opInspect, contexts: here, loop: true, values: npi,
			doc:  "Looks at what a client has captured; WSK is not called.",
			args: []argument{client}},
		{name: "compare", code: opCompare, contexts: here, loop: true,
			doc:  "Compares what two clients have captured; WSK is not called.",
			args: []argument{{name: "clients", kind: argClients, required: true, doc: "two clients"}},
			values: []value{
				{name: "same_client", index: valueCompareSameClient, kind: valueBool, doc: "both NPIs have the same Client"},
				{name: "same_dispatch", index: valueCompareSameDispatch, kind: valueBool, doc: "both NPIs have the same Dispatch"},
			}},
		{name: "blocked", code: opBlocked, contexts: here, expect: statusTimeout, fixed: true, values: thread,
			doc: "Passes when a thread's operation has not returned for as long as given.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "for", kind: argDuration, slot: 1, required: true, doc: "how long it must stay blocked"}}},
		{name: "join", code: opJoin, contexts: here, values: thread,
			doc: "Waits for a thread's operation; its status is the step's status. Where the agent performs the operation, what that reports can be checked here, too.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "within", kind: argDuration, slot: 1, initial: 10000, doc: "how long to wait for it; 10s unless given"},
				{name: "out", kind: argPattern, doc: "of a request to a device: the output, as in `ioctl`"},
				{name: "stdout", kind: argOutput, doc: "of a program: what it has to have written, as in `run`"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"}}},
		{name: "sleep", code: opSleep, contexts: here, loop: true, scalar: "for",
			doc:  "Does nothing for a while; `sleep: 1s` will do.",
			args: []argument{{name: "for", kind: argDuration, required: true, doc: "how long"}}},
		{name: "memory", code: opMemory, contexts: here,
			doc: "Marks, or measures since the mark, the memory of the process that the driver runs in.",
			args: []argument{
				{name: "mark", kind: argBool, flag: 1, doc: "set the mark that later memory steps measure from"}},
			values: []value{
				{name: "bytes", index: valueMemoryBytes, kind: valueBytes, doc: "memory in use"},
				{name: "growth", index: valueMemoryGrowth, kind: valueBytes, doc: "growth since the mark; 0 if it shrank"},
			}},
		{name: "activate", code: opActivate, contexts: here, loop: true, values: state,
			doc: "Starts the sample's own sub-component: register, capture on its worker, listen, release."},
		{name: "deactivate", code: opDeactivate, contexts: []contextName{atGuard()}, loop: true, values: state,
			doc: "Stops the sample's own sub-component."},
		{name: "state", code: opState, contexts: here, loop: true, values: state,
			doc:  "Waits for the sample's own sub-component to settle, and reports on it.",
			args: []argument{{name: "within", kind: argDuration, initial: 10000, doc: "how long to wait until it listens, has failed or is inactive; 10s unless given"}}},
		{name: "provider", code: opProvider, contexts: here, requires: CapabilityProviderControl,
			doc: "Makes a provider that can be controlled other than it is by default (of the model: ready, versions 1.0 to 1.1, memory for sockets), until the case ends. That is the model, netio: model of a wine target, and one of your own with control: true.",
			args: []argument{
				{name: "ready", kind: argSwitch, off: "not ", doc: "whether it is ready, from now on"},
				{name: "ready_after", kind: argDuration, slot: 1, doc: "it is not ready now, but becomes so after this time"},
				{name: "versions", kind: argVersions, slot: 2, doc: "the lowest and the highest WSK version that it has"},
				{name: "sockets", kind: argSwitch, slot: 4, off: "no ", doc: "whether it has memory for new sockets; WskSocket fails with STATUS_INSUFFICIENT_RESOURCES where not"},
			}},
		{name: "provider_state", code: opProviderState, contexts: here, requires: CapabilityProviderControl,
			doc: "Asks a provider that can be controlled what it has counted: live things as they are now, calls since the case began.",
			values: []value{
				{name: "registrations", index: valueProviderRegistrations, doc: "registrations whose WskDeregister has not returned"},
				{name: "captures", index: valueProviderCaptures, doc: "captures that are not released"},
				{name: "waiters", index: valueProviderWaiters, doc: "captures that wait for the provider"},
				{name: "sockets", index: valueProviderSockets, doc: "sockets that are not closed"},
				{name: "busy", index: valueProviderBusy, doc: "calls of client objects, and their IRPs, that are in progress"},
				{name: "mismatched", index: valueProviderMismatched, doc: "what a client must not do: a release or a call without a capture, a deregistration without a registration, a close of a socket that is not open, an IRP that is used again and was not made ready"},
				{name: "register_calls", index: valueProviderRegisterCalls, doc: "successful calls of WskRegister"},
				{name: "deregister_calls", index: valueProviderDeregisterCalls, doc: "calls of WskDeregister"},
				{name: "capture_calls", index: valueProviderCaptureCalls, doc: "calls of WskCaptureProviderNPI"},
				{name: "release_calls", index: valueProviderReleaseCalls, doc: "calls of WskReleaseProviderNPI"},
			}},
		{name: "fault", code: opFault, contexts: here, misuse: true,
			doc: "Breaks the machine on purpose.",
			args: []argument{
				{name: "kind", kind: argName, required: true, doc: "what to break",
					names: []named{{"write", faultWrite}, {"bugcheck", faultBugcheck}, {"hang", faultHang}}},
				{name: "address", kind: argNumber, slot: 1, max: math.MaxUint64, hex: true, doc: "of kind write: where to write"},
				{name: "code", kind: argNumber, slot: 1, max: math.MaxUint32, hex: true, doc: "of kind bugcheck: the stop code"},
				{name: "parameters", kind: argNumbers, slot: 2, max: math.MaxUint64, hex: true, doc: "of kind bugcheck: up to four parameters"},
				{name: "for", kind: argDuration, slot: 1, doc: "of kind hang: how long"},
			}},
	}
	return slices.Concat(all, socketOperations(client), agentOperations(), genericOperations(), deviceOperations())
}

package suites

import "wskharness/driver/abi"

// clientOperations are the steps that a client of WSK takes: registration, captures, and looks at what is captured.
func clientOperations(client argument) []operation {
	passive := []contextName{atPassive(), atGuard()}
	anywhere := []contextName{atPassive(), atGuard(), atDispatch(), atDPC()}
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
	flag := func(name string, bit uint64, doc string) argument {
		return argument{name: name, kind: argBool, slot: 2, flag: bit, doc: doc}
	}
	nullDispatch := flag("null_dispatch", abi.RegNullDispatch, "register with a NULL dispatch table")
	nullDispatch.misuse = true

	return []operation{
		{name: "register", code: abi.OpRegister, client: (*caseParser).register, settle: (*caseParser).settleRegister, contexts: passive, thread: true, loop: true,
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
		{name: "deregister", code: abi.OpDeregister, client: (*caseParser).deregister, contexts: passive, guard: guardAlways, thread: true, loop: true,
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
		{name: "inspect", code: abi.OpInspect, loop: true, values: npi,
			doc:  "Looks at what a client has captured; WSK is not called.",
			args: []argument{client}},
		{name: "compare", code: abi.OpCompare, loop: true,
			doc:  "Compares what two clients have captured; WSK is not called.",
			args: []argument{{name: "clients", kind: argClients, required: true, doc: "two clients"}},
			values: []value{
				{name: "same_client", index: abi.ValueCompareSameClient, kind: valueBool, doc: "both NPIs have the same Client"},
				{name: "same_dispatch", index: abi.ValueCompareSameDispatch, kind: valueBool, doc: "both NPIs have the same Dispatch"},
			}},
	}
}

// dispatchSlots are the functions of WSK_PROVIDER_DISPATCH in order (WSK_PROVIDER_DISPATCH in the
// WDK reference); the last three came with Windows 7.
func dispatchSlots() []named {
	return []named{
		{"WskSocket", 1 << 0},
		{"WskSocketConnect", 1 << 1},
		{"WskControlClient", 1 << 2},
		{"WskGetAddressInfo", 1 << 3},
		{"WskFreeAddressInfo", 1 << 4},
		{"WskGetNameInfo", 1 << 5},
	}
}

// blocks are the states in which a registration block is handed to WskRegister.
func blocks() []named {
	return []named{{"as_left", 0}, {"zeroed", abi.RegZeroedBlock}, {"filled", abi.RegFilledBlock}}
}

func (p *caseParser) register(name string, at *node, s *Step) uint64 {
	use := p.client(name, at)
	if use.state == registered && !s.Misuse {
		p.r.At(at, "a deregister before it, or misuse: true", "client %q is already registered, on line %d", name, use.at.Line)
	}
	use.state, use.at = registered, at
	if l := p.loop; l != nil {
		if l.parallel > 1 && l.shared && !l.ended[name] {
			p.r.At(at, "a register before the loop, or a loop that is not shared", "every thread of the loop would register client %q", name)
		}
		l.registered[name] = true
	}
	return uint64(use.index)
}

// settleRegister forgets what is certain of a client whose registration may have failed.
func (p *caseParser) settleRegister(s *Step) {
	if use := p.clients[s.client]; use != nil && !s.succeeds() {
		use.state = maybeRegistered
	}
}

func (p *caseParser) deregister(name string, at *node, s *Step) uint64 {
	index := p.use(name, at, s)
	use := p.clients[name]
	if l := p.loop; l != nil && l.parallel > 1 && l.shared && !s.Yields {
		p.r.At(at, "next_on: refused, for all threads but one, and a register after it", "client %q is shared by the threads of the loop", name)
		use.state = maybeRegistered
		return index
	}
	if use.state == deregistered && !s.Misuse {
		p.r.At(at, "a register before it, or misuse: true", "client %q is already deregistered", name)
	}
	use.state = deregistered
	if p.loop != nil {
		p.loop.ended[name] = true
	}
	return index
}

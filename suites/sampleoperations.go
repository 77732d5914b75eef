package suites

import "wskharness/driver/abi"

// sampleOperations are the steps about what the sample does by itself, as a driver that uses WSK, and about its memory.
func sampleOperations() []operation {
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
	return []operation{
		{name: "memory", code: abi.OpMemory,
			doc: "Marks, or measures since the mark, the memory of the process that the driver runs in.",
			args: []argument{
				{name: "mark", kind: argBool, flag: 1, doc: "set the mark that later memory steps measure from"}},
			values: []value{
				{name: "bytes", index: abi.ValueMemoryBytes, kind: valueBytes, doc: "memory in use"},
				{name: "growth", index: abi.ValueMemoryGrowth, kind: valueBytes, doc: "growth since the mark; 0 if it shrank"},
			}},
		{name: "activate", code: abi.OpActivate, loop: true, values: state,
			doc: "Starts the sample's own sub-component: register, capture on its worker, listen, release."},
		{name: "deactivate", code: abi.OpDeactivate, contexts: []contextName{atGuard()}, loop: true, values: state,
			doc: "Stops the sample's own sub-component."},
		{name: "state", code: abi.OpState, loop: true, values: state,
			doc:  "Waits for the sample's own sub-component to settle, and reports on it.",
			args: []argument{{name: "within", kind: argDuration, initial: 10000, doc: "how long to wait until it listens, has failed or is inactive; 10s unless given"}}},
	}
}

func phases() []named {
	return []named{
		{"inactive", abi.PhaseInactive},
		{"starting", abi.PhaseStarting},
		{"listening", abi.PhaseListening},
		{"failed", abi.PhaseFailed},
		{"stopping", abi.PhaseStopping},
	}
}

// echoOperations is the step that talks to the sample from user mode.
func echoOperations() []operation {
	return []operation{
		agentOperation(operation{name: "echo", code: abi.PlanOpEcho, thread: true, always: true, needs: true, read: (*caseParser).echo, sample: sampleOnly,
			doc: "Connects to the sample's echo server from user mode, sends, and compares what comes back.",
			args: []argument{
				{name: "bytes", kind: argNumber, initial: 64, max: abi.PlanEchoBytes, doc: "in a round, on each connection; 64 unless given"},
				{name: "connections", kind: argNumber, slot: 1, initial: 1, max: abi.PlanEchoConnections, doc: "how many, side by side; 1 unless given"},
				{name: "until_closed", kind: argBool, slot: 2, flag: abi.PlanEchoUntilClosed, doc: "go on until the server has closed every connection; on a thread, the case goes on when all have had their first round"},
				{name: "idle", kind: argBool, slot: 2, flag: abi.PlanEchoUntilClosed | abi.PlanEchoIdle, doc: "the same, but after the first round nothing is sent any more"},
				{name: "program", kind: argBool, slot: 2, flag: abi.PlanEchoProgram, doc: "by another program of the guest"},
			},
			values: []value{
				{name: "echoed", index: abi.PlanValueEchoBytes, doc: "bytes that came back as they were sent"},
				{name: "connected", index: abi.PlanValueEchoConnections, doc: "connections that were made"},
				{name: "closed", index: abi.PlanValueEchoClosed, doc: "connections that the server closed"},
			}}),
	}
}

func (p *caseParser) echo(in stepReading) {
	if how := in.step.args[2]; how&abi.PlanEchoProgram != 0 && how&abi.PlanEchoUntilClosed != 0 {
		p.r.At(in.given["program"], "one of program and until_closed or idle", "another program ends after its first round")
	}
}

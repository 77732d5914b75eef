package suites

import (
	"maps"
	"math"
	"slices"
	"time"

	"wskharness/driver/abi"
)

// executor is who carries out a step: the driver under test, or the agent beside it. Steps of the agent are
// those that are about the driver as a whole, or about the machine.
type executor uint32

const (
	byDriver executor = abi.PlanByDriver
	byAgent  executor = abi.PlanByAgent
)

// patience is how long a step of the agent may take, beyond what it waits by its own word, before it counts as
// hung: it starts and stops services, and on a busy machine that is slow.
const (
	patience       = 30 * time.Second
	reloadPatience = 90 * time.Second
	rebootWait     = 60 * time.Second // from the order until the guest is up and the driver is, unless the step says otherwise
)

func startTypes() []named {
	return []named{{"boot", 0}, {"system", 1}, {"auto", 2}, {"demand", 3}} // SERVICE_BOOT_START and on
}

// unloadValues is what the driver leaves when it goes.
func unloadValues() []value {
	return []value{
		{name: "deregistrations", index: abi.PlanValueUnloadDeregistrations, doc: "registrations that were left to DriverUnload"},
		{name: "deregister", index: abi.PlanValueUnloadDeregisterNS, kind: valueSpan, doc: "how long the slowest WskDeregister of DriverUnload took"},
		{name: "early", index: abi.PlanValueUnloadEarly, doc: "of these, those that returned while the client still held a capture"},
		{name: "blocks", index: abi.PlanValueUnloadBlocks, doc: "pool blocks, IRPs and MDLs that were never freed"},
		{name: "open", index: abi.PlanValueUnloadSockets, doc: "sockets that were never closed"},
		{name: "calls", index: abi.PlanValueUnloadCalls, doc: "threads that were still at work when everything was deregistered"},
	}
}

// agentOperations are the steps that the agent performs.
func agentOperations() []operation {
	inject := argument{name: "inject", kind: argNumber, slot: 0, max: math.MaxInt32,
		doc: "of the calls that can fail while the driver starts, the one that fails, counted from 1"}
	activate := argument{name: "activate", kind: argBool, slot: 1, flag: abi.PlanStartActivate,
		doc: "DriverEntry activates the sample's own sub-component itself"}
	started := []value{
		{name: "win32", index: abi.PlanValueLoadWin32, doc: "what the service manager said"},
		{name: "injected", index: abi.PlanValueLoadInjected, kind: valueBool, doc: "the failure that was asked for was made"},
	}
	op := func(o operation) operation {
		o.executor = byAgent
		o.contexts = []contextName{atPassive()}
		if o.patience == 0 {
			o.patience = patience
		}
		return o
	}
	return []operation{
		op(operation{name: "unload", code: abi.PlanOpUnload, thread: true, life: lifeEnds, values: unloadValues(),
			doc: "Stops the driver's service. What the driver leaves behind is what Unload itself has counted at its end."}),
		op(operation{name: "unloaded", code: abi.PlanOpUnloaded, values: unloadValues(),
			doc: "Looks at what the driver left when it was unloaded last, or when its DriverEntry failed."}),
		op(operation{name: "load", code: abi.PlanOpLoad, life: lifeBegins, starts: true, values: started, always: true,
			doc:  "Starts the driver's service again. Its status is the one that DriverEntry returned, or else a Win32 error.",
			args: []argument{inject, activate}}),
		op(operation{name: "reload", code: abi.PlanOpReload, life: lifeBegins | lifeEnds, patience: reloadPatience,
			doc: "Unloads the driver and loads it again, so many times; what is left behind is summed up.",
			args: []argument{{name: "times", kind: argNumber, initial: 1, max: 10000, doc: "how often; once unless given"},
				{name: "pool_tags", kind: argTags, doc: "the pool tags of a driver of your own, as the source has them from the last character on (`'bcaM'` is `Macb`); a `*` at the end stands for any others"}},
			values: append(unloadValues(),
				value{name: "slowest", index: abi.PlanValueUnloadLongestNS, kind: valueSpan, doc: "how long the slowest stop of the service took"},
				value{name: "pool_growth", index: abi.PlanValueUnloadPoolGrowth, kind: valueBytes, doc: "growth of the driver's pool as the kernel counts it by tag; where it does not, as on Wine, that is noted beside the case, and not judged"},
				value{name: "pool_counted", index: abi.PlanValueUnloadPoolCounted, kind: valueBool, doc: "the kernel counts pool by tag"},
				value{name: "cycles", index: abi.PlanValueUnloadTimes, doc: "unloads that were done"})}),
		op(operation{name: "start_failures", code: abi.PlanOpStartFailures, patience: reloadPatience,
			doc:  "Starts the driver with the first call failing that can fail, then the second, until a start comes through; each has to fail as STATUS_INSUFFICIENT_RESOURCES. The driver is unloaded before and after.",
			args: []argument{activate},
			values: []value{
				{name: "failed", index: abi.PlanValueFailuresEntry, doc: "starts that DriverEntry ended with the status, with the service stopped"},
				{name: "later", index: abi.PlanValueFailuresLater, doc: "starts after which the sub-component failed with the status"},
				{name: "survived", index: abi.PlanValueFailuresSurvived, doc: "starts that did without the call"},
				{name: "left", index: abi.PlanValueFailuresLeft, doc: "pool blocks, IRPs, MDLs and sockets that any of them left behind"},
				{name: "devices", index: abi.PlanValueFailuresDevices, doc: "devices that could be opened after a start that failed"},
			}}),
		op(operation{name: "echo", code: abi.PlanOpEcho, thread: true, always: true, needs: true,
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
		op(operation{name: "reboot", code: abi.PlanOpReboot, life: lifeBegins | lifeEnds, starts: true, values: started, always: true, patience: patience,
			doc: "Reboots the guest, and goes on when it is up again, with the driver loaded. No Unload runs.",
			args: []argument{inject, activate,
				{name: "start", kind: argName, slot: 2, initial: 3, names: startTypes(), doc: "when the driver starts: by the boot loader, with the system, by the service manager, or on demand, by the agent; demand unless given"},
				{name: "provider_ready_after", kind: argDuration, slot: 3, plus: 1, requires: CapabilityProviderControl, doc: "the provider, if it can be controlled, is not ready until so long after its first use"},
				{name: "within", kind: argDuration, slot: 4, initial: uint64(rebootWait.Milliseconds()), doc: "how long the guest may take until it is up and the driver runs; 60s unless given"}}}),
	}
}

// life is what a step does to the driver as a whole.
type life uint

const (
	lifeEnds   life = 1 << iota // it is loaded before, and not after
	lifeBegins                  // it is loaded after
)

// settleLife follows what the step does to the driver, and so to all that the case has in it.
func (p *caseParser) settleLife(s *Step, n *node) {
	own := s.executor == byAgent
	switch {
	case !own && p.unloaded && p.entry == nil:
		p.r.At(n, "a load before it", "%s while the driver is unloaded, since line %d", s.Op, p.unloadedAt)
	case own && s.op.code == abi.PlanOpStartFailures:
		if !p.unloaded {
			p.r.At(n, "an unload before it", "%s of a driver that is loaded", s.Op)
		}
		return
	case own && s.op.needs && p.unloaded:
		p.r.At(n, "a load before it", "%s while the driver is unloaded, since line %d", s.Op, p.unloadedAt)
	case own && s.op.life&lifeEnds != 0 && p.unloaded && s.op.code != abi.PlanOpReboot:
		p.r.At(n, "a load before it", "%s of a driver that is unloaded, since line %d", s.Op, p.unloadedAt)
	case own && s.op.life == lifeBegins && !p.unloaded:
		p.r.At(n, "an unload before it", "%s of a driver that is loaded", s.Op)
	}
	if s.op.code == abi.PlanOpReboot {
		p.endThreads(s, n)
	}
	if s.op.life&lifeEnds != 0 && !p.unloaded {
		p.unloaded, p.unloadedAt = true, s.Line
		p.lost, p.lostAt = s.Index, s.Line
		p.forget()
	}
	if s.op.life&lifeBegins != 0 && slices.ContainsFunc(s.Expect, isSuccess) {
		p.unloaded = false
	}
}

// endThreads says which programs on threads do not outlive a reboot.
func (p *caseParser) endThreads(s *Step, n *node) {
	for _, name := range slices.Sorted(maps.Keys(p.threads)) {
		t := p.threads[name]
		if t.busy && t.op != nil && t.op.code == abi.PlanOpRun {
			p.r.At(n, "a join before it", "a reboot while thread %q, started on line %d, is at work", name, t.at.Line)
		}
	}
}

// forget drops what went with the driver: its registrations, its sockets, its threads.
func (p *caseParser) forget() {
	for _, use := range p.clients {
		use.state = deregistered
	}
	for _, use := range p.sockets {
		use.state = objectClosed
	}
	for _, t := range p.threads {
		t.busy = t.busy && t.executor == byAgent
	}
}

// entryUse is the list of steps for DriverEntry that is being read.
type entryUse struct{ of string }

// readEntry reads the steps that DriverEntry runs, into one unit behind the step that starts the driver.
func (p *caseParser) readEntry(s *Step, steps *node) {
	if steps == nil {
		return
	}
	if len(steps.Items) == 0 {
		p.r.At(steps, "a list of steps", "steps is %s", steps.CountOrKind())
		return
	}
	switch {
	case !s.succeeds():
		p.r.At(steps, "no steps, or expect: STATUS_SUCCESS", "what DriverEntry does is known only where %s succeeds", s.Op)
	case s.op.code == abi.PlanOpReboot && s.args[2] == 3:
		p.r.At(steps, "start: boot, system or auto", "the driver is not started by the boot")
	}
	p.c.units = append(p.c.units, unit{first: len(p.c.Steps), repeat: 1, parallel: 1, listed: true, atStart: true})
	p.entry = &entryUse{of: s.Op}
	for _, item := range steps.Items {
		p.readStep(item)
	}
	p.entry = nil
	last := &p.c.units[len(p.c.units)-1]
	last.count = len(p.c.Steps) - last.first
	if last.count == 0 { // every step of it was a mistake
		p.c.units = p.c.units[:len(p.c.units)-1]
	}
	if last.count > abi.MaxSteps {
		p.r.At(steps, "fewer steps", "DriverEntry has more than %d steps", abi.MaxSteps)
	}
}

package suites

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
)

// driverOperations are the steps about the driver as a whole: the agent stops its service and starts it.
func driverOperations() []operation {
	return []operation{
		agentOperation(operation{name: "unload", code: abi.PlanOpUnload, thread: true, life: lifeEnds, sampleCheck: (*Step).samples, values: unloadValues(),
			doc: "Stops the driver's service. What the driver leaves behind is what Unload itself has counted at its end."}),
		agentOperation(operation{name: "unloaded", code: abi.PlanOpUnloaded, sample: sampleOnly, values: unloadValues(),
			doc: "Looks at what the driver left when it was unloaded last, or when its DriverEntry failed."}),
		agentOperation(operation{name: "load", code: abi.PlanOpLoad, life: lifeBegins, starts: true, sample: startsSample, values: startValues(), always: true,
			doc:  "Starts the driver's service again. Its status is the one that DriverEntry returned, or else a Win32 error.",
			args: startArguments()}),
		agentOperation(operation{name: "reload", code: abi.PlanOpReload, life: lifeBegins | lifeEnds, timeout: reloadTimeout,
			read: (*caseParser).reload, sampleCheck: (*Step).samples, unjudged: poolNotCounted,
			doc: "Unloads the driver and loads it again, so many times; what is left behind is summed up.",
			args: []argument{{name: "times", kind: argNumber, initial: 1, max: 10000, doc: "how often; once unless given"},
				{name: "pool_tags", kind: argTags, doc: "the pool tags of a driver of your own, as the source has them from the last character on (`'bcaM'` is `Macb`); a `*` at the end stands for any others"}},
			values: append(unloadValues(),
				value{name: "slowest", index: abi.PlanValueUnloadLongestNS, kind: valueSpan, doc: "how long the slowest stop of the service took"},
				value{name: "pool_growth", index: abi.PlanValueUnloadPoolGrowth, kind: valueBytes, doc: "growth of the driver's pool as the kernel counts it by tag; where it does not, as on Wine, that is noted beside the case, and not judged"},
				value{name: "pool_counted", index: abi.PlanValueUnloadPoolCounted, kind: valueBool, doc: "the kernel counts pool by tag"},
				value{name: "cycles", index: abi.PlanValueUnloadTimes, doc: "unloads that were done"})}),
		agentOperation(operation{name: "start_failures", code: abi.PlanOpStartFailures, life: lifeWithin, sample: sampleOnly, timeout: reloadTimeout,
			doc:  "Starts the driver with the first call failing that can fail, then the second, until a start comes through; each has to fail as STATUS_INSUFFICIENT_RESOURCES. The driver is unloaded before and after.",
			args: startArguments()[1:],
			values: []value{
				{name: "failed", index: abi.PlanValueFailuresEntry, doc: "starts that DriverEntry ended with the status, with the service stopped"},
				{name: "later", index: abi.PlanValueFailuresLater, doc: "starts after which the sub-component failed with the status"},
				{name: "survived", index: abi.PlanValueFailuresSurvived, doc: "starts that did without the call"},
				{name: "left", index: abi.PlanValueFailuresLeft, doc: "pool blocks, IRPs, MDLs and sockets that any of them left behind"},
				{name: "devices", index: abi.PlanValueFailuresDevices, doc: "devices that could be opened after a start that failed"},
			}}),
	}
}

// rebootOperations is the step about the machine.
func rebootOperations() []operation {
	return []operation{
		agentOperation(operation{name: "reboot", code: abi.PlanOpReboot, life: lifeBegins | lifeEnds | lifeReboots, starts: true, sample: startsSample, values: startValues(), always: true,
			doc: "Reboots the guest, and goes on when it is up again, with the driver loaded. No Unload runs.",
			args: append(startArguments(),
				argument{name: "start", kind: argName, slot: 2, initial: 3, names: startTypes(), doc: "when the driver starts: by the boot loader, with the system, by the service manager, or on demand, by the agent; demand unless given"},
				argument{name: "provider_ready_after", kind: argDuration, slot: 3, plus: 1, requires: CapabilityProviderControl, doc: "the provider, if it can be controlled, is not ready until so long after its first use"},
				argument{name: "within", kind: argDuration, slot: 4, initial: uint64(rebootWait.Milliseconds()), doc: "how long the guest may take until it is up and the driver runs; 60s unless given"})}),
	}
}

const (
	reloadTimeout = 90 * time.Second
	rebootWait    = 60 * time.Second // from the order until the guest is up and the driver is, unless the step says otherwise
)

func startTypes() []named {
	return []named{{"boot", 0}, {"system", 1}, {"auto", 2}, {"demand", 3}} // SERVICE_BOOT_START and on
}

// startArguments are those of every step that starts the driver.
func startArguments() []argument {
	return []argument{
		{name: "inject", kind: argNumber, slot: 0, max: math.MaxInt32,
			doc: "of the calls that can fail while the driver starts, the one that fails, counted from 1"},
		{name: "activate", kind: argBool, slot: 1, flag: abi.PlanStartActivate,
			doc: "DriverEntry activates the sample's own sub-component itself"},
	}
}

// startValues are what they report.
func startValues() []value {
	return []value{
		{name: "win32", index: abi.PlanValueLoadWin32, doc: "what the service manager said"},
		{name: "injected", index: abi.PlanValueLoadInjected, kind: valueBool, doc: "the failure that was asked for was made"},
	}
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

// sampleOnly is of a step that no other driver could take.
func sampleOnly(*Step) bool { return true }

// startsSample reports whether the start of a driver is one that only the sample can be asked for.
func startsSample(s *Step) bool { return s.args[0] != 0 || s.args[1] != 0 }

const maxPoolTags = 16

// poolTag is a tag as tools show it, in memory order: one to four printable characters. One '*' may be at its end.
var poolTag = regexp.MustCompile(`^([!-)+-~]{1,4}|[!-)+-~]{1,3}\*)$`)

// reload reads whose pool is looked at, and holds the checks against what the step does.
func (p *caseParser) reload(in stepReading) {
	p.poolTags(in.step, in.given["pool_tags"])
	p.reloadChecks(in.step, in.body)
}

func (p *caseParser) poolTags(s *Step, n *node) {
	if n == nil {
		return
	}
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 || len(n.Items) > maxPoolTags {
		p.r.At(n, fmt.Sprintf("a list of 1 to %d tags", maxPoolTags), "reload: pool_tags is %s", n.CountOrKind())
		return
	}
	for _, item := range n.Items {
		switch {
		case item.Kind == strictyaml.ScalarKind && !p.r.Sure(item, "an entry of pool_tags", "text"): // which says it
		case item.Kind != strictyaml.ScalarKind || !poolTag.MatchString(item.Text):
			p.r.At(item, "one to four characters, of which the last may be *", "reload: pool_tags has %s", item.Describe())
		case slices.Contains(s.poolTags, item.Text):
			p.r.At(item, "each tag once", "reload: pool_tags has %q twice", item.Text)
		default:
			s.poolTags = append(s.poolTags, item.Text)
		}
	}
}

// reloadChecks holds the checks of a reload against what it does.
func (p *caseParser) reloadChecks(s *Step, body *node) {
	for _, c := range s.Checks {
		cond := c.conds[0]
		if c.value.name == "cycles" && (cond.compare == abi.EQ && cond.want != s.args[0] || cond.compare == abi.GE && cond.want > s.args[0]) {
			p.r.At(body, fmt.Sprintf("times: %d beside it", cond.want), "reload expects %s, but loads the driver %d times", c.Text, s.args[0])
		}
	}
}

// samples reports whether only the sample driver can answer the check, of a step that unloads a driver.
func (s *Step) samples(check Check) bool {
	switch check.value.name {
	case "slowest", "cycles":
		return false
	case "pool_growth", "pool_counted":
		return len(s.poolTags) == 0
	}
	return check.conds[0].value < abi.MaxValues
}

// poolNotCounted says that the growth of the pool was not judged, since the guest has nothing to judge it by.
func poolNotCounted(s *Step, r StepResult) string {
	if r.Status != winerr.StatusSuccess || len(r.Values) <= abi.PlanValueUnloadPoolCounted || r.Values[abi.PlanValueUnloadPoolCounted] != 0 {
		return ""
	}
	for _, c := range s.Checks {
		if c.value.name == "pool_growth" {
			return c.Text + ": not judged, the guest's kernel counts no pool by tag"
		}
	}
	return ""
}

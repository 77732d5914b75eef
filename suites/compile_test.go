package suites

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// decoded is a plan file as the agent sees it, read here on its own: header, then tables by offset.
type decoded struct {
	header wireHeader
	cases  []wireCase
	units  []wireUnit
	steps  []wirePlanStep
	text   []byte
}

func decodePlan(data []byte) (*decoded, error) {
	d := &decoded{}
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, &d.header); err != nil {
		return nil, err
	}
	h := d.header
	zeroed := bytes.Clone(data)
	copy(zeroed[16:20], []byte{0, 0, 0, 0})
	switch {
	case h.Magic != 0x4E4C504B || h.Version != planVersion || h.Abi != ABI:
		return nil, fmt.Errorf("magic %#x, version %d, ABI %d", h.Magic, h.Version, h.Abi)
	case int(h.FileSize) != len(data) || len(data) > planMaxFile:
		return nil, fmt.Errorf("size %d, file has %d", h.FileSize, len(data))
	case crc32.ChecksumIEEE(zeroed) != h.Crc32:
		return nil, fmt.Errorf("CRC %#x", h.Crc32)
	}
	d.cases, d.units, d.steps = make([]wireCase, h.CaseCount), make([]wireUnit, h.UnitCount), make([]wirePlanStep, h.StepCount)
	d.text = make([]byte, h.StringBytes)
	for _, table := range []struct {
		offset uint32
		into   any
	}{{h.CaseOffset, d.cases}, {h.UnitOffset, d.units}, {h.StepOffset, d.steps}, {h.StringOffset, d.text}} {
		if table.offset%8 != 0 || int(table.offset) > len(data) {
			return nil, fmt.Errorf("offset %d", table.offset)
		}
		if err := binary.Read(bytes.NewReader(data[table.offset:]), binary.LittleEndian, table.into); err != nil {
			return nil, err
		}
	}
	return d, d.check()
}

// check holds a plan to the bounds that the driver and the agent insist on.
func (d *decoded) check() error {
	if len(d.text) == 0 || d.text[len(d.text)-1] != 0 {
		return fmt.Errorf("strings do not end with NUL")
	}
	for i, c := range d.cases {
		if int(c.Name) >= len(d.text) || c.UnitCount == 0 || int(c.FirstUnit+c.UnitCount) > len(d.units) || c.TearDownCount > c.UnitCount {
			return fmt.Errorf("case %d: %+v", i, c)
		}
		for k, u := range d.units[c.FirstUnit : c.FirstUnit+c.UnitCount] {
			limit, most := c.TimeoutMs, uint32(maxUnitMs)
			if performer(d.steps[min(int(u.FirstStep), len(d.steps)-1)].Performer) == byAgent {
				most = maxAgentMs
			}
			if k >= int(c.UnitCount-c.TearDownCount) {
				limit = c.TearDownMs
			}
			switch {
			case u.StepCount < 1 || u.StepCount > maxSteps || int(u.FirstStep+u.StepCount) > len(d.steps):
				return fmt.Errorf("case %d: steps of %+v", i, u)
			case u.Repeat < 1 || u.Parallel < 1 || u.Parallel > maxParallel:
				return fmt.Errorf("case %d: runs of %+v", i, u)
			case u.TimeoutMs < 1 || u.TimeoutMs > most || u.TimeoutMs >= limit:
				return fmt.Errorf("case %d: unit's limit %d in a case's of %d", i, u.TimeoutMs, limit)
			}
			for j, s := range d.steps[u.FirstStep : u.FirstStep+u.StepCount] {
				if err := checkStep(s, u); err != nil {
					return fmt.Errorf("case %d, step %d: %w", i, j, err)
				}
			}
		}
	}
	return nil
}

func checkStep(ps wirePlanStep, u wireUnit) error {
	s := ps.Step
	last := uint64((u.Parallel - 1) * u.ClientStride)
	switch {
	case !knownOperation(ps) || s.Context > contextDPC || s.Thread > maxThreads:
		return fmt.Errorf("operation %d of performer %d, context %d, thread %d", s.Op, ps.Performer, s.Context, s.Thread)
	case s.TimeoutMs < 1 || s.TimeoutMs > u.TimeoutMs:
		return fmt.Errorf("limit %d in a unit's of %d", s.TimeoutMs, u.TimeoutMs)
	case s.CheckCount > maxChecks || s.ExpectCount > maxExpect:
		return fmt.Errorf("%d checks, %d statuses", s.CheckCount, s.ExpectCount)
	case performer(ps.Performer) == byAgent && (u.Flags != 0 || s.Context != 0):
		return fmt.Errorf("a step of the agent in %+v", u)
	case performer(ps.Performer) == byAgent && (u.StepCount != 1 || u.Repeat != 1 || u.Parallel != 1) && (!loopsInAgent(s.Op) || u.ClientStride != 0):
		return fmt.Errorf("operation %d of the agent in a loop, %+v", s.Op, u)
	case slices.Contains([]uint32{opIoctl, opRead, opWrite}, s.Op) && performer(ps.Performer) == byAgent && s.Arg[slotHandle]+uint64((u.Parallel-1)*u.SocketStride) > maxHandles:
		return fmt.Errorf("handle %d in %+v", s.Arg[slotHandle], u)
	case s.Op <= opCompare && s.Arg[0]+last >= maxClients:
		return fmt.Errorf("client %d, stride %d on %d threads", s.Arg[0], u.ClientStride, u.Parallel)
	case (s.Op == opBlocked || s.Op == opJoin) && s.Arg[0] >= maxThreads:
		return fmt.Errorf("thread %d", s.Arg[0])
	case (s.Op == opBlocked || s.Op == opJoin) && s.Arg[1] >= uint64(s.TimeoutMs):
		return fmt.Errorf("waits %d with a limit of %d", s.Arg[1], s.TimeoutMs)
	}
	return nil
}

// loopsInAgent has the operations that an agent takes in a loop (generic.c).
func loopsInAgent(op uint32) bool {
	return slices.Contains([]uint32{opOpen, opCloseHandle, opIoctl, opRead, opWrite, opCancel, opSleep}, op)
}

// knownOperation reports whether the performer of the step knows its operation.
func knownOperation(s wirePlanStep) bool {
	if performer(s.Performer) == byAgent {
		return s.Step.Op >= opUnload && s.Step.Op <= opEcho || s.Step.Op == opBlocked || s.Step.Op == opJoin ||
			s.Step.Op >= opUpload && s.Step.Op <= opWrite || s.Step.Op == opSleep || s.Step.Op == opCancel || s.Step.Op == opRegistry
	}
	return s.Step.Op >= opRegister && s.Step.Op <= opProviderState
}

func (d *decoded) string(at uint32) string {
	text, _, _ := bytes.Cut(d.text[at:], []byte{0})
	return string(text)
}

func compile(t *testing.T, cases ...*Case) *decoded {
	t.Helper()
	var entries []Entry
	for _, c := range cases {
		entries = append(entries, Entry{Case: c})
	}
	plan, err := Compile(entries, PlanOptions{RunID: "r", Service: "wsksample"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCompileHeader(t *testing.T) {
	c := oneCase(t, "sleep: {for: 1s}")
	plan, err := Compile([]Entry{{Case: c}, {Case: c, Attempt: 1}}, PlanOptions{
		RunID: "run-1", Service: "wsksample", DriverPath: `C:\wskharness\store\wsksample.sys`,
		DriverSHA256: [32]byte{1, 2, 31: 3}, StartTimeout: 7 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	h := d.header
	got := []string{d.string(h.RunId), d.string(h.ServiceName), d.string(h.DriverPath), d.string(d.cases[1].Name)}
	if diff := cmp.Diff([]string{"run-1", "wsksample", `C:\wskharness\store\wsksample.sys`, "s.c"}, got); diff != "" {
		t.Error(diff)
	}
	if h.StartTimeoutMs != 7000 || h.StopTimeoutMs != 30000 || h.Flags != 0 || h.DriverSha256 != [32]byte{1, 2, 31: 3} {
		t.Errorf("header %+v", h)
	}
	if h.CaseCount != 2 || h.UnitCount != 1 || h.StepCount != 1 {
		t.Errorf("a case that is in the plan twice should share its steps: %+v", h)
	}
	if e, ok := plan.Entry(1); !ok || e.Attempt != 1 || plan.Len() != 2 {
		t.Errorf("entry 1 is %+v, %v", e, ok)
	}
	for _, n := range []int{-1, 2} {
		if _, ok := plan.Entry(n); ok {
			t.Errorf("there is an entry %d", n)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	entries := []Entry{{Case: oneCase(t, "sleep: {for: 1s}")}}
	good := PlanOptions{RunID: "r", Service: "s"}
	for name, test := range map[string]struct {
		entries []Entry
		change  func(*PlanOptions)
		want    string
	}{
		"no case":    {nil, func(*PlanOptions) {}, "no case in it"},
		"no run":     {entries, func(o *PlanOptions) { o.RunID = "" }, `run id "" is not 1 to 64 letters`},
		"no service": {entries, func(o *PlanOptions) { o.Service = "" }, `service "" is not 1 to 64 letters`},
		"NUL":        {entries, func(o *PlanOptions) { o.DriverPath = "a\x00b" }, "has a NUL"},
		"negative":   {entries, func(o *PlanOptions) { o.StopTimeout = -1 }, "stop timeout -1ns"},
		"too long":   {entries, func(o *PlanOptions) { o.StartTimeout = time.Hour }, "not between 1ms and 2m"},
		"too large":  {make([]Entry, 0), func(*PlanOptions) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			opts := good
			test.change(&opts)
			if name == "too large" {
				for range planMaxFile/24 + 1 {
					test.entries = append(test.entries, entries[0])
				}
				test.want = "more than the agent takes"
			}
			_, err := Compile(test.entries, opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestCompileSteps compares single steps with what the driver is to get.
func TestCompileSteps(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []string
		at    int // of the step that is compared
		want  wireStep
	}{
		{"register", []string{"register: {client: x}", "register: {client: a, version: '1.10', context: true, stack_npi: true, reserved: 7}"}, 1,
			wireStep{Op: opRegister, TimeoutMs: 5000, Arg: [6]uint64{1, 0x010A, regContext | regStackNPI, 7}}},
		{"deregister is guarded", []string{"register: {client: a}", "deregister: {client: a}"}, 1,
			wireStep{Op: opDeregister, Context: contextGuard, TimeoutMs: 5000}},
		{"deregister where told", []string{"register: {client: a}", "deregister: {client: a, at: passive}"}, 1,
			wireStep{Op: opDeregister, TimeoutMs: 5000}},
		{"capture", []string{"register: {client: a}", "capture: {client: a, wait: none, at: dpc, major: 1, slots: [WskSocket, WskControlClient]}\n        within: 1s"}, 1,
			wireStep{Op: opCapture, Context: contextDPC, TimeoutMs: 5000, CheckCount: 4, Check: [6]wireCheck{
				{Value: valueNPIVersion, Compare: compareGE, Want: 0x0100},
				{Value: valueNPIVersion, Compare: compareLE, Want: 0x01FF},
				{Value: valueNPISlots, Compare: compareHas, Want: 5},
				{Value: valueElapsedNS, Compare: compareLE, Want: 1e9},
			}}},
		{"capture with a wait", []string{"register: {client: a}", "capture: {client: a, wait: 1500ms}\n        expect: [STATUS_DEVICE_NOT_READY, 0xC0000001]\n        at_least: 1s"}, 1,
			wireStep{Op: opCapture, Context: contextGuard, TimeoutMs: 6500, ExpectCount: 2,
				Expect: [4]uint32{0xC00000A3, 0xC0000001}, Arg: [6]uint64{0, 1500}, CheckCount: 1,
				Check: [6]wireCheck{{Value: valueElapsedNS, Compare: compareGE, Want: 1e9}}}},
		{"infinite on a thread", []string{"register: {client: a}", "release: {client: a, thread: t1}", "capture: {client: a, wait: infinite, thread: t2}"}, 2,
			wireStep{Op: opCapture, Thread: 2, TimeoutMs: 5000, Arg: [6]uint64{0, 0xFFFFFFFF}}},
		{"blocked", []string{"register: {client: a}", "release: {client: a, thread: t1}", "release: {client: a, thread: t2}", "blocked: {thread: t2, for: 200ms}"}, 3,
			wireStep{Op: opBlocked, TimeoutMs: 5200, ExpectCount: 1, Expect: [4]uint32{0x102}, Arg: [6]uint64{1, 200}}},
		{"join", []string{"register: {client: a}", "release: {client: a, thread: t1}", "join: {thread: t1}\n        expect: STATUS_DEVICE_NOT_READY"}, 2,
			wireStep{Op: opJoin, TimeoutMs: 15000, ExpectCount: 1, Expect: [4]uint32{0xC00000A3}, Arg: [6]uint64{0, 10000}}},
		{"record", []string{"register: {client: a}", "query: {client: a, at: dispatch}\n        record: true"}, 1,
			wireStep{Op: opQuery, Context: contextSpin, Flags: stepRecord, TimeoutMs: 5000}},
		{"repeat", []string{"register: {client: a}", "capture: {client: a, wait: none}\n        repeat: 3\n        within: 1s"}, 1,
			wireStep{Op: opCapture, TimeoutMs: 5000, CheckCount: 1, Check: [6]wireCheck{
				{Value: valueMaxNS, Compare: compareLE, Want: 1e9}}}},
		{"memory", []string{"memory: {mark: true}", "memory: {growth_at_most: 64KiB}"}, 1,
			wireStep{Op: opMemory, TimeoutMs: 5000, CheckCount: 1,
				Check: [6]wireCheck{{Value: valueMemoryGrowth, Compare: compareLE, Want: 64 << 10}}}},
		{"sleep", []string{"sleep: 1s"}, 0, wireStep{Op: opSleep, TimeoutMs: 6000, Arg: [6]uint64{1000}}},
		{"mark", []string{"memory: {mark: true}"}, 0, wireStep{Op: opMemory, TimeoutMs: 5000, Arg: [6]uint64{1}}},
		{"compare", []string{"register: {client: a}", "register: {client: b}", "compare: {clients: [b, a], same_client: false}"}, 2,
			wireStep{Op: opCompare, TimeoutMs: 5000, Arg: [6]uint64{1, 0}, CheckCount: 1,
				Check: [6]wireCheck{{Value: valueCompareSameClient, Compare: compareEQ}}}},
		{"state", []string{"activate:", "state: {within: 3s, phase: listening, port_at_least: 1}", "deactivate: {}"}, 1,
			wireStep{Op: opState, TimeoutMs: 8000, Arg: [6]uint64{3000}, CheckCount: 2, Check: [6]wireCheck{
				{Value: valueStatePhase, Compare: compareEQ, Want: phaseListening}, {Value: valueStatePort, Compare: compareGE, Want: 1}}}},
		{"fault", []string{"fault: {kind: bugcheck, code: 0xE2, parameters: [1, 0x20]}"}, 0,
			wireStep{Op: opFault, Flags: stepMisuse, TimeoutMs: 5000, Arg: [6]uint64{faultBugcheck, 0xE2, 1, 0x20}}},
		{"double", []string{"register: {client: a}", "register: {client: a}\n        misuse: true"}, 1,
			wireStep{Op: opRegister, Flags: stepMisuse, TimeoutMs: 5000, Arg: [6]uint64{0, 0x0100}}},
		{"unload on a thread", []string{"unload: {thread: u}", "join: {thread: u}"}, 0,
			wireStep{Op: opUnload, Thread: 1, TimeoutMs: 30000}},
		{"join of the agent's", []string{"unload: {thread: u}", "join: {thread: u, within: 3s}"}, 1,
			wireStep{Op: opJoin, TimeoutMs: 8000, Arg: [6]uint64{0, 3000}}},
		{"a time of unload", []string{"unload: {deregister_at_least: 2s}"}, 0,
			wireStep{Op: opUnload, TimeoutMs: 30000, CheckCount: 1,
				Check: [6]wireCheck{{Value: valueUnloadDeregisterNS, Compare: compareGE, Want: 2e9}}}},
		{"load that fails", []string{"unload:", "load: {inject: 3, activate: true}\n        expect: [STATUS_INSUFFICIENT_RESOURCES, ERROR_GEN_FAILURE]"}, 1,
			wireStep{Op: opLoad, TimeoutMs: 30000, ExpectCount: 2,
				Expect: [4]uint32{0xC000009A, 0xC007001F}, Arg: [6]uint64{3, startActivate}}},
		{"reboot", []string{"reboot: {start: boot, provider_ready_after: 300ms}"}, 0,
			wireStep{Op: opReboot, TimeoutMs: 90000, Arg: [6]uint64{0, 0, 0, 301, 60000}}},
		{"null dispatch", []string{"register: {client: a, null_dispatch: true}"}, 0,
			wireStep{Op: opRegister, Flags: stepMisuse, TimeoutMs: 5000, Arg: [6]uint64{0, 0x0100, regNullDispatch}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			// As misuse, a case may leave things behind: the steps here are only compiled.
			d := compile(t, load(t, caseText("    misuse: true\n", test.steps...)).All()[0])
			got := d.steps[test.at]
			if diff := cmp.Diff(test.want, got.Step); diff != "" {
				t.Error(diff)
			}
			if own := test.want.Op >= opUnload || strings.Contains(test.name, "agent"); own != (performer(got.Performer) == byAgent) {
				t.Errorf("performer %d", got.Performer)
			}
		})
	}
}

// TestCompileEntry checks the unit of what DriverEntry does: behind the step that starts the driver, and marked.
func TestCompileEntry(t *testing.T) {
	d := compile(t, load(t, caseText("", "unload:", "load:\n          steps:\n            - register: {client: a}\n            - sleep: 10ms", "deregister: {client: a}")).All()[0])
	var got []wireUnit
	for _, u := range d.units {
		got = append(got, wireUnit{FirstStep: u.FirstStep, StepCount: u.StepCount, Flags: u.Flags})
	}
	want := []wireUnit{{FirstStep: 0, StepCount: 1}, {FirstStep: 1, StepCount: 1}, {FirstStep: 2, StepCount: 2, Flags: unitAtStart}, {FirstStep: 4, StepCount: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompileUnits(t *testing.T) {
	catalog := load(t, `suite: s
doc: d
cases:
  - id: plain
    doc: d
    steps:
      - register: {client: a}
      - capture: {client: a, wait: none}
        repeat: 3
      - release: {client: a}
        repeat: 3
      - deregister: {client: a}
        timeout: 2s
  - id: parallel
    doc: d
    parallel: 16
    repeat: 20
    steps:
      - register: {client: a}
      - register: {client: b}
      - deregister: {client: b}
      - deregister: {client: a}
  - id: shared
    doc: d
    timeout: 8s
    irql: dispatch
    steps:
      - register: {client: a}
      - loop:
          parallel: 4
          repeat: 5
          shared: true
          timeout: 3s
          steps:
            - capture: {client: a, wait: none}
            - release: {client: a}
      - deregister: {client: a}
`)
	d := compile(t, catalog.All()...)
	wantUnits := []wireUnit{
		{FirstStep: 0, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
		{FirstStep: 1, StepCount: 1, Repeat: 3, Parallel: 1, ClientStride: 0, TimeoutMs: 29500},
		{FirstStep: 2, StepCount: 1, Repeat: 3, Parallel: 1, ClientStride: 0, TimeoutMs: 29500},
		{FirstStep: 3, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 2250},
		{FirstStep: 4, StepCount: 4, Repeat: 20, Parallel: 16, ClientStride: 2, TimeoutMs: 29500},
		{FirstStep: 8, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
		{FirstStep: 9, StepCount: 2, Repeat: 5, Parallel: 4, ClientStride: 0, TimeoutMs: 3000},
		{FirstStep: 11, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
	}
	if diff := cmp.Diff(wantUnits, d.units); diff != "" {
		t.Error(diff)
	}
	var limits []uint32
	for _, c := range d.cases {
		limits = append(limits, c.TimeoutMs)
	}
	if diff := cmp.Diff([]uint32{30000, 30000, 8000}, limits); diff != "" {
		t.Error(diff)
	}
	contexts := map[int]uint16{
		3: contextGuard,  // deregister on its own
		6: contextCaller, // deregister on a thread of a parallel loop, which is one itself
		9: contextSpin, 10: contextSpin, 11: contextGuard,
	}
	for i, want := range contexts {
		if got := d.steps[i].Step.Context; got != want {
			t.Errorf("step %d runs in context %d, want %d", i, got, want)
		}
	}
}

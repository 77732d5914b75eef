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

	"wskharness/driver/abi"
)

// decoded is a plan file as the agent sees it, read here on its own: header, then tables by offset.
type decoded struct {
	header  abi.PlanHeader
	cases   []abi.PlanCase
	batches []abi.PlanBatch
	steps   []abi.PlanStep
	text    []byte
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
	case h.Magic != 0x4E4C504B || h.Version != abi.PlanVersion || h.Abi != abi.ABI:
		return nil, fmt.Errorf("magic %#x, version %d, abi.ABI %d", h.Magic, h.Version, h.Abi)
	case int(h.FileSize) != len(data) || len(data) > abi.PlanMaxFile:
		return nil, fmt.Errorf("size %d, file has %d", h.FileSize, len(data))
	case crc32.ChecksumIEEE(zeroed) != h.Crc32:
		return nil, fmt.Errorf("CRC %#x", h.Crc32)
	}
	d.cases, d.batches, d.steps = make([]abi.PlanCase, h.CaseCount), make([]abi.PlanBatch, h.BatchCount), make([]abi.PlanStep, h.StepCount)
	d.text = make([]byte, h.StringBytes)
	for _, table := range []struct {
		offset uint32
		into   any
	}{{h.CaseOffset, d.cases}, {h.BatchOffset, d.batches}, {h.StepOffset, d.steps}, {h.StringOffset, d.text}} {
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
		if int(c.Name) >= len(d.text) || c.BatchCount == 0 || int(c.FirstBatch+c.BatchCount) > len(d.batches) || c.TearDownCount > c.BatchCount {
			return fmt.Errorf("case %d: %+v", i, c)
		}
		for k, u := range d.batches[c.FirstBatch : c.FirstBatch+c.BatchCount] {
			limit, most := c.TimeoutMs, uint32(abi.MaxBatchMs)
			if executor(d.steps[min(int(u.FirstStep), len(d.steps)-1)].Executor) == byAgent {
				most = abi.PlanMaxWaitMs
			}
			if k >= int(c.BatchCount-c.TearDownCount) {
				limit = c.TearDownMs
			}
			switch {
			case u.StepCount < 1 || u.StepCount > abi.MaxSteps || int(u.FirstStep+u.StepCount) > len(d.steps):
				return fmt.Errorf("case %d: steps of %+v", i, u)
			case u.Repeat < 1 || u.Parallel < 1 || u.Parallel > abi.MaxParallel:
				return fmt.Errorf("case %d: runs of %+v", i, u)
			case u.TimeoutMs < 1 || u.TimeoutMs > most || u.TimeoutMs >= limit:
				return fmt.Errorf("case %d: batch's limit %d in a case's of %d", i, u.TimeoutMs, limit)
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

func checkStep(ps abi.PlanStep, u abi.PlanBatch) error {
	s := ps.Step
	last := uint64((u.Parallel - 1) * u.ClientStride)
	switch {
	case !knownOperation(ps) || s.Context > abi.ContextDPC || s.Thread > abi.MaxThreads:
		return fmt.Errorf("operation %d of executor %d, context %d, thread %d", s.Op, ps.Executor, s.Context, s.Thread)
	case s.TimeoutMs < 1 || s.TimeoutMs > u.TimeoutMs:
		return fmt.Errorf("limit %d in a batch's of %d", s.TimeoutMs, u.TimeoutMs)
	case s.CheckCount > abi.MaxChecks || s.ExpectCount > abi.MaxExpect:
		return fmt.Errorf("%d checks, %d statuses", s.CheckCount, s.ExpectCount)
	case executor(ps.Executor) == byAgent && (u.Flags != 0 || s.Context != 0):
		return fmt.Errorf("a step of the agent in %+v", u)
	case executor(ps.Executor) == byAgent && (u.StepCount != 1 || u.Repeat != 1 || u.Parallel != 1) && (!loopsInAgent(s.Op) || u.ClientStride != 0):
		return fmt.Errorf("operation %d of the agent in a loop, %+v", s.Op, u)
	case slices.Contains([]uint32{abi.PlanOpIoctl, abi.PlanOpRead, abi.PlanOpWrite}, s.Op) && executor(ps.Executor) == byAgent && s.Arg[slotHandle]+uint64((u.Parallel-1)*u.SocketStride) > abi.PlanMaxHandles:
		return fmt.Errorf("handle %d in %+v", s.Arg[slotHandle], u)
	case s.Op <= abi.OpCompare && s.Arg[0]+last >= abi.MaxClients:
		return fmt.Errorf("client %d, stride %d on %d threads", s.Arg[0], u.ClientStride, u.Parallel)
	case (s.Op == abi.OpBlocked || s.Op == abi.OpJoin) && s.Arg[0] >= abi.MaxThreads:
		return fmt.Errorf("thread %d", s.Arg[0])
	case (s.Op == abi.OpBlocked || s.Op == abi.OpJoin) && s.Arg[1] >= uint64(s.TimeoutMs):
		return fmt.Errorf("waits %d with a limit of %d", s.Arg[1], s.TimeoutMs)
	}
	return nil
}

// loopsInAgent has the operations that an agent takes in a loop (STEP_IN_LOOPS in driver/agent/steps).
func loopsInAgent(op uint32) bool {
	return slices.Contains([]uint32{abi.PlanOpOpen, abi.PlanOpClose, abi.PlanOpIoctl, abi.PlanOpRead, abi.PlanOpWrite, abi.OpCancel, abi.OpSleep}, op)
}

// knownOperation reports whether the executor of the step knows its operation.
func knownOperation(s abi.PlanStep) bool {
	if executor(s.Executor) == byAgent {
		return s.Step.Op >= abi.PlanOpUnload && s.Step.Op <= abi.PlanOpEcho || s.Step.Op == abi.OpBlocked || s.Step.Op == abi.OpJoin ||
			s.Step.Op >= abi.PlanOpUpload && s.Step.Op <= abi.PlanOpWrite || s.Step.Op == abi.OpSleep || s.Step.Op == abi.OpCancel || s.Step.Op == abi.PlanOpRegistry
	}
	return s.Step.Op >= abi.OpRegister && s.Step.Op <= abi.OpProviderState
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
	d, err := decodePlan(plan)
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
	d, err := decodePlan(plan)
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
	if h.CaseCount != 2 || h.BatchCount != 1 || h.StepCount != 1 {
		t.Errorf("a case that is in the plan twice should share its steps: %+v", h)
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
				for range abi.PlanMaxFile/24 + 1 {
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
		want  abi.Step
	}{
		{"register", []string{"register: {client: x}", "register: {client: a, version: '1.10', context: true, stack_npi: true, reserved: 7}"}, 1,
			abi.Step{Op: abi.OpRegister, TimeoutMs: 5000, Arg: [6]uint64{1, 0x010A, abi.RegContext | abi.RegStackNPI, 7}}},
		{"deregister is guarded", []string{"register: {client: a}", "deregister: {client: a}"}, 1,
			abi.Step{Op: abi.OpDeregister, Context: abi.ContextGuard, TimeoutMs: 5000}},
		{"deregister where told", []string{"register: {client: a}", "deregister: {client: a, at: passive}"}, 1,
			abi.Step{Op: abi.OpDeregister, TimeoutMs: 5000}},
		{"capture", []string{"register: {client: a}", "capture: {client: a, wait: none, at: dpc, major: 1, slots: [WskSocket, WskControlClient]}\n        within: 1s"}, 1,
			abi.Step{Op: abi.OpCapture, Context: abi.ContextDPC, TimeoutMs: 5000, CheckCount: 4, Check: [6]abi.Check{
				{Value: abi.ValueNPIVersion, Compare: abi.GE, Want: 0x0100},
				{Value: abi.ValueNPIVersion, Compare: abi.LE, Want: 0x01FF},
				{Value: abi.ValueNPISlots, Compare: abi.Has, Want: 5},
				{Value: abi.ValueElapsedNS, Compare: abi.LE, Want: 1e9},
			}}},
		{"capture with a wait", []string{"register: {client: a}", "capture: {client: a, wait: 1500ms}\n        expect: [STATUS_DEVICE_NOT_READY, 0xC0000001]\n        at_least: 1s"}, 1,
			abi.Step{Op: abi.OpCapture, Context: abi.ContextGuard, TimeoutMs: 6500, ExpectCount: 2,
				Expect: [4]uint32{0xC00000A3, 0xC0000001}, Arg: [6]uint64{0, 1500}, CheckCount: 1,
				Check: [6]abi.Check{{Value: abi.ValueElapsedNS, Compare: abi.GE, Want: 1e9}}}},
		{"infinite on a thread", []string{"register: {client: a}", "release: {client: a, thread: t1}", "capture: {client: a, wait: infinite, thread: t2}"}, 2,
			abi.Step{Op: abi.OpCapture, Thread: 2, TimeoutMs: 5000, Arg: [6]uint64{0, 0xFFFFFFFF}}},
		{"blocked", []string{"register: {client: a}", "release: {client: a, thread: t1}", "release: {client: a, thread: t2}", "blocked: {thread: t2, for: 200ms}"}, 3,
			abi.Step{Op: abi.OpBlocked, TimeoutMs: 5200, ExpectCount: 1, Expect: [4]uint32{0x102}, Arg: [6]uint64{1, 200}}},
		{"join", []string{"register: {client: a}", "release: {client: a, thread: t1}", "join: {thread: t1}\n        expect: STATUS_DEVICE_NOT_READY"}, 2,
			abi.Step{Op: abi.OpJoin, TimeoutMs: 15000, ExpectCount: 1, Expect: [4]uint32{0xC00000A3}, Arg: [6]uint64{0, 10000}}},
		{"record", []string{"register: {client: a}", "query: {client: a, at: dispatch}\n        record: true"}, 1,
			abi.Step{Op: abi.OpQuery, Context: abi.ContextSpin, Flags: abi.StepRecord, TimeoutMs: 5000}},
		{"repeat", []string{"register: {client: a}", "capture: {client: a, wait: none}\n        repeat: 3\n        within: 1s"}, 1,
			abi.Step{Op: abi.OpCapture, TimeoutMs: 5000, CheckCount: 1, Check: [6]abi.Check{
				{Value: abi.ValueMaxNS, Compare: abi.LE, Want: 1e9}}}},
		{"memory", []string{"memory: {mark: true}", "memory: {growth_at_most: 64KiB}"}, 1,
			abi.Step{Op: abi.OpMemory, TimeoutMs: 5000, CheckCount: 1,
				Check: [6]abi.Check{{Value: abi.ValueMemoryGrowth, Compare: abi.LE, Want: 64 << 10}}}},
		{"sleep", []string{"sleep: 1s"}, 0, abi.Step{Op: abi.OpSleep, TimeoutMs: 6000, Arg: [6]uint64{1000}}},
		{"mark", []string{"memory: {mark: true}"}, 0, abi.Step{Op: abi.OpMemory, TimeoutMs: 5000, Arg: [6]uint64{1}}},
		{"compare", []string{"register: {client: a}", "register: {client: b}", "compare: {clients: [b, a], same_client: false}"}, 2,
			abi.Step{Op: abi.OpCompare, TimeoutMs: 5000, Arg: [6]uint64{1, 0}, CheckCount: 1,
				Check: [6]abi.Check{{Value: abi.ValueCompareSameClient, Compare: abi.EQ}}}},
		{"state", []string{"activate:", "state: {within: 3s, phase: listening, port_at_least: 1}", "deactivate: {}"}, 1,
			abi.Step{Op: abi.OpState, TimeoutMs: 8000, Arg: [6]uint64{3000}, CheckCount: 2, Check: [6]abi.Check{
				{Value: abi.ValueStatePhase, Compare: abi.EQ, Want: abi.PhaseListening}, {Value: abi.ValueStatePort, Compare: abi.GE, Want: 1}}}},
		{"fault", []string{"fault: {kind: bugcheck, code: 0xE2, parameters: [1, 0x20]}"}, 0,
			abi.Step{Op: abi.OpFault, Flags: abi.StepMisuse, TimeoutMs: 5000, Arg: [6]uint64{abi.FaultBugcheck, 0xE2, 1, 0x20}}},
		{"double", []string{"register: {client: a}", "register: {client: a}\n        misuse: true"}, 1,
			abi.Step{Op: abi.OpRegister, Flags: abi.StepMisuse, TimeoutMs: 5000, Arg: [6]uint64{0, 0x0100}}},
		{"unload on a thread", []string{"unload: {thread: u}", "join: {thread: u}"}, 0,
			abi.Step{Op: abi.PlanOpUnload, Thread: 1, TimeoutMs: 30000}},
		{"join of the agent's", []string{"unload: {thread: u}", "join: {thread: u, within: 3s}"}, 1,
			abi.Step{Op: abi.OpJoin, TimeoutMs: 8000, Arg: [6]uint64{0, 3000}}},
		{"a time of unload", []string{"unload: {deregister_at_least: 2s}"}, 0,
			abi.Step{Op: abi.PlanOpUnload, TimeoutMs: 30000, CheckCount: 1,
				Check: [6]abi.Check{{Value: abi.PlanValueUnloadDeregisterNS, Compare: abi.GE, Want: 2e9}}}},
		{"load that fails", []string{"unload:", "load: {inject: 3, activate: true}\n        expect: [STATUS_INSUFFICIENT_RESOURCES, ERROR_GEN_FAILURE]"}, 1,
			abi.Step{Op: abi.PlanOpLoad, TimeoutMs: 30000, ExpectCount: 2,
				Expect: [4]uint32{0xC000009A, 0xC007001F}, Arg: [6]uint64{3, abi.PlanStartActivate}}},
		{"reboot", []string{"reboot: {start: boot, provider_ready_after: 300ms}"}, 0,
			abi.Step{Op: abi.PlanOpReboot, TimeoutMs: 90000, Arg: [6]uint64{0, 0, 0, 301, 60000}}},
		{"null dispatch", []string{"register: {client: a, null_dispatch: true}"}, 0,
			abi.Step{Op: abi.OpRegister, Flags: abi.StepMisuse, TimeoutMs: 5000, Arg: [6]uint64{0, 0x0100, abi.RegNullDispatch}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			// As misuse, a case may leave things behind: the steps here are only compiled.
			d := compile(t, load(t, caseText("    misuse: true\n", test.steps...)).All()[0])
			got := d.steps[test.at]
			if diff := cmp.Diff(test.want, got.Step); diff != "" {
				t.Error(diff)
			}
			if own := test.want.Op >= abi.PlanOpUnload || strings.Contains(test.name, "agent"); own != (executor(got.Executor) == byAgent) {
				t.Errorf("executor %d", got.Executor)
			}
		})
	}
}

// TestCompileEntry checks the batch of what DriverEntry does: behind the step that starts the driver, and marked.
func TestCompileEntry(t *testing.T) {
	d := compile(t, load(t, caseText("", "unload:", "load:\n          steps:\n            - register: {client: a}\n            - sleep: 10ms", "deregister: {client: a}")).All()[0])
	var got []abi.PlanBatch
	for _, u := range d.batches {
		got = append(got, abi.PlanBatch{FirstStep: u.FirstStep, StepCount: u.StepCount, Flags: u.Flags})
	}
	want := []abi.PlanBatch{{FirstStep: 0, StepCount: 1}, {FirstStep: 1, StepCount: 1}, {FirstStep: 2, StepCount: 2, Flags: abi.PlanBatchAtStart}, {FirstStep: 4, StepCount: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompileBatches(t *testing.T) {
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
	wantBatches := []abi.PlanBatch{
		{FirstStep: 0, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
		{FirstStep: 1, StepCount: 1, Repeat: 3, Parallel: 1, ClientStride: 0, TimeoutMs: 29500},
		{FirstStep: 2, StepCount: 1, Repeat: 3, Parallel: 1, ClientStride: 0, TimeoutMs: 29500},
		{FirstStep: 3, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 2250},
		{FirstStep: 4, StepCount: 4, Repeat: 20, Parallel: 16, ClientStride: 2, TimeoutMs: 29500},
		{FirstStep: 8, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
		{FirstStep: 9, StepCount: 2, Repeat: 5, Parallel: 4, ClientStride: 0, TimeoutMs: 3000},
		{FirstStep: 11, StepCount: 1, Repeat: 1, Parallel: 1, ClientStride: 0, TimeoutMs: 5250},
	}
	if diff := cmp.Diff(wantBatches, d.batches); diff != "" {
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
		3: abi.ContextGuard,  // deregister on its own
		6: abi.ContextCaller, // deregister on a thread of a parallel loop, which is one itself
		9: abi.ContextSpin, 10: abi.ContextSpin, 11: abi.ContextGuard,
	}
	for i, want := range contexts {
		if got := d.steps[i].Step.Context; got != want {
			t.Errorf("step %d runs in context %d, want %d", i, got, want)
		}
	}
}

package suites

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// Entry is one attempt at a case in a plan. The same case may be in a plan more than once.
type Entry struct {
	Case    *Case
	Attempt int // from 1; with each the seed of its choices is one more
}

// PlanOptions is what a plan says beside its cases.
type PlanOptions struct {
	RunID        string // names the run in the guest: letters, digits, '.', '_' and '-'
	DriverPath   string // Windows path in the guest; empty: the driver is running already
	Service      string // name of the driver's service: the same characters
	DriverSHA256 [32]byte
	Seed         uint32        // of the choices in loops that have none of their own, of the first attempt
	StartTimeout time.Duration // at most 2 min; 30 s unless given
	StopTimeout  time.Duration // at most 2 min; 30 s unless given

	// Own is the service of a driver that is not the sample; nil: the sample's. Its Name is Service.
	Own *Service
	// INF is where that driver's .inf is in the guest; empty: it has none.
	INF string
	// Stored says where a file or folder of this machine that a case uploads is in the guest, and which folders in it are
	// empty, and not there: their paths from it, with backslashes.
	Stored func(local string) (place string, folders []string)
}

// MaxPlanBytes is how much of a plan cases may take together, by their PlanBytes.
const MaxPlanBytes = abi.PlanMaxFile / 2

// PlanBytes is how much of a plan an attempt of the case takes at most: with its own steps, batches and texts.
func (c *Case) PlanBytes() int {
	size := binary.Size(abi.PlanCase{}) + len(c.Name()) + 1 + len(c.Steps)*(binary.Size(abi.PlanUnit{})+binary.Size(abi.PlanStep{}))
	for _, s := range c.Steps {
		size += 8 * len(s.poolTags)
		if s.generic != nil {
			for _, text := range s.generic.texts {
				size += len(text) + 1
			}
			size += longestGuestPath * max(1, len(s.generic.files))
		}
	}
	return size
}

// longestGuestPath is more than a path that the agent takes.
const longestGuestPath = 1 << 10

// LongestWait is the longest time that a plan can name.
const LongestWait = abi.MaxWaitMs * time.Millisecond

const defaultDriverTimeout = 30 * time.Second

// plainName is what the agent takes as the name of a run or of a service.
var plainName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Compile gives the plan file of the entries, in their order: by its place there, from 0, the journal calls each of them.
func Compile(entries []Entry, opts PlanOptions) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("compile plan: there is no case in it")
	}
	switch {
	case !plainName.MatchString(opts.RunID):
		return nil, fmt.Errorf("compile plan: run id %q is not 1 to 64 letters, digits, '.', '_' or '-'", opts.RunID)
	case !plainName.MatchString(opts.Service):
		return nil, fmt.Errorf("compile plan: service %q is not 1 to 64 letters, digits, '.', '_' or '-'", opts.Service)
	case strings.ContainsRune(opts.DriverPath, 0):
		return nil, fmt.Errorf("compile plan: driver path %q has a NUL in it", opts.DriverPath)
	}
	start, err := milliseconds("start timeout", cmp.Or(opts.StartTimeout, defaultDriverTimeout))
	if err != nil {
		return nil, err
	}
	stop, err := milliseconds("stop timeout", cmp.Or(opts.StopTimeout, defaultDriverTimeout))
	if err != nil {
		return nil, err
	}
	w := planWriter{opts: opts, strings: []byte{0}, offsets: map[string]uint32{"": 0}, done: map[written]abi.PlanCase{}, suites: map[string]uint32{}}
	for _, e := range entries {
		w.add(e, opts.Seed)
	}
	if len(w.suites) > abi.PlanMaxSuites {
		return nil, fmt.Errorf("compile plan: %d suites with a set-up or tear-down of their own; at most %d may run together", len(w.suites), abi.PlanMaxSuites)
	}
	header := abi.PlanHeader{
		Magic: abi.PlanMagic, Version: abi.PlanVersion, Abi: abi.ABI,
		RunId: w.text(opts.RunID), DriverPath: w.text(opts.DriverPath), ServiceName: w.text(opts.Service),
		StartTimeoutMs: start, StopTimeoutMs: stop, DriverSha256: opts.DriverSHA256,
	}
	if opts.Own != nil {
		header.Flags = abi.PlanPlain
		if opts.Own.NeverUnload {
			header.Flags |= abi.PlanNeverUnload
		}
		header.Settings = w.list(opts.Own.settings(opts.INF))
	}
	return w.file(header)
}

func milliseconds(what string, d time.Duration) (uint32, error) {
	if d < time.Millisecond || d > LongestWait {
		return 0, fmt.Errorf("compile plan: %s %s is not between 1ms and %s", what, d, strictyaml.ShortDuration(LongestWait))
	}
	return uint32(d.Milliseconds()), nil
}

// planWriter gathers the tables of a plan. A case that is in it again, with the same seed, shares its batches.
type planWriter struct {
	opts    PlanOptions
	cases   []abi.PlanCase
	batches []abi.PlanUnit
	steps   []abi.PlanStep
	strings []byte
	offsets map[string]uint32
	done    map[written]abi.PlanCase
	suites  map[string]uint32 // that do something once, from 1
}

// written is a case with the seed of what it leaves to chance, 0 where that is nothing.
type written struct {
	test *Case
	seed uint32
}

func (w *planWriter) text(s string) uint32 {
	if at, ok := w.offsets[s]; ok {
		return at
	}
	at := uint32(len(w.strings))
	w.offsets[s] = at
	w.strings = append(append(w.strings, s...), 0)
	return at
}

// tearDownBatches counts the batches at the end that run whatever became of the others: no batch has steps of two parts.
func (c *Case) tearDownBatches(batches []batch) int {
	count := 0
	for _, b := range batches {
		if c.Steps[b.first].Part.After() {
			count++
		}
	}
	return count
}

// list writes texts, none of them empty, as the agent reads them: one behind the other, up to an empty one.
func (w *planWriter) list(texts []string) uint32 {
	if len(texts) == 0 {
		return 0
	}
	at := uint32(len(w.strings))
	for _, text := range texts {
		w.strings = append(append(w.strings, text...), 0)
	}
	w.strings = append(w.strings, 0)
	return at
}

func (w *planWriter) add(e Entry, seed uint32) {
	c := e.Case
	key := written{test: c}
	if c.Chance() {
		key.seed = attemptSeed(seed, e.Attempt)
	}
	if again, ok := w.done[key]; ok {
		w.cases = append(w.cases, again)
		return
	}
	batches := c.requests()
	wire := abi.PlanCase{
		Name: w.text(c.Name()), FirstUnit: uint32(len(w.batches)), UnitCount: uint32(len(batches)),
		TimeoutMs:     uint32(c.Timeout.Milliseconds()),
		TearDownCount: uint32(c.tearDownBatches(batches)), TearDownMs: uint32(c.TearDown.Milliseconds()),
		Suite: w.suite(c), Role: uint32(c.Role),
	}
	first := uint32(len(w.steps))
	for _, b := range batches {
		w.batches = append(w.batches, abi.PlanUnit{
			FirstStep: first + uint32(b.first), StepCount: uint32(b.count),
			Repeat: uint32(b.repeat), Parallel: uint32(b.parallel), ClientStride: uint32(b.stride), SocketStride: uint32(b.sockets),
			TimeoutMs: uint32(b.timeout.Milliseconds()), ForMs: uint32(b.duration.Milliseconds()),
			Groups: uint32(b.groups), Seed: cmp.Or(b.seed, key.seed), Flags: b.flags(c.Steps[b.first].Part),
		})
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		step := abi.PlanStep{Step: s.wire(), Performer: uint32(s.executor)}
		if s.generic != nil {
			step.Text = w.list(s.generic.agentTexts(w.opts.Stored))
		} else if len(s.poolTags) > 0 {
			step.Text = w.list(s.poolTags)
		}
		if w.opts.Own != nil && s.op.either {
			step.Performer = uint32(byAgent) // there is no sample to do it
		}
		w.steps = append(w.steps, step)
	}
	w.done[key] = wire
	w.cases = append(w.cases, wire)
}

// suite numbers the suites that do something once; 0 is all others.
func (w *planWriter) suite(c *Case) uint32 {
	if c.Role == RoleCase && c.once == (once{}) {
		return 0
	}
	if _, known := w.suites[c.Suite]; !known {
		w.suites[c.Suite] = uint32(len(w.suites) + 1)
	}
	return w.suites[c.Suite]
}

func (b batch) flags(part Part) uint32 {
	switch {
	case b.atStart:
		return abi.PlanUnitAtStart
	case part == Health:
		return abi.PlanUnitHealth
	}
	return 0
}

// A case of more steps than eagerSteps is sent to the driver requestSteps at a time: a request costs more than most
// steps do. A shorter one goes step by step, so that the journal has each step before the next one begins, and
// tells how far the case got where that ends the machine.
const (
	eagerSteps   = 100
	requestSteps = abi.MaxSteps
)

// requests are the batches of a case as the driver is given them.
func (c *Case) requests() []batch {
	if len(c.Steps) <= eagerSteps {
		return c.batches
	}
	var batches []batch
	var waits time.Duration // of the steps of the last batch
	for _, b := range c.batches {
		wait := c.Steps[b.first].wait
		if n := len(batches); n > 0 && c.single(b) && c.single(batches[n-1]) && c.Steps[b.first].Part == c.Steps[batches[n-1].first].Part && batches[n-1].count < requestSteps && waits+wait < maxStepTime {
			batches[n-1].count++
			batches[n-1].timeout = min(batches[n-1].timeout+b.timeout, longestBatch, c.Timeout-caseMargin)
			waits += wait
			continue
		}
		batches, waits = append(batches, b), wait
	}
	return batches
}

// BatchFrom is the step, and how many from it on, that the driver is given in one request when the steps before it are
// back: which of them is under way nobody outside the driver knows.
func (c *Case) BatchFrom(step int) (first, count int) {
	for _, b := range c.requests() {
		if step >= b.first && step < b.first+b.count {
			return step, b.first + b.count - step
		}
	}
	return step, 1
}

// single reports whether the batch is of steps of the driver that run once, each as if it were alone.
func (c *Case) single(b batch) bool {
	return !b.listed && !b.repeats() && c.Steps[b.first].executor == byDriver
}

func (s *Step) wire() abi.Step {
	w := abi.Step{
		Op: s.op.code, Context: s.context, Thread: s.thread, TimeoutMs: uint32(s.Timeout.Milliseconds()),
		Arg: s.args, Group: s.group, Weight: s.weight, NextCount: uint16(len(s.Next)),
		Keep: uint16(s.keep), From: s.takes.wire(), FromArg: uint16(s.takesTo),
	}
	for _, flag := range []struct {
		on  bool
		bit uint32
	}{{s.Record, abi.StepRecord}, {s.Misuse, abi.StepMisuse}, {s.Yields, abi.StepYield}} {
		if flag.on {
			w.Flags |= flag.bit
		}
	}
	// No expectation means the usual one: success, or pending for what is only started.
	usual := s.succeeds() && len(s.Next) == 0
	if !s.async() && !s.Record && !usual {
		for _, status := range slices.Concat(s.Expect, s.Next) {
			w.Expect[w.ExpectCount] = uint32(status)
			w.ExpectCount++
		}
	}
	for _, c := range s.Checks {
		for _, cond := range c.conds {
			w.Check[w.CheckCount] = abi.Check{Value: cond.value, Compare: cond.compare, Want: cond.want, From: cond.from.wire()}
			w.CheckCount++
		}
	}
	return w
}

// file lays the tables out, each at a multiple of eight bytes.
func (w *planWriter) file(h abi.PlanHeader) ([]byte, error) {
	at := align(binary.Size(h))
	table := func(count, size int) (uint32, uint32) {
		offset := at
		at = align(at + count*size)
		return uint32(count), uint32(offset)
	}
	h.CaseCount, h.CaseOffset = table(len(w.cases), binary.Size(abi.PlanCase{}))
	h.UnitCount, h.UnitOffset = table(len(w.batches), binary.Size(abi.PlanUnit{}))
	h.StepCount, h.StepOffset = table(len(w.steps), binary.Size(abi.PlanStep{}))
	h.StringBytes, h.StringOffset = table(len(w.strings), 1)
	if at > abi.PlanMaxFile {
		return nil, fmt.Errorf("compile plan: %d cases make a file of %d bytes, more than the agent takes (%d); run fewer at once", len(w.cases), at, abi.PlanMaxFile)
	}
	h.FileSize = uint32(at)

	out := bytes.NewBuffer(make([]byte, 0, at))
	for _, part := range []any{h, w.cases, w.batches, w.steps, w.strings} {
		out.Write(make([]byte, align(out.Len())-out.Len()))
		if err := binary.Write(out, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("compile plan: %w", err)
		}
	}
	out.Write(make([]byte, at-out.Len()))
	data := out.Bytes()
	binary.LittleEndian.PutUint32(data[crcOffset:], crc32.ChecksumIEEE(data)) // the field is still zero
	return data, nil
}

const crcOffset = 16 // of WSKP_HEADER.Crc32

func align(n int) int { return (n + 7) &^ 7 }

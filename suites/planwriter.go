package suites

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"wskharness/driver/abi"
)

// planWriter gathers the tables of a plan. A case that is in it again, with the same seed, shares its batches.
type planWriter struct {
	opts    PlanOptions
	cases   []abi.PlanCase
	batches []abi.PlanBatch
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
		Name: w.text(c.Name()), FirstBatch: uint32(len(w.batches)), BatchCount: uint32(len(batches)),
		TimeoutMs:     uint32(c.Timeout.Milliseconds()),
		TearDownCount: uint32(c.tearDownBatches(batches)), TearDownMs: uint32(c.TearDown.Milliseconds()),
		Suite: w.suite(c), Role: uint32(c.Role),
	}
	first := uint32(len(w.steps))
	for _, b := range batches {
		w.batches = append(w.batches, abi.PlanBatch{
			FirstStep: first + uint32(b.first), StepCount: uint32(b.count),
			Repeat: uint32(b.repeat), Parallel: uint32(b.parallel), ClientStride: uint32(b.stride), SocketStride: uint32(b.sockets),
			TimeoutMs: uint32(b.timeout.Milliseconds()), ForMs: uint32(b.duration.Milliseconds()),
			Groups: uint32(b.groups), Seed: cmp.Or(b.seed, key.seed), Flags: b.flags(c.Steps[b.first].Part),
		})
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		step := abi.PlanStep{Step: s.wire(), Executor: uint32(s.executor)}
		if s.generic != nil {
			step.Text = w.list(s.generic.agentTexts(w.opts.Stored))
		} else if len(s.poolTags) > 0 {
			step.Text = w.list(s.poolTags)
		}
		if w.opts.External != nil && s.op.either {
			step.Executor = uint32(byAgent) // there is no sample to do it
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
	h.BatchCount, h.BatchOffset = table(len(w.batches), binary.Size(abi.PlanBatch{}))
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

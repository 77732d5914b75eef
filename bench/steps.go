package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/suites"
)

const (
	manySteps = 1000
	fewSteps  = 10
)

// steps measures what steps cost that are written one after the other: beside the same steps in a loop inside the
// driver, and in requests.
func (b *bench) steps(ctx context.Context, runs int) error {
	up, err := b.up(ctx)
	if err != nil {
		return err
	}
	defer up.down()
	address, err := up.address()
	if err != nil {
		return err
	}
	s, err := up.connect(ctx, address)
	if err != nil {
		return err
	}
	defer s.close()
	w, err := newWritten(ctx, s)
	if err != nil {
		return err
	}
	for i := range runs + 1 {
		b.counted = i > 0
		if err := b.written(ctx, w, fmt.Sprintf("steps-%d", i)); err != nil {
			return fmt.Errorf("steps that are written one after the other: %w", err)
		}
	}
	return b.print()
}

func (b *bench) written(ctx context.Context, w *written, id string) error {
	side, err := w.run(ctx, id+"-side", "loop", "many")
	if err != nil {
		return err
	}
	few, err := w.run(ctx, id+"-few", "few")
	if err != nil {
		return err
	}
	many, err := w.run(ctx, id+"-many", "many")
	if err != nil {
		return err
	}
	loop, steps := side.took[0], side.took[1]
	b.add("a case of 1,000 steps, beside the same loop in the driver", "×", 3, steps.Seconds()/loop.Seconds())
	b.add("a case of 1,000 steps", "ms", 0, float64(steps.Microseconds())/1000)
	b.add("the same loop in the driver", "ms", 0, float64(loop.Microseconds())/1000)
	b.add("plan, start and events of a case of 1,000 steps", "requests", 0, float64(many.requests))
	b.add("the same, beyond a case of 10 steps", "requests", 3, float64(many.requests-few.requests))
	return nil
}

// written is a suite with the same steps in a loop and one after the other, and the driver to run it.
type written struct {
	session *session
	cases   map[string]*suites.Case
	file    transfer.File
	hash    [32]byte
}

func newWritten(ctx context.Context, s *session) (*written, error) {
	const pair = "[register: {client: a}, deregister: {client: a}]"
	text := "suite: written\ndoc: Steps\ncases:\n" +
		fmt.Sprintf("  - {id: loop, doc: In a loop., steps: [loop: {repeat: %d, steps: %s}]}\n", manySteps/2, pair)
	for id, n := range map[string]int{"many": manySteps, "few": fewSteps} {
		text += fmt.Sprintf("  - {id: %s, doc: One by one., timeout: 1m, steps: [%s]}\n", id,
			strings.TrimSuffix(strings.Repeat(strings.Trim(pair, "[]")+", ", n/2), ", "))
	}
	catalog, err := suites.Load(suites.Source{Name: "written.yaml", Data: []byte(text)})
	if err != nil {
		return nil, err
	}
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	sample, err := driver.Build(ctx, toolchain, driver.SampleSpec(nil), cache)
	if err != nil {
		return nil, err
	}
	w := &written{session: s, cases: map[string]*suites.Case{},
		file: transfer.File{Local: sample.Path, SHA256: sample.SHA256, Path: guest.StorePath(sample.SHA256, "wsksample.sys")}}
	for _, c := range catalog.All() {
		w.cases[c.ID] = c
	}
	if n, err := hex.Decode(w.hash[:], []byte(sample.SHA256)); err != nil || n != len(w.hash) {
		return nil, fmt.Errorf("hash of the driver %q: %v", sample.SHA256, err)
	}
	return w, nil
}

// ran is what a run came to: how long each of its cases took by the guest's clock, and the requests from the plan's first
// byte to the last event.
type ran struct {
	took     []time.Duration
	requests int64
}

func (w *written) run(ctx context.Context, id string, cases ...string) (r ran, err error) {
	var entries []suites.Entry
	for _, name := range cases {
		entries = append(entries, suites.Entry{Case: w.cases[name], Attempt: 1})
	}
	plan, err := suites.Compile(entries, suites.PlanOptions{RunID: id, Service: "wsksample", DriverPath: w.file.Path, DriverSHA256: w.hash})
	if err != nil {
		return r, err
	}
	before := w.session.client.Stats().Requests
	stream, err := w.session.guest.StartRun(ctx, guest.Run{ID: id, Plan: plan, Files: []transfer.File{w.file}})
	if err != nil {
		return r, err
	}
	defer stream.Close()
	var begun time.Duration
	steps := map[int]int{}
	for {
		record, err := stream.Next(ctx)
		if err != nil {
			return r, err
		}
		switch record.Ev {
		case journal.EvCaseStart:
			begun = record.At
		case journal.EvStep:
			steps[record.N]++
		case journal.EvCaseEnd:
			if record.Why != "done" || steps[record.N] != len(entries[record.N].Case.Steps) {
				return r, fmt.Errorf("%s: %s after %d steps", cases[record.N], record.Why, steps[record.N])
			}
			r.took = append(r.took, record.At-begun)
		case journal.EvRunEnd:
			if len(r.took) != len(cases) {
				return r, errors.New("the run ended before its cases did: " + record.Why)
			}
			r.requests = w.session.client.Stats().Requests - before
			return r, nil
		}
	}
}

//go:build linux

package harness

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/suites/output"
)

// journals reads what the guest of a target wrote of each run of the driver, and judges it anew, where the cases are what they
// were. The events come back with those verdicts in the place of the recorded ones. Each line has to be one that the agent has
// printed, where that is known.
func (h *holding) journals(target results.PlanTarget, events []results.Event, printed map[string]bool) []results.Event {
	kept := map[string]bool{}
	for n := 1; ; n++ {
		name := path.Join("targets", target.Name, fmt.Sprintf("journal-%d.ndjson", n))
		text, err := fs.ReadFile(h.files, name)
		if err != nil {
			if slices.ContainsFunc(events, func(e results.Event) bool { return e.Target == target.Name && e.DriverRun != nil && e.DriverRun.N == n }) {
				h.leave("%s: %v", name, err)
				continue
			}
			break
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			kept[line] = true
			if printed != nil && !printed[line] {
				h.differ("%s has a line that no agent has printed: %.100s", name, line)
			}
		}
		events = h.driverRun(target, n, name, text, events)
	}
	for line := range printed {
		if !kept[line] {
			h.differ("%s: the agent has printed a line that is in no journal: %.100s", target.Name, line)
		}
	}
	return events
}

// driverRun judges one run of the driver anew.
func (h *holding) driverRun(target results.PlanTarget, n int, name string, text []byte, events []results.Event) []results.Event {
	own := func(e results.Event) bool { return e.Target == target.Name }
	begin := slices.IndexFunc(events, func(e results.Event) bool {
		return own(e) && e.DriverRun != nil && e.DriverRun.N == n && e.DriverRun.State == results.DriverStarted
	})
	if begin < 0 {
		h.differ("%s: no event tells of this run of the driver", name)
		return events
	}
	end := slices.IndexFunc(events, func(e results.Event) bool {
		return own(e) && e.DriverRun != nil && e.DriverRun.N == n && e.DriverRun.State == results.DriverEnded
	})
	clean := end >= 0 && events[end].DriverRun.Clean
	if end < 0 {
		end = len(events) - 1
	}
	id := DriverRunID(events[0].Run.ID, target.Name, n)
	var records []journal.Record
	at, err := journal.Read(bytes.NewReader(text), id, func(r journal.Record) { records = append(records, r) })
	if err != nil || clean && at.Offset != int64(len(text)) {
		h.differ("%s: %d of %d bytes make sense: %v", name, at.Offset, len(text), err)
		return events
	}
	switch {
	case len(records) == 0:
		h.leave("%s: it has no record", name)
		return events
	case records[0].ABI != abi.ABI:
		h.leave("%s: it is of ABI %d, and today's is %d", name, records[0].ABI, abi.ABI)
		return events
	case !h.same:
		return events
	}
	p := h.planOf(target, n, events, begin, end, records)
	p.ID = id
	got := h.play(p, records, clean)
	h.counts.driverRuns++
	var was, rest []results.Event
	for _, e := range events[begin+1 : end+1] {
		if own(e) && judges(e) {
			was = append(was, e)
		} else {
			rest = append(rest, e)
		}
	}
	for i := range max(len(got), len(was)) {
		switch {
		case i < len(got) && i < len(was) && inShort(got[i]) == inShort(was[i]):
			continue
		case i >= len(got) && !clean:
			return events // what ended it was not in the journal
		case i >= len(got):
			h.differ("%s: event %d is missing: %s", name, was[i].Seq, inShort(was[i]))
		case i >= len(was):
			h.differ("%s: it makes one event more: %s", name, inShort(got[i]))
		default:
			h.differ("%s: event %d is %s, want %s", name, was[i].Seq, inShort(got[i]), inShort(was[i]))
		}
		break
	}
	if !clean {
		return events
	}
	return slices.Concat(events[:begin+1], rest, got, events[end+1:])
}

// judges says whether an event is one of those that follow from a guest's journal.
func judges(e results.Event) bool {
	return slices.Contains([]results.Kind{results.KindCaseStarted, results.KindStep, results.KindCaseFinished, results.KindReplanned}, e.Kind) ||
		e.DriverRun != nil && e.DriverRun.State == results.DriverEnded
}

// inShort is what an event says of the guest, and nothing of the time.
func inShort(e results.Event) string {
	text := fmt.Sprintf("%s %s #%d", e.Kind, e.Case, e.Attempt)
	if s := e.Step; s != nil {
		text += fmt.Sprintf(": step %d %s, %t", s.Index, s.Status, s.OK)
	}
	if d := e.DriverRun; d != nil {
		text += fmt.Sprintf("%d, clean: %t %s", d.N, d.Clean, d.Why)
	}
	if v := e.Verdict; v != nil {
		text += fmt.Sprintf(": %s %q in driver run %d", v.Outcome, v.Reason, v.DriverRun)
		if d := v.Deviation; d != nil {
			text += fmt.Sprintf(", step %d: %s, expected %s", d.Step, d.Actual, d.Expected)
		}
		if v.Known != nil {
			text += ", known: " + v.Known.Reason
		}
	}
	return text
}

// planOf is what the guest was given: the cases that were begun, in their order, and then those that were not, as far as their
// number is known.
func (h *holding) planOf(target results.PlanTarget, n int, events []results.Event, begin, end int, records []journal.Record) driverrun.Plan {
	p := driverrun.Plan{N: n, Target: target.Name, Boot: events[begin].DriverRun.Boot, FailFast: h.request.Request.FailFast, UnheardAfter: time.Minute}
	for _, e := range events[:begin] {
		if f := e.Guest; e.Target == target.Name && f != nil && f.Facts != nil {
			p.Version = cmp.Or(f.Facts.Wine, f.OS[strings.LastIndexByte(f.OS, ' ')+1:])
			if pages := f.Facts.CodePages; pages != nil {
				p.Pages = output.CodePages{ANSI: uint16(pages.ANSI), OEM: uint16(pages.OEM)}
			}
		}
	}
	for _, e := range events[:end] {
		if e.Package != nil {
			p.SHA256 = e.Package.SHA256
		}
	}
	kind := h.stackOf(target.Name).Issues
	if kind == "" {
		kind = guestKind(events[:begin], target.Name)
	}
	p.External = h.request.Request.Config.External != nil
	p.Resident = slices.ContainsFunc(records, func(r journal.Record) bool { return r.Ev == journal.EvDriverLeft && r.OK })
	begun := map[attemptKey]bool{}
	give := func(name string, attempt int) {
		key := attemptKey{name, attempt}
		c := h.caseOf(name)
		if begun[key] || c == nil || len(p.Attempts) == records[0].Cases {
			return
		}
		begun[key] = true
		p.Attempts = append(p.Attempts, driverrun.Attempt{Case: c, Number: attempt, Seed: uint32(events[0].Run.Seed), Known: h.catalog.Known(kind, p.Version, c)})
	}
	for _, e := range events[begin:end] {
		if e.Target == target.Name && e.Kind == results.KindCaseStarted {
			give(e.Case, e.Attempt)
		}
	}
	for attempt := 1; attempt <= max(1, target.Repeat); attempt++ {
		for _, c := range target.Cases {
			give(c.Name, attempt)
		}
	}
	return p
}

func guestKind(events []results.Event, target string) (kind string) {
	for _, e := range events {
		if e.Target == target && e.Guest != nil && e.Guest.Kind != "" {
			kind = e.Guest.Kind
		}
	}
	return kind
}

// play tells a driver run the records, and, where all ended well, that the machine is as it was. Where not, what happened
// besides is not known, and nothing behind the records is judged.
func (h *holding) play(p driverrun.Plan, records []journal.Record, clean bool) (events []results.Event) {
	s := driverrun.New(p)
	now := h.events[0].Time
	apply := func(in driverrun.Input) driverrun.Action {
		now = now.Add(time.Millisecond)
		effects := s.Apply(now, in)
		for _, e := range effects.Write {
			if judges(e) {
				events = append(events, e)
			}
		}
		return effects.Next
	}
	var next driverrun.Action
	for _, r := range records {
		for range 10 { // a crash that the machine may tell of is waited for
			if _, ok := next.(driverrun.AwaitCrash); !ok {
				break
			}
			next = apply(driverrun.Calm{})
		}
		next = apply(driverrun.Recorded{Record: r})
	}
	for range 10 {
		switch next.(type) {
		case driverrun.Confirm:
			next = apply(driverrun.Back{Boot: s.Boot()})
		case driverrun.AwaitCrash:
			next = apply(driverrun.Calm{})
		default:
			if clean && next != nil {
				h.differ("%s: behind the journal it wants %T", p.ID, next)
			}
			return events
		}
		if !clean {
			return events
		}
	}
	return events
}

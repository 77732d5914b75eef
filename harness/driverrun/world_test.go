package driverrun

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

const (
	firstBoot  = "11111111-1111-1111-1111-111111111111"
	secondBoot = "22222222-2222-2222-2222-222222222222"
	runID      = "r-wine-1"
)

var deployed = strings.Repeat("ab", 32)

const threeCases = `suite: s
doc: d
cases:
  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: two, doc: d, steps: [register: {client: a}, sleep: 1ms, deregister: {client: a}]}
  - {id: three, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}
`

// planOf is a plan of the cases of a suite.
func planOf(t testing.TB, suite string) Plan {
	t.Helper()
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(suite)})
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{N: 1, ID: runID, Target: "wine", Boot: firstBoot, SHA256: deployed, Service: "wsksample", UnheardAfter: time.Minute}
	for _, c := range suites.Whole(catalog.All()) {
		p.Attempts = append(p.Attempts, Attempt{Case: c, Number: 1})
	}
	return p
}

// wellBehaved is the journal of a run in which everything is as declared.
func wellBehaved(p Plan) []journal.Record {
	records := []journal.Record{
		{Ev: journal.EvRunStart, Run: p.ID, ABI: abi.ABI, Boot: p.Boot, Cases: len(p.Attempts)},
		{Ev: journal.EvDriverStart, OK: true, SHA256: p.SHA256},
	}
	for n, a := range p.Attempts {
		records = append(records, journal.Record{Ev: journal.EvCaseStart, N: n})
		for i := range a.Case.Steps {
			s := &a.Case.Steps[i]
			if s.Reboots() {
				boot := fmt.Sprintf("%08d-2222-2222-2222-222222222222", n+1)
				records = append(records, journal.Record{Ev: journal.EvReboot, N: n, Step: i}, journal.Record{Ev: journal.EvBoot, Boot: boot})
			}
			r := journal.Record{Ev: journal.EvStep, N: n, Step: i, Origin: abi.OriginCall, Runs: 1, OK: true}
			if len(s.Expect) > 0 {
				r.Status = s.Expect[0]
			}
			records = append(records, r)
		}
		records = append(records, journal.Record{Ev: journal.EvCaseEnd, N: n, Ran: len(a.Case.Steps), Why: "done"})
	}
	records = append(records, journal.Record{Ev: journal.EvDriverStop, OK: true, SHA256: p.SHA256},
		journal.Record{Ev: journal.EvRunEnd, Why: "done", Cases: len(p.Attempts)})
	return numbered(records)
}

// numbered gives records the numbers and places that they would have in a journal.
func numbered(records []journal.Record) []journal.Record {
	all := make([]journal.Record, len(records))
	var offset int64
	for i, r := range records {
		r.Seq, r.Offset, r.At = uint64(i+1), offset, max(r.At, time.Duration(i)*time.Millisecond)
		r.Raw = []byte("0123456789")
		offset += int64(len(r.Raw)) + 1
		all[i] = r
	}
	return all
}

// world is a guest and its machine, as far as a driver run notes: it delivers records, and then something happens.
type world struct {
	records   []journal.Record
	then      string           // happens behind the records: see happens
	rest      []journal.Record // found in the journal when that is read to its end
	truncated bool             // it can't be
	behind    string           // happens behind the final record
	resumed   int              // so many of the records an earlier controller had read
	late      bool             // the machine tells of a crash when the agent has said all that it had to
	dumps     int              // that the guest has left
	limit     string           // of an interrupt that comes with the first record
	stop      bool             // the interrupt comes

	at    int
	now   time.Time
	boot  string // that the records have got to
	asked bool
}

// happens is what comes of an action behind the last record.
func (w *world) happens() Input {
	switch w.then {
	case "panic":
		return Panicked{Event: vm.Event{Kind: vm.Panicked, Code: 0xD1, Module: "wsksample.sys", ModuleOffset: 0x1a2c}}
	case "timeout":
		return TimedOut{ResponseTimeout: time.Minute}
	case "kill":
		return Broke{Ended, "its process ended"}
	case "reboot", "gone":
		return Broke{Lost, "contact lost"}
	case "absent":
		if w.asked {
			return Broke{Absent, "no journal"}
		}
		w.asked = true
		return Broke{Lost, "the start was not answered"}
	case "abandoned":
		return Abandoned{}
	}
	return Broke{Failed, "no more records"}
}

// answer is what comes of an action.
func (w *world) answer(next Action) Input {
	w.now = w.now.Add(time.Second)
	switch a := next.(type) {
	case Listen:
		if w.stop && w.at > 0 {
			w.stop = false
			return Interrupted{w.limit}
		}
		if w.at < len(w.records) {
			w.at++
			if r := w.records[w.at-1]; r.Boot != "" {
				w.boot = r.Boot
			}
			return Recorded{w.records[w.at-1]}
		}
		return w.happens()
	case Follow, StartAgain:
		if w.at > 0 && w.then != "absent" {
			return Opened{}
		}
		return w.happens()
	case Reconnect:
		switch w.then {
		case "reboot":
			return Back{secondBoot}
		case "gone":
			return Away{"nobody answers"}
		}
		return Back{cmp.Or(w.boot, firstBoot)}
	case AwaitCrash:
		if w.late {
			w.then = "panic"
			return w.happens()
		}
		return Calm{5 * time.Second}
	case Confirm:
		switch w.behind {
		case "panic":
			w.then = "panic"
			return w.happens()
		case "reboot":
			return Back{secondBoot}
		case "gone":
			return Away{"nobody answers"}
		}
		return Back{cmp.Or(w.boot, firstBoot)}
	case ReadRest:
		if len(w.rest) > 0 {
			r := w.rest[0]
			w.rest = w.rest[1:]
			return Recorded{r}
		}
		if w.truncated {
			return Read{Truncated: "nobody answers"}
		}
		return Read{}
	case Collect:
		return w.collect(a)
	}
	return nil
}

func (w *world) collect(a Collect) Told {
	switch {
	case a.What == CrashDumps && w.dumps > 0:
		return Told{Evidence: []results.Evidence{{Kind: "dump", Text: "MEMORY.DMP"}}}
	case a.What == EventLog:
		return Told{Says: "there is no System event log to ask"}
	case a.What == FullDisk:
		return Told{}
	}
	return Told{Evidence: []results.Evidence{{Kind: string(a.What)}}}
}

// live plays a driver run in a world to its end, and returns the events that it wrote.
func live(t testing.TB, p Plan, w *world) (*State, []results.Event) {
	t.Helper()
	s, events := New(p), []results.Event(nil)
	w.now = time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	var next Action = Listen{}
	for w.at < w.resumed { // as a controller does that reads its copy of the journal again
		w.at++
		effects := s.Apply(w.now, Recorded{w.records[w.at-1]})
		events, next = append(events, effects.Write...), effects.Next
	}
	for range 10_000 {
		in := w.answer(next)
		if in == nil {
			return s, events
		}
		effects := s.Apply(w.now, in)
		events = append(events, effects.Write...)
		next = effects.Next
	}
	t.Fatalf("it does not end: phase %s, action %T", s.Phase(), next)
	return nil, nil
}

// record folds the events as the record of a run does.
func record(p Plan, events []results.Event) *results.Record {
	plan := results.PlanTarget{Name: p.Target, Repeat: 1}
	for _, a := range p.Attempts {
		plan.Cases = append(plan.Cases, results.PlanCase{Name: a.Case.Name()})
	}
	all := append([]results.Event{{Kind: results.KindRunStarted, Run: &results.Run{ID: "r", Plan: []results.PlanTarget{plan}}}}, events...)
	return results.Reduce(append(all, results.Event{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: results.Done}}))
}

// verdicts are the outcomes of a record: one word for each case, those of the harness's own first.
func verdicts(rec *results.Record) string {
	var words []string
	for _, c := range rec.Targets[0].Cases {
		word := string(c.Final)
		if !c.Planned {
			word = c.Name + " " + word
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

package driverrun

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
)

// What makes a pass is a conjunction. Each table here spoils one clause of one after the other.

// TestProven: the driver's clean end, the guest's own word of it, and an ending that leaves no doubt.
func TestProven(t *testing.T) {
	proven := func() *State { return &State{driver: stoppedClean, ended: &journal.Record{}, ending: finished} }
	if !proven().proven() {
		t.Error("what ended as it should is not proven")
	}
	spoilt := map[string]*State{"no terminal record": {driver: stoppedClean, ending: finished}}
	for _, driver := range []driverPhase{notStarted, startFailure, running, stoppedBad} {
		s := proven()
		s.driver = driver
		spoilt["the driver: "+string(driver)] = s
	}
	for _, ending := range []ending{ongoing, crashed, rebooted, unresponsive, killed, gone, unheard, untrusted, abandoned} {
		s := proven()
		s.ending = ending
		spoilt["the ending: "+string(ending)] = s
	}
	for name, s := range spoilt {
		if s.proven() {
			t.Errorf("%s: it is proven", name)
		}
	}
}

// TestDriverEnd: the driver ended clean where the guest says so, and in no other way.
func TestDriverEnd(t *testing.T) {
	for _, kind := range []journal.Event{journal.EvDriverStop, journal.EvDriverLeft} {
		for ok, want := range map[bool]driverPhase{true: stoppedClean, false: stoppedBad} {
			s := New(Plan{})
			s.out = &Effects{}
			if s.driverEnd(journal.Record{Ev: kind, OK: ok, Why: "state"}); s.driver != want || (s.outcome.Tainted == "") != ok {
				t.Errorf("%s, ok %t: the driver %s, tainted: %q", kind, ok, s.driver, s.outcome.Tainted)
			}
		}
	}
}

// passing is an attempt at the case of judgedSuite that has ended, with all that makes a pass.
func passing(t *testing.T) *attempt {
	t.Helper()
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(judgedSuite)}, suites.Source{Name: "known.yaml", Data: []byte(oddIsKnown)})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	a := &attempt{Attempt: Attempt{Case: c, Number: 1}, end: &journal.Record{Ev: journal.EvCaseEnd, Ran: len(c.Steps), Why: "done"}}
	for i := range c.Steps {
		a.steps = append(a.steps, suites.StepResult{Step: i, Status: c.Steps[i].Expect[0], Runs: 1, Values: make([]uint64, 10)})
	}
	return a
}

// declared makes the case's known issue of it.
func declared(t *testing.T, a *attempt) []suites.Deviation {
	t.Helper()
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(judgedSuite)}, suites.Source{Name: "known.yaml", Data: []byte(oddIsKnown)})
	if err != nil {
		t.Fatal(err)
	}
	a.Known = catalog.Known("wine", "8.0", catalog.All()[0])
	end := journal.Record{Ev: journal.EvCaseEnd}
	a.steps, a.end = deviates(a.steps, &end), &end
	a.end.Ran = len(a.steps)
	return a.Case.Judge(a.steps)
}

// spoilers are what is wrong with an attempt beside what its steps came to. Each is one clause of a pass, and of a known issue.
func spoilers() map[string]func(*attempt) {
	all := map[string]func(*attempt){
		"it did not come back in time":            func(a *attempt) { a.end.Why = "timeout" },
		"it hangs":                                func(a *attempt) { a.end.Why = "hang" },
		"it changed what can't be undone":         func(a *attempt) { a.end.Kept = 1 },
		"its driver could not be brought back":    func(a *attempt) { a.end.Back = "start" },
		"its driver's DriverEntry hangs":          func(a *attempt) { a.end.Back = "hang" },
		"an external driver is not loaded":        func(a *attempt) { a.external, a.end.Driver = true, "stopped" },
		"an external driver is not told of":       func(a *attempt) { a.external = true },
		"other steps ran than were reported":      func(a *attempt) { a.end.Ran++ },
		"the agent did not run it for its set-up": func(a *attempt) { a.end.Why = "unready" },
	}
	kinds := reflect.TypeFor[journal.Residue]()
	for i := range kinds.NumField() {
		name := kinds.Field(i).Name
		all["it left what can't be tidied up: "+name] = func(a *attempt) { reflect.ValueOf(&a.end.After).Elem().Field(i).SetUint(1) }
	}
	return all
}

// TestPass spoils one condition of a pass after the other.
func TestPass(t *testing.T) {
	rows := spoilers()
	kinds := reflect.TypeFor[journal.Residue]()
	for i := range kinds.NumField() {
		name := kinds.Field(i).Name
		rows["it left something behind: "+name] = func(a *attempt) { reflect.ValueOf(&a.end.Left).Elem().Field(i).SetUint(1) }
	}
	rows["the agent objects to the case"] = func(a *attempt) { a.end.Why = "deviation" }
	rows["the agent objects to a step"] = func(a *attempt) { a.steps[2].Refuted = true }
	rows["not all steps ran"] = func(a *attempt) { a.steps, a.end.Ran = a.steps[:3], 3 }
	rows["it was interrupted"] = func(a *attempt) { a.end.Why = "cancelled" }
	if v := passing(t).judge("8.0", nil, nil); v.Outcome != results.Pass || v.Reason != "" {
		t.Errorf("with all that makes a pass: %s, %q", v.Outcome, v.Reason)
	}
	ready := passing(t)
	ready.external, ready.end.Driver = true, "running"
	if v := ready.judge("8.0", nil, nil); v.Outcome != results.Pass {
		t.Errorf("of an external driver: %s, %q", v.Outcome, v.Reason)
	}
	for name, spoil := range rows {
		a := passing(t)
		spoil(a)
		if v := a.judge("8.0", nil, nil); v.Outcome.Expected() || v.Reason == "" {
			t.Errorf("%s: %s, %q", name, v.Outcome, v.Reason)
		}
	}
	for _, name := range []string{"it hangs", "its driver's DriverEntry hangs", "it left what can't be tidied up: Threads"} {
		a := passing(t)
		if rows[name](a); a.judge("8.0", nil, nil).Outcome != results.Hang {
			t.Errorf("%s: %s", name, a.judge("8.0", nil, nil).Outcome)
		}
	}
	if v := passing(t).judge("8.0", []suites.Deviation{{Step: 1, Kind: suites.KindOutput}}, nil); v.Outcome != results.Fail || v.Deviation == nil {
		t.Errorf("a step was not as declared: %s, %q", v.Outcome, v.Reason)
	}
	known := passing(t)
	declared(t, known)
	again := passing(t)
	again.Known = known.Known
	if v := again.judge("8.0", nil, nil); v.Outcome != results.UnexpectedPass || v.Known == nil {
		t.Errorf("it is declared not to pass: %s, %q", v.Outcome, v.Reason)
	}
	for name, setUp := range map[string]*results.Verdict{"has no verdict": nil, "failed": {Outcome: results.Fail}, "was lost": {Outcome: results.Lost}} {
		if v := passing(t).judge("8.0", nil, &attempt{Attempt: passing(t).Attempt, verdict: setUp}); v.Outcome != results.Fail {
			t.Errorf("the suite's set-up %s: %s, %q", name, v.Outcome, v.Reason)
		}
	}
	for _, o := range []results.Outcome{results.Pass, results.KnownIssue} {
		if v := passing(t).judge("8.0", nil, &attempt{Attempt: passing(t).Attempt, verdict: &results.Verdict{Outcome: o}}); v.Outcome != results.Pass {
			t.Errorf("the suite's set-up came to %s: %s, %q", o, v.Outcome, v.Reason)
		}
	}
}

// TestKnownIssueIsAlone spoils what a known issue excuses: its own deviation, where nothing else is wrong.
func TestKnownIssueIsAlone(t *testing.T) {
	a := passing(t)
	if v := a.judge("8.0", declared(t, a), nil); v.Outcome != results.KnownIssue || v.Known == nil {
		t.Errorf("alone: %s, %q", v.Outcome, v.Reason)
	}
	rows := spoilers()
	rows["the agent did not notice"] = func(a *attempt) { a.end.Why = "done" }
	rows["another status"] = func(a *attempt) { a.steps[1].Status = 0xC0000001 }
	rows["another step deviates"] = func(a *attempt) { a.steps[0].Status = 0xC0000001 }
	rows["its tear-down deviates, too"] = func(a *attempt) { a.steps[2].Status = 0xC0000001 }
	rows["it is declared of another guest"] = func(a *attempt) { a.Known = nil }
	for name, spoil := range rows {
		a := passing(t)
		declared(t, a)
		spoil(a)
		if v := a.judge("8.0", a.Case.Judge(a.steps), nil); v.Outcome.Expected() || v.Known != nil {
			t.Errorf("%s: %s, %q", name, v.Outcome, v.Reason)
		}
	}
	after := suites.Deviation{Step: 3, Kind: suites.KindMissing, Part: suites.TearDown}
	if v := a.judge("8.0", append(a.Case.Judge(a.steps), after), nil); v.Outcome.Expected() {
		t.Errorf("its tear-down did not run: %s, %q", v.Outcome, v.Reason)
	}
}

// TestAgreement: the agent and the controller find the same, clause by clause.
func TestAgreement(t *testing.T) {
	deviation := []suites.Deviation{{Step: 1, Kind: suites.KindStatus}}
	unseen := []suites.Deviation{{Step: 1, Kind: suites.KindOutput}}
	for name, test := range map[string]struct {
		change     func(*attempt)
		deviations []suites.Deviation
		agree      bool
	}{
		"all is as declared":                      {func(*attempt) {}, nil, true},
		"both find a deviation":                   {func(a *attempt) { a.end.Why, a.steps[1].Refuted = "deviation", true }, deviation, true},
		"the controller alone can find it":        {func(*attempt) {}, unseen, true},
		"only the agent finds one":                {func(a *attempt) { a.end.Why = "deviation" }, nil, false},
		"only the controller does":                {func(*attempt) {}, deviation, false},
		"the agent objects to a step":             {func(a *attempt) { a.steps[2].Refuted = true }, nil, false},
		"to that which deviates":                  {func(a *attempt) { a.steps[1].Refuted = true }, unseen, true},
		"more steps ran than are known":           {func(a *attempt) { a.end.Ran++; a.end.Why = "timeout" }, nil, false},
		"fewer did":                               {func(a *attempt) { a.end.Ran--; a.end.Why = "timeout" }, nil, false},
		"not all of the case's did, and it ended": {func(a *attempt) { a.steps, a.end.Ran = a.steps[:3], 3 }, nil, false},
		"not all did, and its time was up":        {func(a *attempt) { a.steps, a.end.Ran, a.end.Why = a.steps[:3], 3, "timeout" }, nil, true},
	} {
		a := passing(t)
		test.change(a)
		if found := a.agreement(test.deviations); (len(found) == 0) != test.agree || !test.agree && found[0].outcome != results.Error {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// TestWorst: without a finding it is a pass, and else what the worst one says, with the reasons of all.
func TestWorst(t *testing.T) {
	if outcome, reason := worst(nil); outcome != results.Pass || reason != "" {
		t.Errorf("nothing: %s, %q", outcome, reason)
	}
	all := results.Outcomes()
	for i, bad := range all {
		for _, less := range all[i:] {
			for _, found := range [][]finding{{{bad, "b"}, {less, "l"}}, {{less, "l"}, {bad, "b"}}} {
				outcome, reason := worst(found)
				if outcome != bad || !strings.Contains(reason, "b") || !strings.Contains(reason, "l") || bad != less && !strings.HasPrefix(reason, "b") {
					t.Errorf("%v come to %s, %q", found, outcome, reason)
				}
			}
		}
	}
}

// TestUnprovenPasses: what had passed in a driver run that is not proven runs again where a case is to blame for that, once, and
// where the journal can be believed and the run goes on. Else it is an error.
func TestUnprovenPasses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*State)
		again  bool
	}{
		"a case is to blame":                {func(*State) {}, true},
		"none is":                           {func(s *State) { s.culprit = nil }, false},
		"it runs again already":             {func(s *State) { s.attempts[0].Again = true }, false},
		"the journal can't be believed":     {func(s *State) { s.ending = untrusted }, false},
		"the run was cancelled":             {func(s *State) { s.cancelled = true }, false},
		"no other driver run can do better": {func(s *State) { s.outcome.Over = "the driver did not start" }, false},
	} {
		for _, o := range []results.Outcome{results.Pass, results.KnownIssue} {
			s := New(planOf(t, threeCases))
			s.out, s.ending, s.driver, s.ended = &Effects{}, crashed, running, nil
			s.attempts[0].verdict = &results.Verdict{Outcome: o}
			s.attempts[1].verdict = &results.Verdict{Outcome: results.Bugcheck}
			s.culprit = s.attempts[1]
			test.change(s)
			s.prove()
			verdict, void := s.attempts[0].verdict, s.attempts[0].void
			if void != test.again || !test.again && (verdict == nil || verdict.Outcome != results.Error) {
				t.Errorf("%s, %s: %+v, runs again %t", name, o, verdict, void)
			}
			if v := s.attempts[1].verdict; v == nil || v.Outcome != results.Bugcheck || s.attempts[1].void || s.attempts[2].verdict != nil {
				t.Errorf("%s: what had not passed is %+v, and %+v", name, v, s.attempts[2].verdict)
			}
			if slices.ContainsFunc(s.out.Write, func(e results.Event) bool { return e.DriverRun != nil && e.DriverRun.Clean }) {
				t.Errorf("%s: the driver run is recorded as clean", name)
			}
		}
	}
	s := New(planOf(t, threeCases))
	s.out, s.ending, s.driver, s.ended = &Effects{}, finished, stoppedClean, &journal.Record{}
	s.attempts[0].verdict = &results.Verdict{Outcome: results.Pass}
	if s.prove(); s.attempts[0].verdict.Outcome != results.Pass || len(s.out.Write) != 1 || !s.out.Write[0].DriverRun.Clean {
		t.Errorf("a driver run that is proven: %+v, %+v", s.attempts[0].verdict, s.out.Write)
	}
}

// TestVerdictOnlyGetsWorse: no later word makes a verdict better.
func TestVerdictOnlyGetsWorse(t *testing.T) {
	for i, first := range results.Outcomes() {
		for j, second := range results.Outcomes() {
			s := New(planOf(t, threeCases))
			s.out = &Effects{}
			a := s.attempts[0]
			s.judge(a, results.Verdict{Outcome: first})
			s.judge(a, results.Verdict{Outcome: second})
			if want := results.Outcomes()[min(i, j)]; a.verdict.Outcome != want || a.verdict.DriverRun != 1 {
				t.Errorf("%s and then %s: %s of driver run %d", first, second, a.verdict.Outcome, a.verdict.DriverRun)
			}
		}
	}
}

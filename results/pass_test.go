package results

import "testing"

// What makes a pass is a conjunction. Each table here spoils one clause of one after the other.

// TestProof: what was as expected counts with the clean end of the driver run that it rests on, recorded behind it.
func TestProof(t *testing.T) {
	clean := map[int]DriverRun{1: {N: 1, State: DriverEnded, Clean: true}}
	passed := Verdict{Outcome: Pass, DriverRun: 1}
	for name, test := range map[string]struct {
		runs    map[int]DriverRun
		attempt AttemptState
		missing string
		proven  bool
	}{
		"a pass":                     {clean, AttemptState{Attempt: Attempt{Verdict: passed}}, "", true},
		"a known issue":              {clean, AttemptState{Attempt: Attempt{Verdict: Verdict{Outcome: KnownIssue, DriverRun: 1}}}, "", true},
		"recorded behind that end":   {clean, AttemptState{Attempt: Attempt{Verdict: passed}, late: true}, "the verdict was recorded when its run of the driver was over", false},
		"no driver run is over":      {nil, AttemptState{Attempt: Attempt{Verdict: passed}}, "the record does not say that the driver was unloaded afterwards", false},
		"another is over":            {clean, AttemptState{Attempt: Attempt{Verdict: Verdict{Outcome: Pass, DriverRun: 2}}}, "the record does not say that the driver was unloaded afterwards", false},
		"it did not end clean":       {map[int]DriverRun{1: {N: 1, State: DriverEnded}}, AttemptState{Attempt: Attempt{Verdict: passed}}, "the record does not say that the driver was unloaded afterwards", false},
		"nor clean, and it says why": {map[int]DriverRun{1: {N: 1, State: DriverEnded, Why: "it crashed"}}, AttemptState{Attempt: Attempt{Verdict: passed}}, "it crashed", false},
	} {
		if missing, proven := (&TargetState{runs: test.runs}).proof(&test.attempt); missing != test.missing || proven != test.proven {
			t.Errorf("%s: %q, %t", name, missing, proven)
		}
	}
	for _, o := range Outcomes() {
		if _, proven := (&TargetState{}).proof(&AttemptState{Attempt: Attempt{Verdict: Verdict{Outcome: o}}}); proven == o.Expected() {
			t.Errorf("%s without a proof: %t", o, proven)
		}
	}
}

// TestDriverRunThatIsOver: a driver run is over by the first event that says so, and by nothing else.
func TestDriverRunThatIsOver(t *testing.T) {
	clean, bad := DriverRun{N: 1, State: DriverEnded, Clean: true}, DriverRun{N: 1, State: DriverEnded, Why: "it crashed"}
	for name, test := range map[string]struct {
		events []DriverRun
		want   bool // is it clean?
	}{
		"a clean end":               {[]DriverRun{clean}, true},
		"a clean end, and one more": {[]DriverRun{clean, bad}, true},
		"an end that is not":        {[]DriverRun{bad, clean}, false},
		"no end":                    {[]DriverRun{{N: 1, State: DriverStarted, Clean: true}}, false},
		"the end of another":        {[]DriverRun{{N: 2, State: DriverEnded, Clean: true}}, false},
	} {
		f := NewFold()
		for _, d := range test.events {
			f.Apply(Event{Kind: KindDriverRun, Target: "wine", DriverRun: &d})
		}
		if got := f.target("wine").runs[1].Clean; got != test.want {
			t.Errorf("%s: clean %t", name, got)
		}
	}
}

// TestSettledCase: a planned case passes with as many attempts as are planned that count, all judged and proven.
func TestSettledCase(t *testing.T) {
	verdict := func(number int, v Verdict) Event {
		v.DriverRun = 1
		return Event{Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: number, Verdict: &v}
	}
	begin := func(number int) Event {
		return Event{Kind: KindCaseStarted, Target: "wine", Case: "a.b", Attempt: number}
	}
	void := Event{Kind: KindReplanned, Target: "wine", Case: "a.b", Attempt: 2, Notice: &Notice{Text: "it runs again"}}
	end := Event{Kind: KindDriverRun, Target: "wine", DriverRun: &DriverRun{N: 1, State: DriverEnded, Clean: true}}
	passed, known, failed := Verdict{Outcome: Pass}, Verdict{Outcome: KnownIssue}, Verdict{Outcome: Fail}
	both := []Event{begin(1), verdict(1, passed), begin(2), verdict(2, passed)}
	for name, test := range map[string]struct {
		events []Event
		want   Outcome
	}{
		"both attempts passed":               {append(both[:4:4], end), Pass},
		"one was not made":                   {[]Event{begin(1), verdict(1, passed), end}, NotRun},
		"none was":                           {nil, NotRun},
		"one was not judged":                 {[]Event{begin(1), verdict(1, passed), begin(2), end}, Lost},
		"one failed":                         {[]Event{begin(1), verdict(1, passed), begin(2), verdict(2, failed), end}, Flaky},
		"they are not proven":                {both, Error},
		"one was judged behind the end":      {[]Event{begin(1), verdict(1, passed), end, begin(2), verdict(2, passed)}, Error},
		"one is void":                        {append(both[:4:4], void, end), NotRun},
		"one is void, and passes anew":       {append(both[:4:4], void, begin(2), verdict(2, passed), end), Pass},
		"one is void, and is judged anew":    {[]Event{begin(1), verdict(1, passed), begin(2), verdict(2, known), void, verdict(2, passed), end}, Pass},
		"one is void, and fails anew":        {append(both[:4:4], void, begin(2), verdict(2, failed), end), Flaky},
		"one failed, and is said to pass":    {append(both[:4:4], verdict(2, failed), verdict(2, passed), end), Flaky},
		"one failed, and is said to be void": {append(both[:4:4], verdict(2, failed), void, verdict(2, passed), end), Flaky},
	} {
		events := append([]Event{{Kind: KindRunStarted, Run: &Run{Plan: []PlanTarget{{Name: "wine", Repeat: 2, Cases: []PlanCase{{Name: "a.b"}}}}}}}, test.events...)
		if got := Reduce(events).Targets[0].Cases[0].Final; got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestNothingButPassesPass tries all there is, for up to three attempts: a case passes if each of its attempts does, it is as
// expected if each is, and a crash or a hang is never hidden.
func TestNothingButPassesPass(t *testing.T) {
	all := append(Outcomes(), "") // "": no attempt
	for _, a := range all {
		for _, b := range all {
			for _, c := range all {
				var attempts []Outcome
				pass, expected := true, true
				for _, o := range []Outcome{a, b, c} {
					if o != "" {
						attempts, pass, expected = append(attempts, o), pass && o == Pass, expected && (o == Pass || o == KnownIssue)
					}
				}
				made := len(attempts) > 0
				got := combine(attempts)
				if (got == Pass) != (made && pass) || got.Expected() != (made && expected) {
					t.Errorf("%v come to %s", attempts, got)
				}
				for _, o := range attempts {
					if (o == Bugcheck || o == Hang) && got.Compare(o) > 0 {
						t.Errorf("%v come to %s", attempts, got)
					}
				}
			}
		}
	}
}

// TestExitOK spoils what a run needs for exit code 0.
func TestExitOK(t *testing.T) {
	good := func() *Record {
		return &Record{Reason: Done, Counts: Counts{Pass: 1}, Targets: []TargetRecord{{Name: "wine", Cases: []CaseRecord{{Final: Pass}}}}}
	}
	for name, test := range map[string]struct {
		spoil  func(*Record)
		policy Policy
		want   int
	}{
		"all is well":                     {func(*Record) {}, Policy{}, ExitOK},
		"it was interrupted":              {func(r *Record) { r.Reason = Interrupted }, Policy{}, ExitInterrupted},
		"nothing was built":               {func(r *Record) { r.Reason = NotBuilt }, Policy{}, ExitBuild},
		"the harness failed":              {func(r *Record) { r.Reason = Failed }, Policy{}, ExitInfrastructure},
		"the record has no end":           {func(r *Record) { r.Reason = "" }, Policy{}, ExitInfrastructure},
		"a target was troubled":           {func(r *Record) { r.Targets[0].Trouble = "no answer" }, Policy{}, ExitInfrastructure},
		"no case was selected":            {func(r *Record) { r.Counts, r.Targets[0].Cases = nil, nil }, Policy{}, ExitNothing},
		"none, and a target was troubled": {func(r *Record) { r.Counts, r.Targets[0].Cases, r.Targets[0].Trouble = nil, nil, "no answer" }, Policy{}, ExitInfrastructure},
		"all were skipped":                {func(r *Record) { r.Counts, r.Targets[0].Cases[0].Final = Counts{Skip: 1}, Skip }, Policy{}, ExitNothing},
		"all were, as is allowed":         {func(r *Record) { r.Counts, r.Targets[0].Cases[0].Final = Counts{Skip: 1}, Skip }, Policy{SkippedOK: true}, ExitOK},
		"one of two was":                  {func(r *Record) { r.Counts = Counts{Skip: 1, Pass: 1} }, Policy{}, ExitOK},
		"attempts disagree":               {func(r *Record) { r.Targets[0].Cases[0] = flakyCase() }, Policy{}, ExitOK},
		"which is to fail":                {func(r *Record) { r.Targets[0].Cases[0] = flakyCase() }, Policy{FlakyFails: true}, ExitFailed},
	} {
		rec := good()
		test.spoil(rec)
		if got := ExitCode(rec, test.policy); got != test.want {
			t.Errorf("%s: exit code %d, want %d", name, got, test.want)
		}
	}
	want := map[Outcome]int{Pass: ExitOK, KnownIssue: ExitOK, Skip: ExitOK, Flaky: ExitOK, Fail: ExitFailed, UnexpectedPass: ExitFailed, Bugcheck: ExitFailed,
		Hang: ExitFailed, Lost: ExitInfrastructure, Error: ExitInfrastructure, Cancelled: ExitInfrastructure, NotRun: ExitInfrastructure}
	for _, o := range Outcomes() {
		rec := good()
		rec.Counts, rec.Targets[0].Cases = Counts{Pass: 1, o: 1}, append(rec.Targets[0].Cases, CaseRecord{Final: o})
		if got := ExitCode(rec, Policy{}); got != want[o] {
			t.Errorf("%s: exit code %d, want %d", o, got, want[o])
		}
	}
}

// flakyCase has an attempt that passed, and one that did not.
func flakyCase() CaseRecord {
	return CaseRecord{Final: Flaky, Attempts: []Attempt{{Verdict: Verdict{Outcome: Pass}}, {Verdict: Verdict{Outcome: Fail}}}}
}

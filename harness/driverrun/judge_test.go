package driverrun

import (
	"slices"
	"strings"
	"testing"

	"wskharness/driver/abi"
	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
)

const judgedSuite = `suite: s
doc: d
cases:
  - id: odd
    doc: d
    steps:
      - register: {client: a}
      - {name: odd, capture: {client: a, wait: none}, expect: STATUS_DEVICE_NOT_READY}
      - deregister: {client: a}
    tear_down:
      - sleep: 1ms
`

// judged is an attempt of that case that has ended, each step as declared but for what change does to it.
func judged(t *testing.T, known, own bool, change func(steps []suites.StepResult, end *journal.Record) []suites.StepResult) results.Verdict {
	t.Helper()
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(judgedSuite)}, suites.Source{Name: "known.yaml", Data: []byte(oddIsKnown)})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	a := &attempt{Attempt: Attempt{Case: c, Number: 1}, external: own}
	if known {
		a.Known = catalog.Known("wine", "8.0", c)
	}
	end := journal.Record{Ev: journal.EvCaseEnd, Ran: 4, Why: "done"}
	if own {
		end.Driver = "running"
	}
	for i := range c.Steps {
		a.steps = append(a.steps, suites.StepResult{Step: i, Status: c.Steps[i].Expect[0], Runs: 1, Values: make([]uint64, 10)})
	}
	a.steps, a.end = change(a.steps, &end), &end
	end.Ran = len(a.steps)
	return a.judge("8.0", a.Case.Judge(a.steps), nil)
}

// deviates is what the known issue declares: the capture succeeds, the agent notices, and only the tear-down runs after it.
func deviates(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
	steps[1].Status, steps[1].Refuted = 0, true
	end.Why = "deviation"
	return []suites.StepResult{steps[0], steps[1], steps[3]}
}

// TestEveryConditionIsJudged breaks one condition of a pass after the other, with and without a known issue: the worst is
// the verdict, all are told, and a known issue excuses its own deviation and nothing else.
func TestEveryConditionIsJudged(t *testing.T) {
	type change = func([]suites.StepResult, *journal.Record) []suites.StepResult
	and := func(first change, then func(*journal.Record)) change {
		return func(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
			steps = first(steps, end)
			then(end)
			return steps
		}
	}
	asDeclared := func(steps []suites.StepResult, _ *journal.Record) []suites.StepResult { return steps }
	cantTidy := func(end *journal.Record) { end.After.PoolBlocks, end.Left.PoolBlocks = 1, 1 }
	for name, test := range map[string]struct {
		known, own bool
		change     change
		want       results.Outcome
		why        []string
	}{
		"as declared":                    {false, false, asDeclared, results.Pass, nil},
		"declared as a known issue":      {true, false, asDeclared, results.UnexpectedPass, []string{"but it passed"}},
		"a deviation":                    {false, false, deviates, results.Fail, nil},
		"the known issue":                {true, false, deviates, results.KnownIssue, nil},
		"and it leaves something behind": {true, false, and(deviates, cantTidy), results.Fail, []string{"could not be tidied up: 1 × pool block", "does not excuse anything else"}},
		"and a thread is still there":    {true, false, and(deviates, func(end *journal.Record) { end.After.Threads = 1 }), results.Hang, []string{"still there is 1 × thread"}},
		"and its driver is gone":         {true, true, and(deviates, func(end *journal.Record) { end.Driver = "stopped" }), results.Fail, []string{"its service is stopped", "does not excuse"}},
		"and its driver is not told of":  {true, true, and(deviates, func(end *journal.Record) { end.Driver = "" }), results.Fail, []string{"its service is none"}},
		"and its driver does not come back": {true, false, and(deviates, func(end *journal.Record) { end.Back, end.Entry = "start", 0xC0000001 }), results.Fail,
			[]string{"could not be brought back: DriverEntry returned STATUS_UNSUCCESSFUL"}},
		"and the agent has not noticed": {true, false, and(deviates, func(end *journal.Record) { end.Why = "done" }), results.Fail, []string{"agent and controller disagree", "does not excuse"}},
		"and it ran out of time":        {true, false, and(deviates, func(end *journal.Record) { end.Why = "timeout" }), results.Fail, []string{"limit of"}},
		"and it hangs":                  {true, false, and(deviates, func(end *journal.Record) { end.Why, end.Under = "hang", &journal.StepRange{First: 1, Count: 1} }), results.Hang, []string{"did not come back within its own limit"}},
		"and hangs behind its steps":    {true, false, and(deviates, func(end *journal.Record) { end.Why = "hang" }), results.Hang, []string{"the driver did not tidy up in its time"}},
		"and a thread of a step does":   {true, true, and(deviates, func(end *journal.Record) { end.Why = "hang" }), results.Hang, []string{"started on a thread did not come back"}},
		"and its tear-down fails": {true, false, func(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
			steps = deviates(steps, end)
			steps[2].Status = 0xC0000001
			return steps
		}, results.Fail, []string{"its tear-down failed, too"}},
		"another deviation": {true, false, func(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
			steps = deviates(steps, end)
			steps[1].Status = 0xC0000001
			return steps
		}, results.Fail, []string{"not the declared known issue"}},
		"something is left behind":       {false, false, and(asDeclared, func(end *journal.Record) { end.Left.Sockets = 1 }), results.Fail, []string{"left something behind: 1 × socket"}},
		"and can't be tidied up":         {false, false, and(asDeclared, cantTidy), results.Fail, []string{"could not be tidied up"}},
		"and its DriverEntry hangs":      {false, false, and(asDeclared, func(end *journal.Record) { end.Back, end.Win32 = "hang", 1460 }), results.Hang, []string{"could not be brought back: DriverEntry did not return in time"}},
		"and the driver does not return": {false, false, and(asDeclared, func(end *journal.Record) { cantTidy(end); end.Back, end.Win32 = "install", 1072 }), results.Fail, []string{"could not be tidied up", "could not be brought back: the agent could not install"}},
		"the driver is gone":             {false, true, and(asDeclared, func(end *journal.Record) { end.Driver = "stopped" }), results.Fail, []string{"its service is stopped"}},
		"only the agent objects":         {false, false, and(asDeclared, func(end *journal.Record) { end.Why = "deviation" }), results.Error, []string{"agent and controller disagree"}},
		"the agent objects to a step": {false, false, func(steps []suites.StepResult, _ *journal.Record) []suites.StepResult {
			steps[2].Refuted = true
			return steps
		}, results.Error, []string{"did not find step 3 as declared"}},
		"a step is missing": {false, false, func(steps []suites.StepResult, _ *journal.Record) []suites.StepResult { return steps[:3] }, results.Fail, nil},
		"interrupted":       {false, false, and(asDeclared, func(end *journal.Record) { end.Why = "cancelled" }), results.Cancelled, []string{"interrupted"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := judged(t, test.known, test.own, test.change)
			if v.Outcome != test.want || (v.Known != nil) != (test.want == results.KnownIssue || test.want == results.UnexpectedPass) {
				t.Errorf("%s: %q, known issue %v; want %s", v.Outcome, v.Reason, v.Known, test.want)
			}
			for _, why := range test.why {
				if !strings.Contains(v.Reason, why) {
					t.Errorf("%q does not say %q", v.Reason, why)
				}
			}
		})
	}
	said := judged(t, false, false, and(asDeclared, func(end *journal.Record) { end.Ran = 2 }))
	if said.Outcome != results.Pass {
		t.Fatal("the test sets Ran itself")
	}
}

// TestNoKnownIssueExcusesATearDown: what deviates in a loop takes all that comes behind it along, and what did not run because of
// a deviation is no other; neither is so of a tear-down.
func TestNoKnownIssueExcusesATearDown(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(judgedSuite)}, suites.Source{Name: "known.yaml", Data: []byte(oddIsKnown)})
	if err != nil {
		t.Fatal(err)
	}
	a := &attempt{Attempt: Attempt{Known: catalog.Known("wine", "8.0", catalog.All()[0])}}
	odd := suites.Deviation{Step: 1, Kind: suites.KindStatus, Origin: abi.OriginCall}
	inLoop := odd
	inLoop.Failed = &suites.Iteration{}
	tearDown := suites.Deviation{Step: 3, Kind: suites.KindStatus, Origin: abi.OriginCall, Status: 0xC0000001, Part: suites.TearDown}
	missing := suites.Deviation{Step: 3, Kind: suites.KindMissing, Part: suites.TearDown}
	for name, test := range map[string]struct {
		all  []suites.Deviation
		want bool
	}{
		"nothing":                         {nil, false},
		"it":                              {[]suites.Deviation{odd}, true},
		"it in a loop":                    {[]suites.Deviation{inLoop}, true},
		"in a loop, and a tear-down":      {[]suites.Deviation{inLoop, tearDown}, false},
		"it, and a tear-down did not run": {[]suites.Deviation{odd, missing}, false},
		"it, and a tear-down":             {[]suites.Deviation{odd, tearDown}, false},
		"a tear-down, and it afterwards":  {[]suites.Deviation{tearDown, odd}, false},
	} {
		if got := a.excuse(test.all) != nil; got != test.want {
			t.Errorf("%s: excused: %t", name, got)
		}
	}
}

// TestUnderWay names the steps that may be to blame for what ended a guest in the middle of a case.
func TestUnderWay(t *testing.T) {
	p := planOf(t, threeCases)
	a := &attempt{Attempt: p.Attempts[1]}
	ok := func(n int) suites.StepResult { return suites.StepResult{Step: n, Runs: 1, Values: make([]uint64, 10)} }
	for name, test := range map[string]struct {
		steps []suites.StepResult
		end   *journal.Record
		want  string
	}{
		"the first":                   {nil, nil, "in step 1 (register a, version 1.0): "},
		"the next":                    {[]suites.StepResult{ok(0)}, nil, "in step 2 (sleep, for 1ms): "},
		"none is left":                {[]suites.StepResult{ok(0), ok(1), ok(2)}, nil, "after the last step: "},
		"by the agent's word":         {[]suites.StepResult{ok(0)}, &journal.Record{Why: "io", Under: &journal.StepRange{First: 1, Count: 1}}, "in step 2 (sleep, for 1ms): "},
		"one of several":              {[]suites.StepResult{ok(0)}, &journal.Record{Why: "io", Under: &journal.StepRange{First: 1, Count: 2}}, "in one of the steps 2 to 3, from sleep, for 1ms to deregister a: "},
		"a word that can't be right":  {nil, &journal.Record{Why: "io", Under: &journal.StepRange{First: 7, Count: 2}}, "after the last step: "},
		"a range that can't be right": {nil, &journal.Record{Why: "io", Under: &journal.StepRange{First: 1, Count: 200}}, "in one of the steps 2 to 3, from sleep, for 1ms to deregister a: "},
		"the driver was tidying up":   {[]suites.StepResult{ok(0), ok(1), ok(2)}, &journal.Record{Why: "io"}, "after the last step: "},
	} {
		a.steps, a.end = test.steps, test.end
		if got := strings.ReplaceAll(a.underWay(), "register a):", "register a, version 1.0):"); got != test.want && a.underWay() != test.want {
			t.Errorf("%s: %q, want %q", name, a.underWay(), test.want)
		}
	}
}

// TestCrashBehindTheEnd lets the machine tell of a crash when all has ended well, and the state still listens or waits: what
// comes behind the last record is of another driver run; before it, it is this one's.
func TestCrashBehindTheEnd(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	s, events := live(t, p, &world{records: all})
	effects := s.Apply(all[0].Started, (&world{then: "panic"}).happens())
	if len(effects.Write) != 0 || verdicts(record(p, events)) != "pass, pass, pass" {
		t.Errorf("%+v", effects)
	}
	_, events = live(t, p, &world{records: all[:len(all)-1], then: "panic", rest: all[len(all)-1:]})
	if got := verdicts(record(p, events)); got != "deploy.stop bugcheck, error, error, error" {
		t.Errorf("a crash behind the unload, whose final record were on the disk: %s", got)
	}
}

// TestUnprovenIsWritten reads the verdicts themselves: each pass that is not proven is taken back, and says why.
func TestUnprovenIsWritten(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	_, events := live(t, p, &world{records: until(all, journal.EvCaseEnd, 2), then: "kill"})
	taken := map[string]string{}
	for _, e := range events {
		if e.Kind == results.KindCaseFinished && e.Verdict.Outcome == results.Error {
			taken[e.Case] = e.Verdict.Reason
		}
	}
	for _, name := range []string{"s.one", "s.two", "s.three"} {
		if !strings.Contains(taken[name], "not proven: every step was as declared, but the driver's unload is not proven") {
			t.Errorf("%s: %q", name, taken[name])
		}
	}
	if last := events[len(events)-1]; last.DriverRun == nil || last.DriverRun.Clean || last.DriverRun.Why == "" {
		t.Errorf("%+v", last)
	}
}

// TestPassedOnceBefore lets a case be to blame for the end of a driver run in which others had passed, for the second time:
// those that ran again are errors now, and do not run a third time.
func TestPassedOnceBefore(t *testing.T) {
	p := planOf(t, threeCases)
	p.Attempts[0].Again = true
	all := wellBehaved(p)
	_, events := live(t, p, &world{records: until(all, journal.EvStep, 1, 1), then: "panic"})
	if got := verdicts(record(p, events)); got != "error, bugcheck, not-run" {
		t.Error(got)
	}
}

// TestFailFast stops at the first failure, and says that it did, whatever became of the guest after it.
func TestFailFast(t *testing.T) {
	p := planOf(t, threeCases)
	p.FailFast = true
	all := wellBehaved(p)
	hang := until(all, journal.EvStep, 1, 1)
	hang = append(hang[:len(hang):len(hang)], journal.Record{Ev: journal.EvCaseEnd, N: 1, Ran: 2, Why: "hang"}, journal.Record{Ev: journal.EvRunEnd, Why: "tainted", Cases: 2})
	s, events := live(t, p, &world{records: numbered(hang)})
	o := s.Outcome()
	if o.Over != "stopped at the first failure (s.two), as --fail-fast asks" || o.Tainted != "a step hung" || !s.Cancelled() {
		t.Errorf("%+v", o)
	}
	if got := verdicts(record(p, events)); got != "error, hang, not-run" {
		t.Error(got)
	}
}

// TestInterrupts ends a driver run from outside: by the user, by a limit, and by that of a suite.
func TestInterrupts(t *testing.T) {
	p := planOf(t, threeCases)
	all := wellBehaved(p)
	cancelled := until(all, journal.EvStep, 1, 1)
	cancelled = numbered(append(cancelled[:len(cancelled):len(cancelled)], journal.Record{Ev: journal.EvCaseEnd, N: 1, Ran: 2, Why: "cancelled"},
		all[len(all)-2], journal.Record{Ev: journal.EvRunEnd, Why: "cancelled", Cases: 2}))
	for name, test := range map[string]struct {
		world world
		want  string
		over  string
	}{
		"by the user":                      {world{records: cancelled, stop: true}, "pass, cancelled, not-run", "the run was interrupted"},
		"by a limit":                       {world{records: cancelled, stop: true, limit: "the limit was up"}, "pass, not-run, not-run", "the limit was up"},
		"and the guest does not end it":    {world{records: cancelled[:len(cancelled)-3], stop: true, then: "timeout"}, "error, lost, not-run", ""},
		"and the guest is gone":            {world{records: cancelled[:len(cancelled)-3], stop: true, then: "gone"}, "error, lost, not-run", ""},
		"a limit, and the guest is silent": {world{records: cancelled[:len(cancelled)-3], stop: true, limit: "the limit was up", then: "timeout"}, "error, hang, not-run", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, events := live(t, p, &test.world)
			if got := verdicts(record(p, events)); got != test.want {
				t.Errorf("%s\nwant %s\n%s", got, test.want, reasons(record(p, events)))
			}
			if s.Outcome().Over != test.over {
				t.Errorf("%+v", s.Outcome())
			}
		})
	}
}

// TestHealthCheckIsJudged: what a case has lost is its own fault, and said so.
func TestHealthCheckIsJudged(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(strings.Replace(judgedSuite, "cases:", "health: [{sleep: 2ms}]\ncases:", 1))})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	for name, test := range map[string]struct {
		bad  []int // steps that are not as declared
		want string
	}{
		"alone":            {[]int{4}, "the health check behind it failed: the case itself was as expected"},
		"behind a failure": {[]int{1, 4}, "its health check failed, too"},
		"and a tear-down":  {[]int{3, 4}, "its tear-down failed: the case itself was as expected"},
	} {
		a := &attempt{Attempt: Attempt{Case: c, Number: 1}, end: &journal.Record{Ev: journal.EvCaseEnd, Ran: 5, Why: "deviation"}}
		for i := range c.Steps {
			if test.bad[0] == 1 && i == 2 {
				continue
			}
			a.steps = append(a.steps, suites.StepResult{Step: i, Status: c.Steps[i].Expect[0], Runs: 1, Values: make([]uint64, 10)})
			if slices.Contains(test.bad, i) {
				last := &a.steps[len(a.steps)-1]
				last.Status, last.Refuted = 0xC0000001, true
			}
		}
		a.end.Ran = len(a.steps)
		deviations := a.Case.Judge(a.steps)
		if v := a.judge("8.0", deviations, nil); v.Outcome != results.Fail || !strings.Contains(v.Reason, test.want) || !unhealthy(deviations) {
			t.Errorf("%s: %s, %q, unhealthy %v", name, v.Outcome, v.Reason, unhealthy(deviations))
		}
	}
}

// TestHealthCheckThatEndsTheRun: what had passed before a case that has lost something runs again without it; it is no error, and
// neither is the end of the driver run, which is that case's. Where the agent went on and the driver did not unload, it is.
func TestHealthCheckThatEndsTheRun(t *testing.T) {
	p := planOf(t, strings.Replace(threeCases, "cases:", "health: [{sleep: 2ms}]\ncases:", 1))
	all := wellBehaved(p)
	sick := slices.Clone(until(all, journal.EvStep, 1, 3))
	sick[len(sick)-1].Status, sick[len(sick)-1].OK = 0xC0000001, false
	sick = append(sick, journal.Record{Ev: journal.EvCaseEnd, N: 1, Ran: 4, Why: "deviation"})
	tainted := journal.Record{Ev: journal.EvRunEnd, Why: "tainted", Cases: 2}
	s, events := live(t, p, &world{records: numbered(append(slices.Clone(sick), tainted))})
	if got := verdicts(record(p, events)); got != "not-run, fail, not-run" || s.Outcome().Tainted != "the health check behind s.two failed" {
		t.Errorf("%s, %+v", got, s.Outcome())
	}
	stop := journal.Record{Ev: journal.EvDriverStop, Why: "timeout", Win32: 1460}
	_, events = live(t, p, &world{records: numbered(append(slices.Clone(sick), stop, tainted))})
	if got := verdicts(record(p, events)); got != "deploy.stop hang, error, fail, not-run" {
		t.Errorf("and the driver does not unload: %s", got)
	}
}

// TestUnreadyIsJudged: without its suite's set-up no case passes, and the agent's word that it failed needs one that did.
func TestUnreadyIsJudged(t *testing.T) {
	catalog, err := suites.Load(suites.Source{Name: "s.yaml", Data: []byte(strings.Replace(judgedSuite, "cases:", "once: {set_up: [{sleep: 2ms}]}\ncases:", 1))})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	passed, failed := results.Verdict{Outcome: results.Pass}, results.Verdict{Outcome: results.Fail}
	for name, test := range map[string]struct {
		setUp *results.Verdict
		why   string
		want  results.Outcome
	}{
		"ready":                       {&passed, "done", results.Pass},
		"not ready":                   {&failed, "unready", results.Fail},
		"as only the controller sees": {&failed, "done", results.Fail},
		"not judged":                  {nil, "done", results.Fail},
		"refused without a reason":    {&passed, "unready", results.Error},
	} {
		a := &attempt{Attempt: Attempt{Case: c, Number: 1}, end: &journal.Record{Ev: journal.EvCaseEnd, Why: test.why}}
		for i := 0; i < len(c.Steps) && test.why == "done"; i++ {
			a.steps = append(a.steps, suites.StepResult{Step: i, Status: c.Steps[i].Expect[0], Runs: 1, Values: make([]uint64, 10)})
		}
		a.end.Ran = len(a.steps)
		setUp := &attempt{Attempt: Attempt{Case: c.SetUp(), Number: 1}, verdict: test.setUp}
		if v := a.judge("8.0", a.Case.Judge(a.steps), setUp); v.Outcome != test.want {
			t.Errorf("%s: %s, %q", name, v.Outcome, v.Reason)
		}
	}
}

// TestKeptChanges: a case that has left files or registry values in the guest is no pass, of whatever driver, and no known issue
// excuses that.
func TestKeptChanges(t *testing.T) {
	for _, own := range []bool{false, true} {
		v := judged(t, false, own, func(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
			end.Kept = 2
			return steps
		})
		if v.Outcome != results.Fail || !strings.Contains(v.Reason, "left something behind in the guest: 2 of the files") {
			t.Errorf("own %v: %s, %s", own, v.Outcome, v.Reason)
		}
	}
	v := judged(t, true, false, func(steps []suites.StepResult, end *journal.Record) []suites.StepResult {
		steps = deviates(steps, end)
		end.Kept = 1
		return steps
	})
	if v.Outcome != results.Fail {
		t.Errorf("known: %s, %s", v.Outcome, v.Reason)
	}
}

// TestKeptOfSetUp: what a suite's set-up has changed is undone when all is over, and where it can't be that set-up is no pass, and
// the guest none for others.
func TestKeptOfSetUp(t *testing.T) {
	p := planOf(t, strings.Replace(threeCases, "cases:", "once: {set_up: [sleep: 1ms], tear_down: [sleep: 1ms]}\ncases:", 1))
	all := wellBehaved(p)
	all[len(all)-1].Kept = 2
	s, events := live(t, p, &world{records: all})
	if got := verdicts(record(p, events)); got != "fail, pass, pass, pass, pass" {
		t.Error(got)
	}
	if got := reasons(record(p, events)); !strings.Contains(got, "a set-up left something behind in the guest: 2 of the files") {
		t.Error(got)
	}
	if s.Outcome().Tainted == "" {
		t.Error("the guest is taken for clean")
	}
}

// TestSetUpThatIsVoid: a set-up that passed runs again with cases of its suite, and where none of these does nothing is said to.
func TestSetUpThatIsVoid(t *testing.T) {
	p := planOf(t, "suite: s\ndoc: d\nonce: {set_up: [sleep: 1ms]}\nhealth: [sleep: 1ms]\ncases: [{id: one, doc: d, steps: [sleep: 1ms]}]\n")
	all := until(wellBehaved(p), journal.EvCaseEnd, 1)
	last := len(all) - 1
	all[last].Why, all[last-1].Status, all[last-1].OK = "deviation", 0xC00000A3, false
	s, events := live(t, p, &world{records: numbered(append(all, journal.Record{Ev: journal.EvRunEnd, Why: "tainted", Cases: 2}))})
	if !s.attempts[0].void {
		t.Error("the set-up is proven")
	}
	if got := notices(events); strings.Contains(got, "runs again") {
		t.Error(got)
	}
}

// notices are the texts for people among events.
func notices(events []results.Event) string {
	var all []string
	for _, e := range events {
		if e.Kind == results.KindNotice {
			all = append(all, e.Notice.Text)
		}
	}
	return strings.Join(all, "\n")
}

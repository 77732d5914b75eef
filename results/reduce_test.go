package results

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// finals are the final outcomes of all cases, by name.
func finals(rec *Record) map[string]Outcome {
	out := make(map[string]Outcome)
	for _, c := range rec.cases(func(*CaseRecord) bool { return true }) {
		out[c.rec.Name] = c.rec.Final
	}
	return out
}

func TestReduce(t *testing.T) {
	replan := func(attempt int) Event {
		return Event{Kind: KindReplanned, Target: "wine", Case: "a.b", Attempt: attempt, Notice: &Notice{Text: "controller restarted"}}
	}
	resumed := Event{Kind: KindRunResumed}
	tests := []struct {
		name   string
		script *script
		want   map[string]Outcome
		why    string // of a.b
	}{
		{
			"as planned",
			newScript(Run{Plan: plan(1, "a.b", "a.c")}).attempt("wine", "a.b", 1, Pass).attempt("wine", "a.c", 1, Fail).done(Done),
			map[string]Outcome{"a.b": Pass, "a.c": Fail}, "",
		},
		{
			"killed in the middle of a case",
			newScript(Run{Plan: plan(1, "a.b", "a.c")}).begin("wine", "a.b", 1),
			map[string]Outcome{"a.b": Lost, "a.c": NotRun}, "the record ends while this case was under way",
		},
		{
			"interrupted in the middle of a case",
			newScript(Run{Plan: plan(1, "a.b", "a.c")}).begin("wine", "a.b", 1).done(Interrupted),
			map[string]Outcome{"a.b": Cancelled, "a.c": NotRun}, "the run was interrupted",
		},
		{
			"a case that was not planned comes first",
			newScript(Run{Plan: plan(1, "a.b")}).attempt("wine", "deploy.start", 1, Fail).done(Done),
			map[string]Outcome{"deploy.start": Fail, "a.b": NotRun}, "the run ended before it",
		},
		{
			"target never reached",
			newScript(Run{Plan: plan(1, "a.b")}).failPhase("wine", PhaseConnect, "no answer").done(Done),
			map[string]Outcome{"a.b": NotRun}, "no answer",
		},
		{
			"a void attempt does not count",
			newScript(Run{Plan: plan(1, "a.b")}).begin("wine", "a.b", 1).add(0, replan(1)).attempt("wine", "a.b", 2, Pass).done(Done),
			map[string]Outcome{"a.b": Pass}, "",
		},
		{
			"a void attempt that is made again under its number counts",
			newScript(Run{Plan: plan(1, "a.b")}).begin("wine", "a.b", 1).add(0, replan(1)).attempt("wine", "a.b", 1, Pass).done(Done),
			map[string]Outcome{"a.b": Pass}, "",
		},
		{
			"a void attempt alone is no attempt",
			newScript(Run{Plan: plan(1, "a.b")}).begin("wine", "a.b", 1).add(0, replan(1)).done(Done),
			map[string]Outcome{"a.b": NotRun}, "the run ended before it",
		},
		{
			"a verdict is not made void",
			newScript(Run{Plan: plan(1, "a.b")}).attempt("wine", "a.b", 1, Bugcheck).add(0, replan(1)).attempt("wine", "a.b", 2, Pass).done(Done),
			map[string]Outcome{"a.b": Bugcheck}, "because of bugcheck",
		},
		{
			"replanned before it was ever started",
			newScript(Run{Plan: plan(1, "a.b")}).add(0, replan(1)).attempt("wine", "a.b", 1, Pass).done(Done),
			map[string]Outcome{"a.b": Pass}, "",
		},
		{
			"interrupted, then resumed to the end",
			newScript(Run{Plan: plan(1, "a.b", "a.c")}).attempt("wine", "a.b", 1, Pass).done(Interrupted).
				add(time.Hour, resumed).attempt("wine", "a.c", 1, Pass).done(Done),
			map[string]Outcome{"a.b": Pass, "a.c": Pass}, "",
		},
		{
			"interrupted, resumed, and killed",
			newScript(Run{Plan: plan(1, "a.b", "a.c")}).attempt("wine", "a.b", 1, Pass).done(Interrupted).add(time.Hour, resumed),
			map[string]Outcome{"a.b": Pass, "a.c": NotRun}, "",
		},
		{
			"some of the repeats are missing",
			newScript(Run{Plan: plan(3, "a.b")}).attempt("wine", "a.b", 1, Pass).attempt("wine", "a.b", 2, Pass).done(Done),
			map[string]Outcome{"a.b": NotRun}, "2 of 3 attempts were made: the run ended before it",
		},
		{
			"the first failure of a flaky case is kept",
			newScript(Run{Plan: plan(3, "a.b")}).attempt("wine", "a.b", 1, Pass).
				finish("wine", "a.b", 2, Verdict{Outcome: Fail, Reason: "the first failure"}).
				finish("wine", "a.b", 3, Verdict{Outcome: Fail, Reason: "the second"}).done(Done),
			map[string]Outcome{"a.b": Flaky}, "the first failure",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := Reduce(test.script.events)
			if diff := cmp.Diff(test.want, finals(rec)); diff != "" {
				t.Errorf("final outcomes (-want +got):\n%s", diff)
			}
			if got := rec.find("a.b").Why(); got != test.why {
				t.Errorf("why %q, want %q", got, test.why)
			}
			if rec.Counts.Total() != len(test.want) {
				t.Errorf("counts %v of %d cases", rec.Counts, len(test.want))
			}
		})
	}
}

func (r *Record) find(name string) *CaseRecord {
	return r.cases(func(c *CaseRecord) bool { return c.Name == name })[0].rec
}

// TestPrefixesNeverPass folds every prefix of a run: at no point may a case be better than what
// its events have proven.
func TestPrefixesNeverPass(t *testing.T) {
	for _, events := range [][]Event{happyRun(), badRun()} {
		whole := finals(Reduce(events))
		proven, judged := make(map[string]bool), []string{}
		for n, e := range events {
			switch {
			case e.Kind == KindCaseFinished && !e.Verdict.Outcome.Expected():
				proven[e.Case] = true
			case e.Kind == KindCaseFinished:
				judged = append(judged, e.Case)
			case e.Kind == KindDriverRun && e.DriverRun.Clean:
				for _, name := range judged {
					proven[name] = true
				}
			}
			rec := Reduce(events[:n+1])
			for name, outcome := range finals(rec) {
				if outcome.Expected() && !proven[name] {
					t.Fatalf("after %d events %s is %s without a proof", n+1, name, outcome)
				}
				if proven[name] && outcome != whole[name] {
					t.Fatalf("after %d events %s is %s, in the end %s", n+1, name, outcome, whole[name])
				}
			}
			if n+1 < len(events) && ExitCode(rec, Policy{}) == ExitOK {
				t.Fatalf("after %d of %d events the exit code is 0", n+1, len(events))
			}
		}
	}
}

func TestReduceGathers(t *testing.T) {
	rec := Reduce(badRun())
	fault := rec.find("lifecycle.fault").Telling()
	if len(fault.Evidence) != 2 || fault.Evidence[0].place() != "wsksample.sys+0x2a1c" {
		t.Errorf("evidence of the bugcheck: %+v", fault.Evidence)
	}
	wine, lab := rec.Targets[0], rec.Targets[1]
	if wine.Guest != wineGuest || wine.Facts["bootId"] != "6d0f" {
		t.Errorf("guest %q, facts %v", wine.Guest, wine.Facts)
	}
	if lab.Troubled != PhaseConnect || lab.Guest != "" {
		t.Errorf("lab-7: trouble in %q, guest %q", lab.Troubled, lab.Guest)
	}
	if got := spent(wine.Phases); got[len(got)-1].Name != PhaseRevert || got[len(got)-1].Elapsed != 50*time.Millisecond {
		t.Errorf("two reverts of 24 and 26 ms make %+v", got)
	}
}

// A guest that is connected to anew while its cases run is so in that time: it is counted once. A phase that a controller did not
// live to see the end of has none.
func TestPhaseInsideAnother(t *testing.T) {
	phase := func(name string, state PhaseState, elapsed time.Duration) Event {
		return Event{Kind: KindTargetPhase, Target: "wine", Phase: &Phase{Name: name, State: state, Elapsed: elapsed}}
	}
	rec := Reduce([]Event{
		phase(PhaseCases, PhaseStarted, 0), // its controller was killed
		phase(PhaseConnect, PhaseStarted, 0), phase(PhaseConnect, PhaseDone, 2*time.Second),
		phase(PhaseCases, PhaseStarted, 0),
		phase(PhaseConnect, PhaseStarted, 0), phase(PhaseConnect, PhaseFailed, 3*time.Second),
		phase(PhaseConnect, PhaseStarted, 0), phase(PhaseConnect, PhaseDone, 4*time.Second),
		phase(PhaseCases, PhaseDone, 20*time.Second),
		phase(PhaseRevert, PhaseStarted, 0), phase(PhaseRevert, PhaseDone, time.Second),
	})
	phases := rec.Targets[0].Phases
	if got, want := strings.Join(times(phases), ", "), "connect 9.00s, cases 13.0s, revert 1.00s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := total(phases); got != 23*time.Second {
		t.Errorf("%s in all", got)
	}
}

// TestReduceIsRepeatable asks for the record in the middle, as a live view may.
func TestReduceIsRepeatable(t *testing.T) {
	events := badRun()
	r := NewReducer()
	for i, e := range events {
		if err := r.Handle(e); err != nil {
			t.Fatal(err)
		}
		if i%7 == 0 {
			r.Record()
		}
	}
	opts := cmp.AllowUnexported(Record{})
	if diff := cmp.Diff(Reduce(events), r.Record(), opts); diff != "" {
		t.Errorf("asking in between changed the record:\n%s", diff)
	}
}

// TestReduceBoundsSteps repeats a case a thousand times: the steps of some attempts must do, but
// those of the first failure are there.
func TestReduceBoundsSteps(t *testing.T) {
	s := newScript(Run{Plan: plan(1000, "a.b")})
	for n := 1; n <= 1000; n++ {
		s.begin("wine", "a.b", n)
		s.add(0, Event{Kind: KindStep, Target: "wine", Case: "a.b", Attempt: n, Step: &Step{Text: fmt.Sprint(n), Status: "STATUS_SUCCESS", OK: true}})
		outcome := Pass
		if n == 500 {
			outcome = Fail
		}
		s.finish("wine", "a.b", n, Verdict{Outcome: outcome})
	}
	c := Reduce(s.done(Done).events).find("a.b")
	var kept int
	for _, a := range c.Attempts {
		if len(a.Steps) > 0 {
			kept++
		}
		if a.Ran != 1 {
			t.Fatalf("attempt %d: %d steps ran, want 1", a.Number, a.Ran)
		}
	}
	if c.Final != Flaky || len(c.Attempts) != 1000 || kept != 2 {
		t.Errorf("%s, %d attempts, steps of %d kept; want flaky, 1000, 2", c.Final, len(c.Attempts), kept)
	}
	if telling := c.Telling(); telling.Number != 500 || len(telling.Steps) != 1 {
		t.Errorf("telling attempt %d with %d steps", telling.Number, len(telling.Steps))
	}
}

// TestPassNeedsTheDriversEnd takes away, or spoils, what proves a pass: the end of the driver run that it rests on.
func TestPassNeedsTheDriversEnd(t *testing.T) {
	passed := Verdict{Outcome: Pass, DriverRun: 1}
	begin := func() *script { return newScript(Run{Plan: plan(1, "a.b")}).begin("wine", "a.b", 1) }
	judge := func(s *script, v Verdict) *script {
		return s.add(0, Event{Kind: KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &v})
	}
	end := func(s *script, d DriverRun) *script {
		d.State = DriverEnded
		return s.add(0, Event{Kind: KindDriverRun, Target: "wine", DriverRun: &d})
	}
	void := func(s *script) *script {
		return s.add(0, Event{Kind: KindReplanned, Target: "wine", Case: "a.b", Attempt: 1, Notice: &Notice{Text: "again"}})
	}
	clean, bad := DriverRun{N: 1, Clean: true}, DriverRun{N: 1, Why: "the guest crashed"}
	failed := Verdict{Outcome: Fail, DriverRun: 1}
	for name, test := range map[string]struct {
		script *script
		want   Outcome
		why    string
	}{
		"proven":                      {end(judge(begin(), passed), clean), Pass, ""},
		"no end":                      {judge(begin(), passed), Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"an end that is not clean":    {end(judge(begin(), passed), bad), Error, "not proven: every step was as declared, but the guest crashed"},
		"the end of another run":      {end(judge(begin(), passed), DriverRun{N: 2, Clean: true}), Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"a second, clean end":         {end(end(judge(begin(), passed), bad), clean), Error, "not proven: every step was as declared, but the guest crashed"},
		"a verdict behind the end":    {judge(end(begin(), clean), passed), Error, "not proven: every step was as declared, but the verdict was recorded when its run of the driver was over"},
		"no run of the driver":        {end(judge(begin(), Verdict{Outcome: Pass}), clean), Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"failed, and then passed":     {end(judge(judge(begin(), failed), passed), clean), Fail, ""},
		"passed, and then failed":     {end(judge(judge(begin(), passed), failed), clean), Fail, ""},
		"a fail can't be made void":   {end(judge(void(judge(begin(), failed)), passed), clean), Fail, ""},
		"nor a pass that is proven":   {void(end(judge(begin(), passed), clean)), Pass, ""},
		"void, and then it is proven": {end(judge(void(judge(begin(), passed)).begin("wine", "a.b", 1), Verdict{Outcome: Pass, DriverRun: 2}), DriverRun{N: 2, Clean: true}), Pass, ""},
		"void, and then it fails":     {judge(void(judge(begin(), passed)).begin("wine", "a.b", 1), failed), Fail, ""},
	} {
		rec := Reduce(test.script.add(0, Event{Kind: KindRunFinished, Finish: &Finish{Reason: Done}}).events)
		c := rec.find("a.b")
		if c.Final != test.want || c.Why() != test.why {
			t.Errorf("%s: %s, %q", name, c.Final, c.Why())
		}
		if (ExitCode(rec, Policy{}) == ExitOK) != (test.want == Pass) {
			t.Errorf("%s: exit code %d", name, ExitCode(rec, Policy{}))
		}
	}
}

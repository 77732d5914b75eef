package results_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/results/resultstest"

	"wskharness/results"
)

// finals are the final outcomes of all cases, by name.
func finals(rec *results.Record) map[string]results.Outcome {
	out := make(map[string]results.Outcome)
	for _, t := range rec.Targets {
		for _, c := range t.Cases {
			out[c.Name] = c.Final
		}
	}
	return out
}

func TestReduce(t *testing.T) {
	replan := func(attempt int) results.Event {
		return results.Event{Kind: results.KindReplanned, Target: "wine", Case: "a.b", Attempt: attempt, Notice: &results.Notice{Text: "controller restarted"}}
	}
	resumed := results.Event{Kind: results.KindRunResumed}
	tests := []struct {
		name   string
		script *resultstest.Script
		want   map[string]results.Outcome
		why    string // of a.b
	}{
		{
			"as planned",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Attempt("wine", "a.b", 1, results.Pass).Attempt("wine", "a.c", 1, results.Fail).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Pass, "a.c": results.Fail}, "",
		},
		{
			"killed in the middle of a case",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Begin("wine", "a.b", 1),
			map[string]results.Outcome{"a.b": results.Lost, "a.c": results.NotRun}, "the record ends while this case was under way",
		},
		{
			"interrupted in the middle of a case",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Begin("wine", "a.b", 1).Done(results.Interrupted),
			map[string]results.Outcome{"a.b": results.Cancelled, "a.c": results.NotRun}, "the run was interrupted",
		},
		{
			"a case that was not planned comes first",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "deploy.start", 1, results.Fail).Done(results.Done),
			map[string]results.Outcome{"deploy.start": results.Fail, "a.b": results.NotRun}, "the run ended before it",
		},
		{
			"target never reached",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).FailPhase("wine", results.PhaseConnect, "no answer").Done(results.Done),
			map[string]results.Outcome{"a.b": results.NotRun}, "no answer",
		},
		{
			"a void attempt does not count",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Begin("wine", "a.b", 1).Add(0, replan(1)).Attempt("wine", "a.b", 2, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Pass}, "",
		},
		{
			"a void attempt that is made again under its number counts",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Begin("wine", "a.b", 1).Add(0, replan(1)).Attempt("wine", "a.b", 1, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Pass}, "",
		},
		{
			"a void attempt alone is no attempt",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Begin("wine", "a.b", 1).Add(0, replan(1)).Done(results.Done),
			map[string]results.Outcome{"a.b": results.NotRun}, "the run ended before it",
		},
		{
			"a verdict is not made void",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, results.Bugcheck).Add(0, replan(1)).Attempt("wine", "a.b", 2, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Bugcheck}, "because of bugcheck",
		},
		{
			"replanned before it was ever started",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Add(0, replan(1)).Attempt("wine", "a.b", 1, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Pass}, "",
		},
		{
			"interrupted, then resumed to the end",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Attempt("wine", "a.b", 1, results.Pass).Done(results.Interrupted).
				Add(time.Hour, resumed).Attempt("wine", "a.c", 1, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Pass, "a.c": results.Pass}, "",
		},
		{
			"interrupted, resumed, and killed",
			resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Attempt("wine", "a.b", 1, results.Pass).Done(results.Interrupted).Add(time.Hour, resumed),
			map[string]results.Outcome{"a.b": results.Pass, "a.c": results.NotRun}, "",
		},
		{
			"some of the repeats are missing",
			resultstest.New(results.Run{Plan: resultstest.Plan(3, "a.b")}).Attempt("wine", "a.b", 1, results.Pass).Attempt("wine", "a.b", 2, results.Pass).Done(results.Done),
			map[string]results.Outcome{"a.b": results.NotRun}, "2 of 3 attempts were made: the run ended before it",
		},
		{
			"the first failure of a flaky case is kept",
			resultstest.New(results.Run{Plan: resultstest.Plan(3, "a.b")}).Attempt("wine", "a.b", 1, results.Pass).
				Finish("wine", "a.b", 2, results.Verdict{Outcome: results.Fail, Reason: "the first failure"}).
				Finish("wine", "a.b", 3, results.Verdict{Outcome: results.Fail, Reason: "the second"}).Done(results.Done),
			map[string]results.Outcome{"a.b": results.Flaky}, "the first failure",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := results.Reduce(test.script.Events)
			if diff := cmp.Diff(test.want, finals(rec)); diff != "" {
				t.Errorf("final outcomes (-want +got):\n%s", diff)
			}
			if got := find(rec, "a.b").Why(); got != test.why {
				t.Errorf("why %q, want %q", got, test.why)
			}
			if rec.Counts.Total() != len(test.want) {
				t.Errorf("counts %v of %d cases", rec.Counts, len(test.want))
			}
		})
	}
}

// find is the first case of that name.
func find(rec *results.Record, name string) *results.CaseRecord {
	for _, t := range rec.Targets {
		for i := range t.Cases {
			if t.Cases[i].Name == name {
				return &t.Cases[i]
			}
		}
	}
	return nil
}

// TestPrefixesNeverPass folds every prefix of a run: at no point may a case be better than what
// its events have proven.
func TestPrefixesNeverPass(t *testing.T) {
	for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun()} {
		whole := finals(results.Reduce(events))
		proven, judged := make(map[string]bool), []string{}
		for n, e := range events {
			switch {
			case e.Kind == results.KindCaseFinished && !e.Verdict.Outcome.Expected():
				proven[e.Case] = true
			case e.Kind == results.KindCaseFinished:
				judged = append(judged, e.Case)
			case e.Kind == results.KindDriverRun && e.DriverRun.Clean:
				for _, name := range judged {
					proven[name] = true
				}
			}
			rec := results.Reduce(events[:n+1])
			for name, outcome := range finals(rec) {
				if outcome.Expected() && !proven[name] {
					t.Fatalf("after %d events %s is %s without a proof", n+1, name, outcome)
				}
				if proven[name] && outcome != whole[name] {
					t.Fatalf("after %d events %s is %s, in the end %s", n+1, name, outcome, whole[name])
				}
			}
			if n+1 < len(events) && results.ExitCode(rec, results.Policy{}) == results.ExitOK {
				t.Fatalf("after %d of %d events the exit code is 0", n+1, len(events))
			}
		}
	}
}

func TestReduceGathers(t *testing.T) {
	rec := results.Reduce(resultstest.BadRun())
	fault := find(rec, "lifecycle.fault").Telling()
	if len(fault.Evidence) != 2 || fault.Evidence[0].Module != "wsksample.sys" {
		t.Errorf("evidence of the bugcheck: %+v", fault.Evidence)
	}
	wine, lab := rec.Targets[0], rec.Targets[1]
	if wine.Guest.Label != resultstest.WineGuest().Label || wine.Guest.Facts.BootID != "6d0f" {
		t.Errorf("guest %+v, facts %+v", wine.Guest, wine.Guest.Facts)
	}
	if lab.Troubled != results.PhaseConnect || lab.Guest != (results.Guest{}) {
		t.Errorf("lab-7: trouble in %q, guest %+v", lab.Troubled, lab.Guest)
	}
}

// TestReduceIsRepeatable asks for the record in the middle, as a live view may.
func TestReduceIsRepeatable(t *testing.T) {
	events := resultstest.BadRun()
	f := results.NewFold()
	for i, e := range events {
		f.Apply(e)
		if i%7 == 0 {
			f.Record()
		}
	}
	opts := cmp.AllowUnexported(results.Record{})
	if diff := cmp.Diff(results.Reduce(events), f.Record(), opts); diff != "" {
		t.Errorf("asking in between changed the record:\n%s", diff)
	}
}

// TestReduceBoundsSteps repeats a case a thousand times: the steps of some attempts must do, but
// those of the first failure are there.
func TestReduceBoundsSteps(t *testing.T) {
	s := resultstest.New(results.Run{Plan: resultstest.Plan(1000, "a.b")})
	for n := 1; n <= 1000; n++ {
		s.Begin("wine", "a.b", n)
		s.Add(0, results.Event{Kind: results.KindStep, Target: "wine", Case: "a.b", Attempt: n, Step: &results.Step{Text: fmt.Sprint(n), Status: "STATUS_SUCCESS", OK: true}})
		outcome := results.Pass
		if n == 500 {
			outcome = results.Fail
		}
		s.Finish("wine", "a.b", n, results.Verdict{Outcome: outcome})
	}
	c := find(results.Reduce(s.Done(results.Done).Events), "a.b")
	var kept int
	for _, a := range c.Attempts {
		if len(a.Steps) > 0 {
			kept++
		}
		if a.Ran != 1 {
			t.Fatalf("attempt %d: %d steps ran, want 1", a.Number, a.Ran)
		}
	}
	if c.Final != results.Flaky || len(c.Attempts) != 1000 || kept != 2 {
		t.Errorf("%s, %d attempts, steps of %d kept; want flaky, 1000, 2", c.Final, len(c.Attempts), kept)
	}
	if telling := c.Telling(); telling.Number != 500 || len(telling.Steps) != 1 {
		t.Errorf("telling attempt %d with %d steps", telling.Number, len(telling.Steps))
	}
}

// TestPassNeedsTheDriversEnd takes away, or spoils, what proves a pass: the end of the driver run that it rests on.
func TestPassNeedsTheDriversEnd(t *testing.T) {
	passed := results.Verdict{Outcome: results.Pass, DriverRun: 1}
	begin := func() *resultstest.Script {
		return resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Begin("wine", "a.b", 1)
	}
	judge := func(s *resultstest.Script, v results.Verdict) *resultstest.Script {
		return s.Add(0, results.Event{Kind: results.KindCaseFinished, Target: "wine", Case: "a.b", Attempt: 1, Verdict: &v})
	}
	end := func(s *resultstest.Script, d results.DriverRun) *resultstest.Script {
		d.State = results.DriverEnded
		return s.Add(0, results.Event{Kind: results.KindDriverRun, Target: "wine", DriverRun: &d})
	}
	void := func(s *resultstest.Script) *resultstest.Script {
		return s.Add(0, results.Event{Kind: results.KindReplanned, Target: "wine", Case: "a.b", Attempt: 1, Notice: &results.Notice{Text: "again"}})
	}
	clean, bad := results.DriverRun{N: 1, Clean: true}, results.DriverRun{N: 1, Why: "the guest crashed"}
	failed := results.Verdict{Outcome: results.Fail, DriverRun: 1}
	for name, test := range map[string]struct {
		script *resultstest.Script
		want   results.Outcome
		why    string
	}{
		"proven":                      {end(judge(begin(), passed), clean), results.Pass, ""},
		"no end":                      {judge(begin(), passed), results.Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"an end that is not clean":    {end(judge(begin(), passed), bad), results.Error, "not proven: every step was as declared, but the guest crashed"},
		"the end of another run":      {end(judge(begin(), passed), results.DriverRun{N: 2, Clean: true}), results.Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"a second, clean end":         {end(end(judge(begin(), passed), bad), clean), results.Error, "not proven: every step was as declared, but the guest crashed"},
		"a verdict behind the end":    {judge(end(begin(), clean), passed), results.Error, "not proven: every step was as declared, but the verdict was recorded when its run of the driver was over"},
		"no run of the driver":        {end(judge(begin(), results.Verdict{Outcome: results.Pass}), clean), results.Error, "not proven: every step was as declared, but the record does not say that the driver was unloaded afterwards"},
		"failed, and then passed":     {end(judge(judge(begin(), failed), passed), clean), results.Fail, ""},
		"passed, and then failed":     {end(judge(judge(begin(), passed), failed), clean), results.Fail, ""},
		"a fail can't be made void":   {end(judge(void(judge(begin(), failed)), passed), clean), results.Fail, ""},
		"nor a pass that is proven":   {void(end(judge(begin(), passed), clean)), results.Pass, ""},
		"void, and then it is proven": {end(judge(void(judge(begin(), passed)).Begin("wine", "a.b", 1), results.Verdict{Outcome: results.Pass, DriverRun: 2}), results.DriverRun{N: 2, Clean: true}), results.Pass, ""},
		"void, and then it fails":     {judge(void(judge(begin(), passed)).Begin("wine", "a.b", 1), failed), results.Fail, ""},
	} {
		rec := results.Reduce(test.script.Add(0, results.Event{Kind: results.KindRunFinished, Finish: &results.Finish{Reason: results.Done}}).Events)
		c := find(rec, "a.b")
		if c.Final != test.want || c.Why() != test.why {
			t.Errorf("%s: %s, %q", name, c.Final, c.Why())
		}
		if (results.ExitCode(rec, results.Policy{}) == results.ExitOK) != (test.want == results.Pass) {
			t.Errorf("%s: exit code %d", name, results.ExitCode(rec, results.Policy{}))
		}
	}
}

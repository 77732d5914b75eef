package results_test

import (
	"testing"

	"wskharness/report"
	"wskharness/results/resultstest"

	"wskharness/results"
)

func TestExitCode(t *testing.T) {
	// run has one case for each outcome.
	run := func(reason results.Reason, outcomes ...results.Outcome) []results.Event {
		var names []string
		for i := range outcomes {
			names = append(names, string(rune('a'+i))+".case")
		}
		s := resultstest.New(results.Run{Plan: resultstest.Plan(1, names...)})
		for i, o := range outcomes {
			s.Attempt("wine", names[i], 1, o)
		}
		if reason != "" {
			s.Done(reason)
		}
		return s.Events
	}
	flaky := resultstest.New(results.Run{Plan: resultstest.Plan(2, "a.b")}).
		Attempt("wine", "a.b", 1, results.Pass).Attempt("wine", "a.b", 2, results.Fail).Done(results.Done).Events
	flakyAndLost := resultstest.New(results.Run{Plan: resultstest.Plan(3, "a.b")}).
		Attempt("wine", "a.b", 1, results.Pass).Attempt("wine", "a.b", 2, results.Fail).Attempt("wine", "a.b", 3, results.Lost).Done(results.Done).Events
	notReached := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).FailPhase("wine", results.PhaseConnect, "no answer").Done(results.Done).Events
	leftBehind := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, results.Pass).
		FailPhase("wine", results.PhaseRelease, "wineserver is still there").Done(results.Done).Events
	secondTry := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).FailPhase("wine", results.PhaseConnect, "no answer").
		Phase("wine", results.PhaseConnect, 1).Attempt("wine", "a.b", 1, results.Pass).Done(results.Done).Events
	missing := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b", "a.c")}).Attempt("wine", "a.b", 1, results.Pass).Done(results.Done).Events
	half := resultstest.New(results.Run{Plan: resultstest.Plan(2, "a.b")}).Attempt("wine", "a.b", 1, results.Pass).Done(results.Done).Events
	driver := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "deploy.start", 1, results.Fail).Done(results.Done).Events

	tests := []struct {
		name   string
		events []results.Event
		policy results.Policy
		want   int
		head   string
	}{
		{"all as expected on wine", run(results.Done, results.Pass, results.KnownIssue, results.Skip), results.Policy{}, 0, "all as expected on wine"},
		{"skipped only", run(results.Done, results.Skip, results.Skip), results.Policy{}, 4, "nothing was tested: every case was skipped"},
		{"skipped only, as allowed", run(results.Done, results.Skip, results.Skip), results.Policy{SkippedOK: true}, 0, "nothing was tested: every case was skipped, as was allowed"},
		{"fail", run(results.Done, results.Pass, results.Fail), results.Policy{}, 1, "1 of 2 cases failed"},
		{"unexpected pass", run(results.Done, results.UnexpectedPass), results.Policy{}, 1, "1 of 1 case failed"},
		{"bugcheck", run(results.Done, results.Bugcheck), results.Policy{}, 1, "1 of 1 case failed"},
		{"hang", run(results.Done, results.Hang), results.Policy{}, 1, "1 of 1 case failed"},
		{"lost", run(results.Done, results.Pass, results.Lost), results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"error", run(results.Done, results.Error), results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"1 wins over 3", run(results.Done, results.Lost, results.Fail), results.Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"1 wins over failed", run(results.Failed, results.Fail), results.Policy{}, 1, "1 of 1 case failed, and not all could be tested"},
		{"130 wins over 1", run(results.Interrupted, results.Fail, results.Cancelled), results.Policy{}, 130, "interrupted: 1 of 2 cases failed so far"},
		{"the harness failed", run(results.Failed, results.Pass), results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"not built", run(results.NotBuilt), results.Policy{}, 5, "not built: there was nothing to test with"},
		{"not built when it went on", run(results.NotBuilt, results.Pass), results.Policy{}, 5, "not built: there was nothing to test with"},
		{"1 wins over not built", run(results.NotBuilt, results.Pass, results.Fail), results.Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"no end", run("", results.Pass), results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"nothing selected", run(results.Done), results.Policy{}, 4, "no case was selected"},
		{"flaky is let pass", flaky, results.Policy{}, 0, "as expected on wine, but for 1 flaky of 1 case"},
		{"flaky fails", flaky, results.Policy{FlakyFails: true}, 1, "1 of 1 case failed"},
		{"flaky and lost", flakyAndLost, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"flaky fails, and lost", flakyAndLost, results.Policy{FlakyFails: true}, 1, "1 of 1 case failed, and not all could be tested"},
		{"target never reached", notReached, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"release failed after a pass", leftBehind, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"connected at the second try", secondTry, results.Policy{}, 0, "all as expected on wine"},
		{"a case without a verdict", missing, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"an attempt that was not made", half, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"DriverEntry failed", driver, results.Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"an empty journal", nil, results.Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := results.Reduce(test.events)
			if got := results.ExitCode(rec, test.policy); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
			if got := report.Headline(rec, test.policy); got != test.head {
				t.Errorf("headline %q, want %q", got, test.head)
			}
		})
	}
}

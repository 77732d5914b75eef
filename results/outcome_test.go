package results

import (
	"testing"
)

func TestCombine(t *testing.T) {
	tests := []struct {
		attempts []Outcome
		want     Outcome
	}{
		{nil, NotRun},
		{[]Outcome{Pass}, Pass},
		{[]Outcome{Pass, Pass, Pass}, Pass},
		{[]Outcome{Fail, Fail}, Fail},
		{[]Outcome{Pass, Fail, Pass}, Flaky},
		{[]Outcome{KnownIssue, UnexpectedPass}, Flaky},
		{[]Outcome{Fail, UnexpectedPass}, Fail},
		{[]Outcome{KnownIssue, KnownIssue}, KnownIssue},
		{[]Outcome{Pass, Bugcheck}, Bugcheck}, // a crash is never softened to flaky
		{[]Outcome{Pass, Hang, Fail}, Hang},
		{[]Outcome{Pass, Lost}, Lost},
		{[]Outcome{Pass, Fail, Lost}, Lost},
		{[]Outcome{Fail, Lost}, Fail},
		{[]Outcome{Pass, Cancelled}, Cancelled},
		{[]Outcome{Pass, NotRun}, NotRun},
		{[]Outcome{Skip}, Skip},
	}
	for _, test := range tests {
		if got := combine(test.attempts); got != test.want {
			t.Errorf("combine(%v) = %s, want %s", test.attempts, got, test.want)
		}
	}
}

// TestOutcomeGroups holds every outcome to exactly one meaning, so that none is ever good by
// being forgotten.
func TestOutcomeGroups(t *testing.T) {
	neither := map[Outcome]bool{Flaky: true, Skip: true, Cancelled: true, NotRun: true}
	for _, o := range Outcomes() {
		groups := 0
		for _, in := range []bool{o.Failed(), o.Infrastructure(), o.Expected(), neither[o]} {
			if in {
				groups++
			}
		}
		if groups != 1 || !o.Valid() {
			t.Errorf("%s: in %d groups, valid %v", o, groups, o.Valid())
		}
	}
	if Outcome("passed").Valid() || Outcome("").Valid() {
		t.Error("a word that is no outcome is taken for one")
	}
}

func TestExitCode(t *testing.T) {
	// run has one case for each outcome.
	run := func(reason Reason, outcomes ...Outcome) []Event {
		var names []string
		for i := range outcomes {
			names = append(names, string(rune('a'+i))+".case")
		}
		s := newScript(Run{Plan: plan(1, names...)})
		for i, o := range outcomes {
			s.attempt("wine", names[i], 1, o)
		}
		if reason != "" {
			s.done(reason)
		}
		return s.events
	}
	flaky := newScript(Run{Plan: plan(2, "a.b")}).
		attempt("wine", "a.b", 1, Pass).attempt("wine", "a.b", 2, Fail).done(Done).events
	flakyAndLost := newScript(Run{Plan: plan(3, "a.b")}).
		attempt("wine", "a.b", 1, Pass).attempt("wine", "a.b", 2, Fail).attempt("wine", "a.b", 3, Lost).done(Done).events
	notReached := newScript(Run{Plan: plan(1, "a.b")}).failPhase("wine", PhaseConnect, "no answer").done(Done).events
	leftBehind := newScript(Run{Plan: plan(1, "a.b")}).attempt("wine", "a.b", 1, Pass).
		failPhase("wine", PhaseRelease, "wineserver is still there").done(Done).events
	secondTry := newScript(Run{Plan: plan(1, "a.b")}).failPhase("wine", PhaseConnect, "no answer").
		phase("wine", PhaseConnect, 1).attempt("wine", "a.b", 1, Pass).done(Done).events
	missing := newScript(Run{Plan: plan(1, "a.b", "a.c")}).attempt("wine", "a.b", 1, Pass).done(Done).events
	half := newScript(Run{Plan: plan(2, "a.b")}).attempt("wine", "a.b", 1, Pass).done(Done).events
	driver := newScript(Run{Plan: plan(1, "a.b")}).attempt("wine", "deploy.start", 1, Fail).done(Done).events

	tests := []struct {
		name   string
		events []Event
		policy Policy
		want   int
		head   string
	}{
		{"all as expected on wine", run(Done, Pass, KnownIssue, Skip), Policy{}, 0, "all as expected on wine"},
		{"skipped only", run(Done, Skip, Skip), Policy{}, 4, "nothing was tested: every case was skipped"},
		{"skipped only, as allowed", run(Done, Skip, Skip), Policy{SkippedOK: true}, 0, "nothing was tested: every case was skipped, as was allowed"},
		{"fail", run(Done, Pass, Fail), Policy{}, 1, "1 of 2 cases failed"},
		{"unexpected pass", run(Done, UnexpectedPass), Policy{}, 1, "1 of 1 case failed"},
		{"bugcheck", run(Done, Bugcheck), Policy{}, 1, "1 of 1 case failed"},
		{"hang", run(Done, Hang), Policy{}, 1, "1 of 1 case failed"},
		{"lost", run(Done, Pass, Lost), Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"error", run(Done, Error), Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"1 wins over 3", run(Done, Lost, Fail), Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"1 wins over failed", run(Failed, Fail), Policy{}, 1, "1 of 1 case failed, and not all could be tested"},
		{"130 wins over 1", run(Interrupted, Fail, Cancelled), Policy{}, 130, "interrupted: 1 of 2 cases failed so far"},
		{"the harness failed", run(Failed, Pass), Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"not built", run(NotBuilt), Policy{}, 5, "not built: there was nothing to test with"},
		{"not built when it went on", run(NotBuilt, Pass), Policy{}, 5, "not built: there was nothing to test with"},
		{"1 wins over not built", run(NotBuilt, Pass, Fail), Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"no end", run("", Pass), Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"nothing selected", run(Done), Policy{}, 4, "no case was selected"},
		{"flaky is let pass", flaky, Policy{}, 0, "as expected on wine, but for 1 flaky of 1 case"},
		{"flaky fails", flaky, Policy{FlakyFails: true}, 1, "1 of 1 case failed"},
		{"flaky and lost", flakyAndLost, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"flaky fails, and lost", flakyAndLost, Policy{FlakyFails: true}, 1, "1 of 1 case failed, and not all could be tested"},
		{"target never reached", notReached, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"release failed after a pass", leftBehind, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"connected at the second try", secondTry, Policy{}, 0, "all as expected on wine"},
		{"a case without a verdict", missing, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"an attempt that was not made", half, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
		{"DriverEntry failed", driver, Policy{}, 1, "1 of 2 cases failed, and not all could be tested"},
		{"an empty journal", nil, Policy{}, 3, "incomplete: trouble with a target or with the harness, no verdict on the driver"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := Reduce(test.events)
			if got := ExitCode(rec, test.policy); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
			if got := Headline(rec, test.policy); got != test.head {
				t.Errorf("headline %q, want %q", got, test.head)
			}
		})
	}
}

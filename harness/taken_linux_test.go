package harness

import (
	"testing"

	"wskharness/harness/harnesstest"
	"wskharness/results"
)

// TestTakenInGuest runs a driver that takes another version than the query said, and goes by it in all that it says:
// the agent compares what it took with what was reported, and ends the case there; so does the controller.
func TestTakenInGuest(t *testing.T) {
	env := testEnv(t)
	config := harnesstest.Config(t, "", nil)
	onModel(t, config) // Wine's own provider answers no query
	config.Defines = map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_TAKEN_WRONG"}
	done := executeRun(t, env, config, nil, "negotiation.register_highest", "negotiation.register_lowest")
	cases := done.Record.Targets[0].Cases
	if len(cases) != 2 {
		t.Fatal(summary(done))
	}
	if cases[1].Final != results.Pass {
		t.Errorf("the lowest version was taken as it was told, and %s is called %s: %+v", cases[1].Name, cases[1].Final, cases[1].Attempts)
	}
	attempt := cases[0].Attempts[0]
	d := attempt.Verdict.Deviation
	if attempt.Verdict.Outcome != results.Fail || d == nil || d.Expected != "version 1.1 (high of query)" || d.Actual != "version 1.0" {
		t.Errorf("%+v %+v", attempt.Verdict, d)
	}
	if len(attempt.Steps) != 5 || attempt.Steps[4].OK {
		t.Errorf("%d steps ran: the agent did not end the case with the fifth", len(attempt.Steps))
	}
}

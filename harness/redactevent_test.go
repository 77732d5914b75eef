package harness

import (
	"encoding/json"
	"strings"
	"testing"

	"wskharness/remote"
	"wskharness/results"
)

// TestPasswordsAreNotRecorded: a program that tells a target's password does not tell it to the readers of a run.
func TestPasswordsAreNotRecorded(t *testing.T) {
	const password = "correct horse"
	events := []results.Event{
		{Step: &results.Step{Values: []results.Value{{Name: "stdout", Value: "it is " + password}}}},
		{Verdict: &results.Verdict{
			Deviation: &results.Deviation{Actual: password},
			Tests:     []results.Test{{Name: password, Detail: password}},
			Wrote:     []results.Written{{Of: "stderr", Text: password + "\n"}},
		}},
		{Notice: &results.Notice{Text: "nothing of a guest"}},
	}
	for _, e := range events {
		before, _ := json.Marshal(e)
		after, err := json.Marshal(redactEvent(remote.NewRedactor(password), e))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(after), password) {
			t.Errorf("told: %s", after)
		}
		if again, _ := json.Marshal(e); string(again) != string(before) {
			t.Errorf("the caller's event was changed: %s", again)
		}
	}
}

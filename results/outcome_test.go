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
		if groups != 1 || !o.valid() {
			t.Errorf("%s: in %d groups, valid %v", o, groups, o.valid())
		}
	}
	if Outcome("passed").valid() || Outcome("").valid() {
		t.Error("a word that is no outcome is taken for one")
	}
}

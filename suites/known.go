package suites

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/suites/guestversion"
	"wskharness/winerr"
)

// KnownIssue declares how one kind of guest deviates in one step of one case. The case still runs
// there, and must deviate in exactly this way; anything else, a pass included, is news.
type KnownIssue struct {
	Guest    string             // "wine"
	Versions guestversion.Range // of the guest, for which it holds
	Case     string             // suite.case, in full
	Step     int                // index of the step that deviates
	Status   []winerr.NTStatus
	Reason   string
	Source   string
	File     string
	Line     int

	actual []knownValue
	failed []string // the tests of the step's program that fail, in order
	ref    string
}

type knownValue struct {
	value value
	want  uint64
}

// Actual is the declared deviation in words.
func (k *KnownIssue) Actual() string {
	var parts []string
	if len(k.Status) > 0 {
		parts = append(parts, statusList(k.Status))
	}
	for _, v := range k.actual {
		parts = append(parts, v.value.name+" "+v.value.format(v.want))
	}
	if len(k.failed) > 0 {
		parts = append(parts, "failed tests "+strings.Join(k.failed, ", "))
	}
	return strings.Join(parts, ", ")
}

// Known returns the issues declared for a case on a kind of guest, as they hold for its version.
func (cat *Catalog) Known(guest, version string, c *Case) []*KnownIssue {
	var found []*KnownIssue
	for _, k := range cat.known {
		if k.Guest == guest && k.Case == c.Name() && k.Versions.Hold(version) {
			found = append(found, k)
		}
	}
	return found
}

// Excuses reports whether what deviates in a case is what the issue declares, all of it and nothing else.
func (k *KnownIssue) Excuses(all []Deviation) bool {
	return len(all) > 0 && MatchKnown(all[0], k) && k.Beside(all) == ""
}

// Beside says what deviates beside the declared deviation; "" where nothing does. What did not run, or less often, because of it
// is no other deviation; and in a loop several threads may deviate, of which the first ended it.
func (k *KnownIssue) Beside(all []Deviation) string {
	failed := len(k.failed) == 0
	for _, d := range all {
		follows := d.Kind == KindRuns || d.Kind == KindMissing || d.Step != k.Step && all[0].Failed != nil
		switch {
		case MatchKnown(d, k):
			failed = failed || d.Kind == KindOutput
		case !follows:
			return d.String()
		}
	}
	if !failed {
		return "none of its tests failed"
	}
	return ""
}

// MatchKnown reports whether a deviation is exactly the declared one: in that step, with that
// status, with those values. A hang, a refusal or a time that is off never is.
func MatchKnown(d Deviation, k *KnownIssue) bool {
	if d.Step != k.Step || d.Origin != abi.OriginCall {
		return false
	}
	switch d.Kind {
	case KindStatus:
		if len(k.Status) == 0 {
			return false
		}
	case KindValue:
		declared := slices.ContainsFunc(k.actual, func(v knownValue) bool { return v.value.name == d.Value })
		if !declared {
			return false
		}
	case KindOutput:
		if len(d.Tests) == 0 || !slices.Equal(slices.Sorted(slices.Values(d.Tests)), k.failed) {
			return false
		}
	default:
		return false
	}
	if len(k.Status) > 0 && !slices.Contains(k.Status, d.Status) {
		return false
	}
	for _, v := range k.actual {
		if int(v.value.index) >= len(d.Values) || d.Values[v.value.index] != v.want {
			return false
		}
	}
	return true
}

// fails reports whether a value is not as demanded, or may be not: what an earlier step will report nobody knows.
func (c *Check) fails(got uint64) bool {
	if len(c.oneOf) > 0 {
		return !slices.Contains(c.oneOf, got)
	}
	return slices.ContainsFunc(c.conds, func(cond condition) bool { return cond.from != nil || !cond.holds(got) })
}

func (k *KnownIssue) String() string {
	return fmt.Sprintf("%s on %s, %s: %s (%s)", k.Case, k.Guest, k.Versions, k.Actual(), k.Reason)
}

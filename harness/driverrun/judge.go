package driverrun

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/guest/journal"
	"wskharness/results"
	"wskharness/suites"
)

// finding is one condition of a pass that is not met.
type finding struct {
	outcome results.Outcome
	reason  string
}

// judge is the positive-proof rule for a case that ended. Its conditions are independent: all are judged, the worst makes
// the verdict, and all are told. A known issue excuses exactly its own deviation, and that only where all else is clean.
// What is known only later, the driver's end, is judged by [State.proven].
// Deviations are what its steps came to; setUp is that of its suite, where it has one.
func (a *attempt) judge(version string, deviations []suites.Deviation, setUp *attempt) results.Verdict {
	v := results.Verdict{Elapsed: a.elapsed, Records: a.observations(), Effort: a.effort()}
	v.Tests, v.TestsLeft = a.tests()
	if a.end.Why == "cancelled" {
		v.Outcome, v.Reason = results.Cancelled, "the run was interrupted"
		if found := slices.Concat(a.residue(), a.notUndone(), a.bringBack()); len(found) > 0 {
			v.Outcome, v.Reason = worst(found)
		}
		return v
	}
	if unready := a.unready(setUp); len(unready) > 0 {
		v.Outcome, v.Reason = worst(slices.Concat(unready, a.residue(), a.notUndone(), a.driver(), a.bringBack()))
		return v
	}
	if len(deviations) > 0 {
		v.Deviation = a.deviation(deviations[0])
		v.Wrote = a.wrote(deviations)
	}
	found := slices.Concat(a.inTime(), a.residue(), a.notUndone(), a.driver(), a.bringBack(), a.agreement(deviations))
	switch known := a.excuse(deviations); {
	case len(deviations) > 0 && known != nil && len(found) == 0:
		v.Outcome, v.Known = results.KnownIssue, knownIssue(known)
		return v
	case len(deviations) > 0:
		found = append(found, a.steppedAside(deviations, version, len(found) == 0))
	case len(a.Known) > 0 && len(found) == 0:
		v.Outcome, v.Known = results.UnexpectedPass, knownIssue(a.Known[0])
		v.Reason = passedAnyway(a.Known[0], version)
		return v
	}
	v.Outcome, v.Reason = worst(found)
	return v
}

// unready judges a case whose suite's set-up was not as expected: whatever it came to, it did not run as it is meant to.
func (a *attempt) unready(setUp *attempt) []finding {
	refused := a.end.Why == "unready"
	failed := setUp != nil && (setUp.verdict == nil || !setUp.verdict.Outcome.Expected())
	switch {
	case failed:
		return []finding{{results.Fail, "the set-up of its suite failed (" + setUp.name() + "): what the case is about did not run as it is meant to"}}
	case refused:
		return []finding{{results.Error, "the agent did not run the case since the set-up of its suite had failed, but that is as declared: agent and controller disagree"}}
	}
	return nil
}

// worst is the outcome of the worst finding, and all their reasons, its own first. Without a finding it is a pass.
func worst(found []finding) (results.Outcome, string) {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b finding) int { return a.outcome.Compare(b.outcome) })
	outcome := results.Pass
	var reasons []string
	for i, f := range found {
		if i == 0 {
			outcome = f.outcome
		}
		if f.reason != "" {
			reasons = append(reasons, f.reason)
		}
	}
	return outcome, strings.Join(reasons, "; ")
}

// inTime judges whether the case came back within its limits.
func (a *attempt) inTime() []finding {
	c := a.Case
	switch a.end.Why {
	case "hang":
		return []finding{{results.Hang, a.hangs()}}
	case "timeout":
		reason := fmt.Sprintf("the case exceeded its limit of %s after %d of %d steps (`timeout` in the suite raises it)", c.Timeout, len(a.steps), len(c.Steps))
		if n := a.next(); n < len(c.Steps) && c.Steps[n].Part.After() {
			reason = fmt.Sprintf("its %s exceeded its limit of %s", c.Steps[n].Part, c.TearDown)
		}
		return []finding{{results.Fail, reason}}
	}
	return nil
}

// hangs says what does not come back. Where no step was under way, the case had only its end before it.
func (a *attempt) hangs() string {
	switch {
	case a.end.Under != nil:
		return "a step did not come back within its own limit"
	case a.external:
		return "after its steps: what one of them has started on a thread did not come back"
	}
	return "behind its steps: the driver did not tidy up in its time, or what a step has started on a thread did not come back"
}

// residue judges what the case has left behind.
func (a *attempt) residue() []finding {
	end := a.end
	switch left, after := LeftBehind(end.Left), LeftBehind(end.After); {
	case end.Why == "hang": // nothing was tidied up: that it hangs says it all
	case end.After.Threads > 0:
		return []finding{{results.Hang, "the case is over, and still there is " + after}}
	case after != "":
		return []finding{{results.Fail, "the case left something behind that could not be tidied up: " + after}}
	case left != "" && end.Why == "done": // one that ended early had no chance to undo what it did
		return []finding{{results.Fail, "the case left something behind: " + left}}
	}
	return nil
}

// notUndone judges what of the case's changes in the guest could not be undone.
func (a *attempt) notUndone() []finding {
	if a.end.Kept == 0 {
		return nil
	}
	return []finding{{results.Fail, notUndone("the case", a.end.Kept)}}
}

func notUndone(whose string, n uint64) string {
	return fmt.Sprintf("%s left something behind in the guest: %d of the files, folders and registry values that it brought there, or changed, could not be taken away or put back", whose, n)
}

// driver judges whether a driver that can't be asked is still there.
func (a *attempt) driver() []finding {
	if !a.external || a.end.Driver == "running" || a.end.Why == "hang" && a.end.Driver == "" {
		return nil
	}
	return []finding{{results.Fail, "the driver was not loaded any more when the case was over: its service is " + orNone(a.end.Driver)}}
}

// bringBack judges whether a driver that the case unloaded came up again.
func (a *attempt) bringBack() []finding {
	if a.end.Back == "" {
		return nil
	}
	outcome := results.Fail
	if a.end.Back == "hang" { // as where the driver is first started
		outcome = results.Hang
	}
	return []finding{{outcome, "the driver that the case unloaded could not be brought back: " + startFailed(a.end.Back, a.end.Win32, a.end.Entry, a.end.Again)}}
}

// agreement compares what the agent makes of the case with what its records say.
func (a *attempt) agreement(deviations []suites.Deviation) []finding {
	c, end := a.Case, a.end
	disputed := slices.IndexFunc(a.steps, func(s suites.StepResult) bool {
		return s.Refuted && !slices.ContainsFunc(deviations, func(d suites.Deviation) bool { return d.Step == s.Step })
	})
	seen := slices.ContainsFunc(deviations, func(d suites.Deviation) bool { return !d.ControllerOnly() })
	switch {
	case end.Why == "deviation" && len(deviations) == 0:
		return []finding{{results.Error, "the agent ended the case (deviation), but every step is as declared: agent and controller disagree"}}
	case end.Why == "done" && seen:
		return []finding{{results.Error, "the agent ended the case (done), but not every step is as declared: agent and controller disagree"}}
	case disputed >= 0 && len(deviations) == 0:
		return []finding{{results.Error, fmt.Sprintf("the agent did not find step %d as declared, though it is: agent and controller disagree", a.steps[disputed].Step+1)}}
	case end.Ran != len(a.steps):
		return []finding{{results.Error, fmt.Sprintf("the agent says that %d steps ran, and reported %d: not proven", end.Ran, len(a.steps))}}
	case end.Why == "done" && end.Ran != len(c.Steps):
		return []finding{{results.Error, fmt.Sprintf("the agent says that %d of %d steps ran: not proven", end.Ran, len(c.Steps))}}
	}
	return nil
}

// excuse is the known issue that the deviation is, where nothing else deviates: another check of that step, a tear-down or health
// check that fails after it, is not excused.
func (a *attempt) excuse(all []suites.Deviation) *suites.KnownIssue {
	if len(all) == 0 || undone(all) >= 0 {
		return nil
	}
	for _, k := range a.Known {
		if k.Excuses(all) {
			return k
		}
	}
	return nil
}

// undone is the deviation of a tear-down, or a health check, that failed after the case had deviated; -1 where there is none.
func undone(all []suites.Deviation) int {
	if all[0].Part.After() {
		return -1 // said by the deviation itself
	}
	return slices.IndexFunc(all, func(d suites.Deviation) bool { return d.Part.After() })
}

// steppedAside is the finding of a step that was not as declared. The step itself is told beside the reason; alone says
// that nothing else is wrong.
func (a *attempt) steppedAside(all []suites.Deviation, version string, alone bool) finding {
	d, after := all[0], undone(all)
	var reasons []string
	switch d.Part {
	case suites.SetUp:
		reasons = append(reasons, "its set-up failed: what the case is about did not run")
	case suites.TearDown:
		reasons = append(reasons, "its tear-down failed: the case itself was as expected")
	case suites.Health:
		reasons = append(reasons, "the health check behind it failed: the case itself was as expected, and did not leave things as the next one needs them")
	}
	switch known := a.excuse(all); {
	case after >= 0:
		reasons = append(reasons, fmt.Sprintf("its %s failed, too: %s", all[after].Part, all[after]))
	case known != nil && !alone:
		reasons = append(reasons, "its deviation is the declared known issue, which does not excuse anything else")
	case len(a.Known) > 0 && known == nil:
		reasons = append(reasons, fmt.Sprintf("not the declared known issue, which is %s at step %d%s%s", a.Known[0].Actual(), a.Known[0].Step+1,
			newerThan(a.Known[0], version), besideKnown(all, a.Known[0])))
	}
	return finding{results.Fail, strings.Join(reasons, "; ")}
}

// besideKnown says what deviates beside the declared deviation, where that is there.
func besideKnown(all []suites.Deviation, k *suites.KnownIssue) string {
	if !suites.MatchKnown(all[0], k) {
		return ""
	}
	return " and nothing else: " + k.Beside(all)
}

func passedAnyway(k *suites.KnownIssue, version string) string {
	todo := "remove the declaration"
	if k.Versions.Beyond(version) {
		todo = "say in the declaration in which version it was mended (fixed:)"
	}
	return fmt.Sprintf("declared as a known issue%s, but it passed: if that is right, %s", newerThan(k, version), todo)
}

// newerThan says that a guest is newer than any on which the declared deviation was seen, where it is.
func newerThan(k *suites.KnownIssue, version string) string {
	if !k.Versions.Beyond(version) {
		return ""
	}
	return fmt.Sprintf(" of %s %s (this one, %s, is newer than the declaration)", k.Guest, k.Versions, version)
}

func knownIssue(k *suites.KnownIssue) *results.Known {
	return &results.Known{Reason: k.Reason, Source: k.Source}
}

// LeftBehind says in words what a residue has that is not zero; "" when it has nothing.
func LeftBehind(r journal.Residue) string {
	var parts []string
	for _, one := range []struct {
		count uint64
		what  string
	}{
		{uint64(r.Registrations), "registration"},
		{uint64(r.Captures), "provider capture not released"},
		{uint64(r.Threads), "thread with a call that has not returned"},
		{uint64(r.PoolBlocks), "pool block"},
		{uint64(r.Sockets), "socket not closed"},
		{uint64(r.Irps), "IRP of a socket operation not completed"},
	} {
		if one.count > 0 {
			parts = append(parts, fmt.Sprintf("%d × %s", one.count, one.what))
		}
	}
	return strings.Join(parts, ", ")
}

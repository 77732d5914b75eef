package results

import "slices"

// Outcome says what became of an attempt, or of a case over all its attempts. Each has a word of
// its own, the same in every file and view.
type Outcome string

const (
	Pass           Outcome = "pass"            // everything was as declared, with positive proof
	Fail           Outcome = "fail"            // a step was not as declared
	KnownIssue     Outcome = "known-issue"     // failed in exactly the way declared for this kind of guest
	UnexpectedPass Outcome = "unexpected-pass" // declared as a known issue, but passed
	Flaky          Outcome = "flaky"           // attempts of the same case disagree
	Skip           Outcome = "skip"            // did not apply to this guest; a reason is given
	Bugcheck       Outcome = "bugcheck"        // the guest crashed under it
	Hang           Outcome = "hang"            // a step never came back
	Lost           Outcome = "lost"            // contact with the guest was lost
	Error          Outcome = "error"           // setup or infrastructure
	Cancelled      Outcome = "cancelled"       // the user ended the run while it was under way
	NotRun         Outcome = "not-run"         // planned, but never started
)

// Outcomes lists all outcomes, those first that a reader wants to see first.
func Outcomes() []Outcome {
	return []Outcome{
		Bugcheck, Hang, Fail, UnexpectedPass, Lost, Error, Flaky, Cancelled, NotRun, Skip, KnownIssue, Pass,
	}
}

// valid reports whether o is one of the outcomes.
func (o Outcome) valid() bool { return o.severity() >= 0 }

// severity orders outcomes, the worst first; -1 for what is none.
func (o Outcome) severity() int { return slices.Index(Outcomes(), o) }

// Compare orders outcomes as a reader wants to see them, the worst first: it is negative where o is worse than other.
func (o Outcome) Compare(other Outcome) int { return o.severity() - other.severity() }

// Failed reports whether o speaks against the driver (or against what is declared of the guest):
// exit code 1.
func (o Outcome) Failed() bool { return o == Fail || o == UnexpectedPass || o == Bugcheck || o == Hang }

// Infrastructure reports whether o speaks of the target or of the harness, not of the driver:
// exit code 3.
func (o Outcome) Infrastructure() bool { return o == Lost || o == Error }

// Expected reports whether o is what was declared: a pass, or a known issue that failed as it
// should.
func (o Outcome) Expected() bool { return o == Pass || o == KnownIssue }

// Bad reports whether a person must look at it.
func (o Outcome) Bad() bool { return o.Failed() || o.Infrastructure() || o == Flaky }

// combine gives the outcome of a case from those of its attempts: the worst of them, where a mix
// of expected outcomes and plain failures is flaky. A crash or a hang is never softened to flaky.
func combine(attempts []Outcome) Outcome {
	if len(attempts) == 0 {
		return NotRun
	}
	mixed := mixed(attempts)
	worst := Pass
	for _, o := range attempts {
		if mixed && (o == Fail || o == UnexpectedPass) {
			o = Flaky
		}
		if o.severity() < worst.severity() {
			worst = o
		}
	}
	return worst
}

// mixed reports whether some attempts failed and others, of the same case, were as expected.
func mixed(attempts []Outcome) bool {
	var expected, failed bool
	for _, o := range attempts {
		expected = expected || o.Expected() || o == Flaky
		failed = failed || o.Failed() || o == Flaky
	}
	return expected && failed
}

// Policy says how the outcomes that can be seen both ways are to be taken.
type Policy struct {
	FlakyFails bool `json:"flakyFails,omitempty"` // --flaky=fail
	SkippedOK  bool `json:"skippedOk,omitempty"`  // --allow-skipped: a run may skip every case
}

// The exit codes that a record can decide. Usage (2) is known before there is one.
const (
	ExitOK             = 0
	ExitFailed         = 1   // some test failed
	ExitInfrastructure = 3   // a target or the harness itself
	ExitNothing        = 4   // no case was selected, or each of them skipped
	ExitBuild          = 5   // there was nothing to test with
	ExitInterrupted    = 130 // the user ended the run
)

// ExitCode is the exit code that a run with this record ends with. A failed test outweighs
// trouble with a target and a build that failed; an interruption outweighs all. A run is never good by default: a case
// without a verdict, or a record without an end, is infrastructure.
func ExitCode(rec *Record, policy Policy) int {
	switch {
	case rec.Reason == Interrupted:
		return ExitInterrupted
	case rec.Failures(policy) > 0:
		return ExitFailed
	case rec.Reason == NotBuilt:
		return ExitBuild
	case rec.Reason == Done && rec.Counts.Total() == 0 && !rec.Troubled():
		return ExitNothing
	case rec.Troubled():
		return ExitInfrastructure
	case rec.AllSkipped() && !policy.SkippedOK:
		return ExitNothing
	}
	return ExitOK
}

// AllSkipped reports a run that tested nothing, though cases were selected.
func (r *Record) AllSkipped() bool { return r.Counts[Skip] > 0 && r.Counts[Skip] == r.Counts.Total() }

// Failures is the number of cases that fail the run under the policy.
func (r *Record) Failures(policy Policy) (n int) {
	for _, t := range r.Targets {
		for i := range t.Cases {
			if c := &t.Cases[i]; c.Final.Failed() || policy.FlakyFails && c.mixed() {
				n++
			}
		}
	}
	return n
}

// Troubled reports whether something kept the run from giving a verdict on every case.
func (r *Record) Troubled() bool {
	if r.Reason != Done {
		return true
	}
	for _, t := range r.Targets {
		if t.Trouble != "" || slices.ContainsFunc(t.Cases, func(c CaseRecord) bool {
			return c.Final.Infrastructure() || c.Final == NotRun || c.Final == Cancelled
		}) {
			return true
		}
	}
	return false
}

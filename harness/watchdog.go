package harness

import (
	"context"
	"fmt"
	"time"

	"wskharness/results"
)

// never is a time that does not come: of a timer that has nothing to wait for.
const never = 1000 * time.Hour

// suiteLeft is what the suite of the case that is under way has left of its time on this target.
func (l *load) suiteLeft() time.Duration {
	limit := l.plan.Request.Config.Limits.Suite
	if l.open == nil || limit <= 0 || l.cancelled {
		return never
	}
	return limit - l.suiteTime[l.open.test.Suite] - time.Since(l.open.started)
}

// spendSuite notes that the time of the suite of the case under way is used up.
func (l *load) spendSuite() {
	limit := l.plan.Request.Config.Limits.Suite
	if l.open == nil || l.cancelled || limit <= 0 {
		return
	}
	l.suiteTime[l.open.test.Suite] = limit
	l.limit, l.suiteSpent = l.suiteUp(l.open), true
}

// outOfTime judges a case that the agent ended because a limit was up. One of another suite than that whose limit
// it was had only just begun: it runs again.
func (l *load) outOfTime(t *trial) {
	if l.suiteSpent && l.suiteUp(t) == nil {
		l.void(t, "had begun when "+l.limit.Error())
		return
	}
	l.finish(t, results.Verdict{Outcome: results.NotRun, Elapsed: t.elapsed,
		Reason: fmt.Sprintf("%s after %d of %d steps", l.limit, len(t.steps), len(t.test.Steps))})
}

// silent ends a load whose guest has said nothing for longer than anything may take.
func (l *load) silent(ctx context.Context) {
	why := "the guest said nothing for longer than anything in the plan may take"
	switch {
	case l.limit != nil:
		why = fmt.Sprintf("%s, and the agent did not end the run within %s", l.limit, l.allow(cancelLimit))
	case l.cancelled:
		l.lost = fmt.Sprintf("the agent did not end the run within %s of the interrupt", l.allow(cancelLimit))
		return
	}
	l.lost = why
	t := l.open
	if t == nil {
		l.tooLate("", "%s", why)
		return
	}
	l.tooLate(t.test.Name(), "%s", why)
	if l.limit == nil {
		why = fmt.Sprintf("no answer within %s and %s more", t.test.Longest(), l.allow(silence))
	}
	l.tell(t, l.hangEvidence(ctx, t))
	l.finish(t, results.Verdict{Outcome: results.Hang, Elapsed: time.Since(t.started), Reason: l.during(t) + why})
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

const (
	// tellLimit is how long the agent of a guest that hangs may take to answer.
	tellLimit = 5 * time.Second
	// never is a time that does not come: of a timer that has nothing to wait for.
	never = 1000 * time.Hour
)

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
		l.append(results.Event{Kind: results.KindReplanned, Target: l.target.Name, Case: t.test.Name(), Attempt: t.attempt,
			Notice: &results.Notice{Level: results.Info, Text: t.test.Name() + " had begun when " + l.limit.Error() + ": it runs again"}})
		t.end, t.steps = nil, nil
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
		why = fmt.Sprintf("%s, and the agent did not end the run within %s", l.limit, cancelLimit)
	case l.cancelled:
		l.lost = fmt.Sprintf("the agent did not end the run within %s of the interrupt", cancelLimit)
		return
	}
	l.lost = why
	t := l.open
	if t == nil {
		return
	}
	if l.limit == nil {
		why = fmt.Sprintf("no answer within %s and %s more", t.test.Longest(), l.silence())
	}
	for _, e := range l.hangEvidence(ctx, t) {
		if !l.past.tookEvidence(t.key(), e) {
			l.append(results.Event{Kind: results.KindEvidence, Target: l.target.Name, Case: t.test.Name(), Attempt: t.attempt, Evidence: &e})
		}
	}
	l.finish(t, results.Verdict{Outcome: results.Hang, Elapsed: time.Since(t.started), Reason: l.during(t) + why})
}

// hangEvidence is what can be learnt of a guest that hangs: what its agent tells, if it still does, and then, where
// the machine can be made to leave one, a dump. After that only a reset helps: the target is tainted.
func (l *load) hangEvidence(ctx context.Context, t *trial) []results.Evidence {
	limit := l.plan.Request.Config.Limits.Collect
	if limit <= 0 {
		limit = defaultCollectLimit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	all := []results.Evidence{{Kind: "hang", Text: fmt.Sprintf("the last record of the guest's journal is %d; %d of %d steps are in it; %s",
		l.at.Seq, len(t.steps), len(t.test.Steps), l.askAgent(ctx))}}
	injector, ok := l.machine.(vm.NMIInjector)
	if !ok {
		return all
	}
	if err := injector.InjectNMI(ctx); err != nil {
		l.notice(l.target.Name, results.Warning, "force a dump: %v", err)
		return all
	}
	forced := l.nextCrash(ctx)
	if forced == nil {
		l.notice(l.target.Name, results.Warning, "force a dump: the machine did not crash within %s of the NMI", limit)
		return all
	}
	return append(all, results.Evidence{Kind: "forced-dump", Text: forced.Describe(), Module: forced.Module, Offset: forced.ModuleOffset})
}

// askAgent tells whether the agent answers beside the run that hangs, and whether the run still has a process.
func (l *load) askAgent(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	facts, err := l.guest.Refresh(ctx)
	if _, rebooted := errors.AsType[*guest.RebootedError](err); rebooted {
		return "the guest has rebooted: its boot id is " + facts.BootID
	}
	if err != nil {
		return "the agent does not answer: " + err.Error()
	}
	status, err := l.guest.DriverStatus(ctx, l.plan.Request.Config.service().Name)
	if err != nil {
		return "the agent answers; the driver: " + err.Error()
	}
	return fmt.Sprintf("the agent answers; the driver's service is %s (%s)", status.State, suites.Win32(status.Win32))
}

// nextCrash waits for the machine to tell that it crashed, for as long as ctx lasts.
func (l *load) nextCrash(ctx context.Context) *vm.Event {
	for {
		select {
		case e, ok := <-l.machine.Events():
			switch {
			case !ok:
				return nil
			case e.Kind == vm.Panicked:
				return &e
			}
		case <-ctx.Done():
			return nil
		}
	}
}

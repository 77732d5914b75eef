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
	// answerLimit is how long the agent of a guest that hangs may take to answer at all, and tellLimit to tell what it
	// knows: it gives the driver 10 s of that.
	answerLimit = 10 * time.Second
	tellLimit   = 20 * time.Second
	// maxTold is how many things that are under way are told one by one.
	maxTold = 16
)

// judgeHang records the verdict of a case that hangs, after all that can still be learnt of it: while it hangs, its
// driver may tell what it is at, and its machine leave a dump.
func (l *load) judgeHang(ctx context.Context) {
	if l.hung == nil {
		return
	}
	t := l.hung
	if l.crash == nil && l.lost == "" && l.guest != nil && l.past.final(t.key()) == nil {
		l.tell(t, l.hangEvidence(ctx, t))
	}
	l.finish(t, l.hungVerdict)
}

// tell records evidence of an attempt, each piece once.
func (l *load) tell(t *trial, all []results.Evidence) {
	for _, e := range all {
		if !l.past.tookEvidence(t.key(), e) {
			l.append(results.Event{Kind: results.KindEvidence, Target: l.target.Name, Case: t.test.Name(), Attempt: t.attempt, Evidence: &e})
		}
	}
}

// hangEvidence is what can be learnt of a guest that hangs: what its agent tells, if it still does, and then, where
// the machine can be made to leave one, a dump, which is fetched if the guest boots again in time. After that only a reset helps: the target is tainted.
func (l *load) hangEvidence(ctx context.Context, t *trial) []results.Evidence {
	limit := l.plan.Request.Config.Limits.Collect
	if limit <= 0 {
		limit = defaultCollectLimit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	said, doing := l.askAgent(ctx)
	all := append([]results.Evidence{{Kind: "hang", Text: fmt.Sprintf("the last record of the guest's journal is %d; %d of %d steps are in it; %s",
		l.at.Seq, len(t.steps), len(t.test.Steps), said)}}, doing...)
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
	all = append(all, results.Evidence{Kind: "forced-dump", Text: forced.Describe(), Module: forced.Module, Offset: forced.ModuleOffset})
	// The dump is on the guest's disk when it has booted again, and goes with the revert that is next.
	if err := l.reconnect(ctx, l.boot); err != nil {
		l.notice(l.target.Name, results.Warning, "fetch the dump that was forced: %v", err)
		return all
	}
	return append(all, l.collectDumps(ctx)...)
}

// askAgent asks the agent beside the run that hangs: what became of the run's process, and what the driver says is
// under way in it. Where one of them does not answer, that is what is told.
func (l *load) askAgent(ctx context.Context) (string, []results.Evidence) {
	answering, stop := context.WithTimeout(ctx, l.allow(answerLimit))
	defer stop()
	facts, err := l.guest.Refresh(answering)
	if _, rebooted := errors.AsType[*guest.RebootedError](err); rebooted {
		return "the guest has rebooted: its boot id is " + facts.BootID, nil
	}
	if err != nil {
		l.tellTimeUp(answering, "hear from the agent of a guest that hangs")
		return "the agent does not answer: " + err.Error(), nil
	}
	telling, stop := context.WithTimeout(ctx, l.allow(tellLimit))
	defer stop()
	state, err := l.guest.State(telling, l.plan.Request.Config.service().Name, l.id)
	if err != nil {
		l.tellTimeUp(telling, "be told what a guest that hangs is at")
		return "the agent answers, but does not tell of the run: " + err.Error(), nil
	}
	said := fmt.Sprintf("the agent answers; the process of the run is %s, the driver's service %s; ", state.Run, state.Driver)
	if state.Win32 != 0 {
		l.tooLate("", "the driver of a guest that hangs did not tell what it is at: %v", suites.Win32(state.Win32))
		return said + "the driver does not tell what it is at: " + suites.Win32(state.Win32).String(), nil
	}
	said += "under way in the driver: " + count(state.Steps, "operation") + " and " + count(state.Irps, "IRP")
	if left := leftBehind(state.Outstanding); left != "" {
		said += "; outstanding: " + left
	}
	var doing []results.Evidence
	for i, a := range state.Activities {
		if i == maxTold {
			doing = append(doing, results.Evidence{Kind: "under-way", Text: fmt.Sprintf("and %d more, which began later", state.Steps+state.Irps-maxTold)})
			break
		}
		doing = append(doing, results.Evidence{Kind: "under-way", Text: l.describeActivity(a)})
	}
	return said, doing
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// describeActivity is one line: which step of which case, since when, and on which thread.
func (l *load) describeActivity(a guest.Activity) string {
	what := fmt.Sprintf("step %d of an unknown case", a.Step+1)
	repeated, name := false, ""
	if a.Case < len(l.trials) {
		test := l.trials[a.Case].test
		what = fmt.Sprintf("step %d of %s", a.Step+1, test.Name())
		if a.Step < len(test.Steps) {
			step := &test.Steps[a.Step]
			what += " (" + step.Text + ")"
			repeated, name = step.Runs > 1, step.Thread
		}
	}
	if a.IRP {
		what = "an IRP of " + what
	}
	what += ", for " + a.Took.Round(10*time.Millisecond).String()
	if repeated {
		what += fmt.Sprintf(", in repetition %d of its parallel thread %d", a.Iteration+1, a.Runner+1)
	}
	if a.Named > 0 && name != "" {
		what += ", on the case's thread " + name
	}
	verb := "on"
	if a.IRP {
		verb = "begun on"
	}
	return fmt.Sprintf("%s, %s kernel thread %#x", what, verb, a.Thread)
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

package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/vm"
	"wskharness/winerr"
)

const (
	// answerLimit is how long the agent of a guest that hangs may take to answer at all, and tellLimit to tell what it
	// knows: it gives the driver 10 s of that.
	answerLimit = 10 * time.Second
	tellLimit   = 20 * time.Second
	// maxTold is how many things that are under way are told one by one.
	maxTold = 16
)

// hangReport is what can be learnt of a guest that hangs: what its agent tells, if it still does, and then, where
// the machine can be made to leave one, a dump, which is fetched if the guest boots again in time. After that only a reset helps: the target is tainted.
func (l *driverRun) hangReport(ctx context.Context, a driverrun.Collect) driverrun.Told {
	if l.session.record.known(attemptKey{a.Hang.Case, a.Hang.Attempt}) {
		return driverrun.Told{} // an earlier controller has asked
	}
	ctx, cancel := context.WithTimeout(ctx, l.session.collectLimit())
	defer cancel()
	said, doing := l.askAgent(ctx, a.Hang.Case)
	all := append([]results.Evidence{{Kind: "hang", Text: fmt.Sprintf("the last record of the guest's journal is %d; %d of %d steps are in it; %s",
		a.Hang.Seq, a.Hang.Steps, a.Hang.Total, said)}}, doing...)
	all = append(all, l.memory(ctx)...) // before an NMI changes it
	return driverrun.Told{Evidence: append(all, l.forcedDump(ctx)...)}
}

// forcedDump makes a machine crash that can be made to, and fetches what that leaves.
func (l *driverRun) forcedDump(ctx context.Context) []results.Evidence {
	injector, ok := l.session.machine.(vm.NMIInjector)
	if !ok {
		return nil
	}
	if err := injector.InjectNMI(ctx); err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "a crash dump could not be forced: %v", err)
		return nil
	}
	forced := l.nextCrash(ctx)
	if forced == nil {
		l.run.notice(l.session.target.Name, results.Warning, "a crash dump could not be forced: the machine did not crash within %s of the NMI", l.session.collectLimit())
		return nil
	}
	all := []results.Evidence{{Kind: "forced-dump", Text: forced.Describe(), Module: forced.Module, Offset: forced.ModuleOffset}}
	// The dump is on the guest's disk when it has booted again, and goes with the revert that is next.
	if err := l.session.reconnectWithin(ctx, l.state.Boot(), l.session.bootWait()); err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "the crash dump that was forced could not be fetched: %v", err)
		return all
	}
	dumps, err := l.fetchDumps(ctx)
	if err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "%v", err)
	}
	return append(all, dumps...)
}

// askAgent asks the agent beside the run that hangs: what became of the run's process, and what the driver says is
// under way in it. Where one of them does not answer, that is what is told. test is the case that hangs.
func (l *driverRun) askAgent(ctx context.Context, test string) (string, []results.Evidence) {
	if l.session.guest == nil {
		return "there is no connection to its agent", nil
	}
	answering, stop := context.WithTimeout(ctx, l.session.allow(answerLimit))
	defer stop()
	facts, err := l.session.guest.Refresh(answering)
	if _, rebooted := errors.AsType[*guest.RebootedError](err); rebooted {
		return "the guest has rebooted: its boot id is " + facts.BootID, nil
	}
	if err != nil {
		l.session.tellTimeUp(answering, "hear from the agent of a guest that hangs")
		return "the agent does not answer: " + err.Error(), nil
	}
	telling, stop := context.WithTimeout(ctx, l.session.allow(tellLimit))
	defer stop()
	state, err := l.session.guest.State(telling, l.run.plan.Request.Config.DriverService().Name, l.id)
	if err != nil {
		l.session.tellTimeUp(telling, "be told what a guest that hangs is at")
		return "the agent answers, but does not tell of the run: " + err.Error(), nil
	}
	said := fmt.Sprintf("the agent answers; the process of the run is %s, the driver's service %s", state.Run, state.Driver)
	if l.run.externalDriver() {
		return said, nil // only the sample could be asked
	}
	said += "; "
	if state.Win32 != winerr.ErrorSuccess {
		l.run.tooLate(test, "the driver of a guest that hangs did not tell what it is at: %v", state.Win32)
		return said + "the driver does not tell what it is at: " + state.Win32.String(), nil
	}
	said += "under way in the driver: " + count(state.Steps, "operation") + " and " + count(state.Irps, "IRP")
	if left := driverrun.LeftBehind(state.Outstanding); left != "" {
		said += "; outstanding: " + left
	}
	var doing []results.Evidence
	for i, a := range state.Inflight {
		if i == maxTold {
			doing = append(doing, results.Evidence{Kind: "under-way", Text: fmt.Sprintf("and %d more, which began later", state.Steps+state.Irps-maxTold)})
			break
		}
		doing = append(doing, results.Evidence{Kind: "under-way", Text: l.describeInflight(a)})
	}
	return said, doing
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// describeInflight is one line: which step of which case, since when, and on which thread.
func (l *driverRun) describeInflight(a guest.Inflight) string {
	what := fmt.Sprintf("step %d of an unknown case", a.Step+1)
	repeated, name := false, ""
	if test, ok := l.state.Case(a.Case); ok {
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
func (l *driverRun) nextCrash(ctx context.Context) *vm.Event {
	for l.events != nil {
		select {
		case e, ok := <-l.events:
			if in, panicked := l.heard(e, ok).(driverrun.Panicked); panicked {
				return &in.Event
			}
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

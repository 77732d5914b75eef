package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wskharness/guest"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/vm"
)

// follow opens the journal from a position on.
func (l *driverRun) follow(ctx context.Context, from journal.Position) driverrun.Input {
	return l.opened(ctx)(l.session.guest.Follow(ctx, l.id, from, l.copyFrom(from)))
}

// opened makes the answer to an action that opens the journal.
func (l *driverRun) opened(ctx context.Context) func(following, error) driverrun.Input {
	return func(j following, err error) driverrun.Input {
		if err != nil {
			return broke(err)
		}
		l.listenTo(ctx, j)
		return driverrun.Opened{}
	}
}

// broke says why a journal broke off.
func broke(err error) driverrun.Input {
	cause := driverrun.Failed
	_, ended := errors.AsType[*guest.EndedError](err)
	_, rebooted := errors.AsType[*guest.RebootedError](err)
	_, lost := errors.AsType[*guest.LostError](err)
	_, cut := errors.AsType[*guest.JournalError](err)
	_, refused := errors.AsType[*agent.Error](err)
	switch {
	case ended:
		cause = driverrun.Ended
	case rebooted, lost, errors.Is(err, vm.ErrEnded): // what the machine told before its end is still to be heard
		cause = driverrun.Lost
	case cut:
		cause = driverrun.Cut
	case refused:
		cause = driverrun.Absent
	}
	return driverrun.Broke{Cause: cause, Text: err.Error()}
}

// orderCancel asks the agent to stop after the step that is under way: beside everything else, and again until it is
// answered.
func (l *driverRun) orderCancel(ctx context.Context) {
	if l.orders != nil || l.session.guest == nil {
		return
	}
	answers, to := make(chan error, 1), l.session.guest
	l.orders = answers
	limit := l.session.allow(cancelLimit)
	go func() {
		ctx, stop := context.WithTimeout(ctx, limit)
		defer stop()
		answers <- to.Cancel(ctx, l.id)
	}()
}

func (l *driverRun) answeredOrder(err error) {
	l.orders = nil
	if err != nil {
		l.session.log.Warn("the agent could not be asked to stop, and is asked again", "error", err)
		l.again = time.After(orderPause)
	}
}

// awaitOrders waits for an order that is on its way: its guest may be let go of after it.
func (l *driverRun) awaitOrders() {
	if l.orders != nil {
		if err := <-l.orders; err != nil {
			l.session.log.Warn("the agent could not be asked to stop", "error", err)
		}
		l.orders = nil
	}
}

// reopen connects to the guest once more. An interrupt ends that: it is told first.
func (l *driverRun) reopen(ctx context.Context, a driverrun.Reconnect) driverrun.Input {
	l.deafen()
	l.awaitOrders()
	if l.told {
		ctx = context.WithoutCancel(ctx)
	}
	limit := l.session.bootWait()
	if a.Declared {
		limit = max(a.Within, orderPause)
	}
	err := l.session.reconnectWithin(ctx, a.Not, limit)
	switch {
	case ctx.Err() != nil:
		l.told = true
		return driverrun.Interrupted{Limit: limitText(ctx)}
	case err != nil:
		return driverrun.Away{Text: err.Error()}
	}
	if l.state.Cancelled() {
		l.orderCancel(context.WithoutCancel(ctx)) // whether it had heard of it is not known
	}
	return driverrun.Back{Boot: l.session.facts.BootID}
}

// confirm looks at the machine once more. One that witnesses every crash has told by now, if it crashed; any other is asked.
func (l *driverRun) confirm(ctx context.Context) driverrun.Input {
	if in := l.pendingCrash(); in != nil {
		return in
	}
	witness, ok := l.session.machine.(vm.Witness)
	if ok && witness.Witnesses() || l.session.guest == nil {
		return driverrun.Calm{}
	}
	ctx, cancel := context.WithTimeout(ctx, l.session.allow(answerLimit))
	defer cancel()
	facts, err := l.session.guest.Refresh(ctx)
	if _, rebooted := errors.AsType[*guest.RebootedError](err); err != nil && !rebooted {
		if err := l.session.reconnectWithin(ctx, "", l.session.bootWait()); err != nil {
			return driverrun.Away{Text: err.Error()}
		}
		facts = l.session.facts
	}
	return driverrun.Back{Boot: facts.BootID}
}

// readRest reads the journal of a boot that is over, up to its end. The disk has survived; the guest has to boot first. A
// network that fails is no end.
func (l *driverRun) readRest(ctx context.Context, a driverrun.ReadRest) driverrun.Input {
	l.deafen()
	l.awaitOrders()
	if l.told {
		ctx = context.WithoutCancel(ctx)
	}
	for try := 0; ; try++ {
		if try > 0 || l.session.guest == nil || a.Not != "" {
			err := l.session.reconnectWithin(ctx, a.Not, l.session.bootWait())
			if err != nil && a.Not != "" {
				err = l.wake(ctx, a.Not, err)
			}
			if err != nil {
				return l.truncated(ctx, err)
			}
			a.Not = ""
		}
		err := l.readOn(ctx)
		if _, ended := errors.AsType[*guest.EndedError](err); ended || errors.Is(err, io.EOF) || l.state.Phase() != driverrun.Reading {
			return driverrun.Read{} // nobody writes it any more
		}
		b := broke(err).(driverrun.Broke)
		if try+1 == maxRest || b.Cause != driverrun.Lost && b.Cause != driverrun.Cut {
			return l.truncated(ctx, err)
		}
	}
}

// wake resets a machine that did not boot by itself after its boot was over, such as one that stands still after a crash: its
// disk has what the journal still says. err is why it was not there.
func (l *driverRun) wake(ctx context.Context, before string, err error) error {
	resetter, ok := l.session.machine.(vm.Resetter)
	if !ok || ctx.Err() != nil || errors.Is(err, vm.ErrEnded) {
		return err
	}
	l.run.notice(l.session.target.Name, results.Warning, "the machine did not come up by itself (%v): it is reset", err)
	if err := resetter.Reset(ctx); err != nil {
		return fmt.Errorf("reset it, since it did not come up by itself: %w", err)
	}
	return l.session.reconnectWithin(ctx, before, l.session.bootWait())
}

func (l *driverRun) truncated(ctx context.Context, err error) driverrun.Input {
	if ctx.Err() != nil {
		l.told = true
	}
	return driverrun.Read{Truncated: err.Error()}
}

// readOn takes in what the journal still has.
func (l *driverRun) readOn(ctx context.Context) error {
	at := l.state.Position()
	j, err := l.session.guest.Follow(ctx, l.id, at, l.copyFrom(at))
	if err != nil {
		return err
	}
	defer j.Close()
	for {
		record, err := j.Next(ctx)
		if err != nil {
			return err
		}
		l.apply(ctx, driverrun.Recorded{Record: record})
		if l.state.Phase() != driverrun.Reading {
			return io.EOF
		}
	}
}

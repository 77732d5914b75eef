package harness

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/vm"
)

// arrival is the next record of the guest's journal, or why there is none.
type arrival struct {
	record journal.Record
	err    error
}

// listenTo begins to read a journal. Reading outlives an interrupt.
func (l *driverRun) listenTo(ctx context.Context, j following) {
	l.deafen()
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	arrivals := make(chan arrival)
	l.arrivals, l.stop = arrivals, stop
	go func() {
		defer j.Close()
		for {
			record, err := j.Next(reading)
			select {
			case arrivals <- arrival{record, err}:
			case <-reading.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
}

// deafen ends the reading of the journal.
func (l *driverRun) deafen() {
	if l.stop != nil {
		l.stop()
	}
	l.arrivals, l.stop = nil, nil
}

// listen waits for what happens first: a record, the journal's end, the machine's word, an interrupt, or the response timeout. Of what has
// happened already, the machine's word comes first.
func (l *driverRun) listen(ctx context.Context, a driverrun.Listen) driverrun.Input {
	timeout := l.responseTimeout(a)
	limit, suite := time.NewTimer(timeout), time.NewTimer(never)
	defer limit.Stop()
	defer suite.Stop()
	if a.Suite > 0 {
		suite.Reset(a.Suite)
	}
	var interrupted <-chan struct{}
	if !l.told {
		interrupted = ctx.Done()
	}
	for {
		if in := l.pendingCrash(); in != nil {
			return in
		}
		select {
		case got := <-l.arrivals:
			if got.err == nil {
				return driverrun.Recorded{Record: got.record}
			}
			if in := l.pendingCrash(); in != nil {
				return in
			}
			l.deafen()
			if errors.Is(got.err, io.EOF) {
				return driverrun.Broke{Cause: driverrun.Cut, Text: "the guest's journal ended before its last record"}
			}
			return broke(got.err)
		case e, ok := <-l.events:
			if in := l.heard(e, ok); in != nil {
				return in
			}
		case <-interrupted:
			l.told = true
			return driverrun.Interrupted{Limit: limitText(ctx)}
		case err := <-l.orders:
			l.answeredOrder(err)
		case <-l.again:
			l.again = nil
			l.orderCancel(context.WithoutCancel(ctx))
		case <-suite.C:
			suite, _, _ := strings.Cut(a.Case, ".")
			return driverrun.SuiteUp{Limit: l.session.suiteExceeded(suite).Error()}
		case <-limit.C:
			return driverrun.TimedOut{ResponseTimeout: timeout}
		}
	}
}

// limitText is the limit that ended ctx; empty where it was the user.
func limitText(ctx context.Context) string {
	if up := limitUp(ctx); up != nil {
		return up.Error()
	}
	return ""
}

// responseTimeout is how long the guest may say nothing.
func (l *driverRun) responseTimeout(a driverrun.Listen) time.Duration {
	switch a.Kind {
	case driverrun.ForCancel:
		return a.Least + l.session.allow(cancelLimit)
	case driverrun.ForCase:
		if p := l.run.env.responseTimeout; p != nil && p(a.Case) > 0 {
			return p(a.Case)
		}
		return a.Least + l.session.allow(responseMargin)
	}
	return l.serviceLimit(max(startLimit, stopLimit)) + l.session.allow(l.run.env.hurry(responseMargin))
}

// pendingCrash is the machine's word that has come already; nil where there is none.
func (l *driverRun) pendingCrash() driverrun.Input {
	for l.events != nil {
		select {
		case e, ok := <-l.events:
			if in := l.heard(e, ok); in != nil {
				return in
			}
		default:
			return nil
		}
	}
	return nil
}

// heard makes an input of what the machine tells, where it tells of a crash.
func (l *driverRun) heard(e vm.Event, ok bool) driverrun.Input {
	switch {
	case !ok:
		l.events = nil // the machine is let go of, or whoever watched it is gone
	case e.Kind == vm.Panicked:
		return driverrun.Panicked{Event: e, Where: l.source(e.Module, e.ModuleOffset)}
	}
	return nil
}

// awaitCrash waits for the machine to tell that it crashed.
func (l *driverRun) awaitCrash(ctx context.Context) driverrun.Input {
	limit := l.session.allow(evidenceLimit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for l.events != nil {
		select {
		case e, ok := <-l.events:
			if in := l.heard(e, ok); in != nil {
				return in
			}
		case <-timer.C:
			return driverrun.Calm{Within: limit}
		}
	}
	return driverrun.Calm{}
}

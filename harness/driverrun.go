package harness

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"wskharness/disk"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/vm"
)

const (
	cancelLimit    = 15 * time.Second // from an interrupt to the run's end in the guest
	responseMargin = 30 * time.Second // beyond a case's own limit, before the guest counts as silent
	// evidenceLimit is how long a machine may take to tell that it crashed, after its guest stopped
	// answering.
	evidenceLimit = 5 * time.Second
	// maxRest is how often the end of a journal is asked for after a crash, with a new connection each time.
	maxRest = 20
	// never is a time that does not come: of a timer that has nothing to wait for.
	never = 1000 * time.Hour
	// orderPause is how long to wait before an order is given again that was not answered.
	orderPause = 100 * time.Millisecond
)

// driverRun carries out one run of the driver in the guest: it does what the state asks for, and tells it what came of
// it. All decisions are the state's.
type driverRun struct {
	*session
	n        int // from 1, on its target
	id       string
	attempts []*attempt // by their index in the guest's plan
	state    *driverrun.State

	raw   disk.File // the guest's journal as it came, kept in the run folder
	order guest.Run // what the guest was given to run; without an id after a resume
	traces

	arrivals <-chan arrival // of the journal that is being followed; nil: none is
	stop     context.CancelFunc
	events   <-chan vm.Event
	told     bool       // the state knows that the run was interrupted
	orders   chan error // the answers to cancel; nil: it was not given, or was answered
	again    <-chan time.Time
}

// arrival is the next record of the guest's journal, or why there is none.
type arrival struct {
	record journal.Record
	err    error
}

// newDriverRun is the next run of the driver on this target.
func (s *session) newDriverRun(attempts []*attempt) *driverRun {
	s.runs++
	for _, t := range attempts {
		s.byKey[t.key()] = t
	}
	return &driverRun{session: s, n: s.runs, id: driverRunID(s.run.id, s.target.Name, s.runs), attempts: attempts, events: s.machine.Events()}
}

// runDriver deploys, starts the driver and follows the agent until the driver is gone.
func (s *session) runDriver(ctx context.Context, attempts []*attempt) driverrun.Outcome {
	l := s.newDriverRun(attempts)
	defer l.close()
	if err := l.noteTraces(ctx); err != nil && ctx.Err() == nil {
		s.notice(s.target.Name, results.Warning, "%v: after a crash, nobody knows what is new", err)
	}
	l.noteEntries()
	l.state = l.newState(s.facts.BootID, l.codePages(), false, s.record.passedBefore)
	s.mark(checkpoint{Runs: s.runs, Run: l.point(s.facts.BootID)})
	s.record.begin(l.n, s.facts.BootID)
	var started following
	var unanswered error
	err := s.phase(s.target.Name, results.PhaseDeploy, func() (detail string, err error) {
		started, unanswered, err = l.deploy(ctx)
		if unanswered != nil {
			return "no answer: the run may have been started", nil
		}
		return count(len(attempts), "case"), err
	})
	if err != nil {
		return l.undeployed(ctx, err)
	}
	_ = s.phase(s.target.Name, results.PhaseCases, func() (string, error) {
		if unanswered != nil {
			l.execute(ctx, l.apply(ctx, broke(unanswered)))
		} else {
			l.listenTo(ctx, started)
			l.execute(ctx, driverrun.Listen{Kind: driverrun.ForService})
		}
		return "", nil
	})
	l.collectFiles(ctx)
	return l.state.Outcome()
}

// point is where to take the driver run up.
func (l *driverRun) point(boot string) *openRun {
	open := &openRun{ID: l.id, Boot: boot, Pages: l.codePages(), Dumps: l.traces.dumps, Events: l.traces.newest, Entry: l.traces.entry}
	for _, t := range l.attempts {
		open.Attempts = append(open.Attempts, openAttempt{t.key(), l.record.passedBefore(t.key())})
	}
	return open
}

// execute does one action after the other, until everything is judged.
func (l *driverRun) execute(ctx context.Context, next driverrun.Action) {
	for {
		in := l.do(ctx, next)
		if in == nil {
			return
		}
		next = l.apply(ctx, in)
	}
}

// noteEntries notes where the machine has got to in what it tells of DriverEntries, so that what it tells of an earlier one
// is not taken for this driver run's.
func (l *driverRun) noteEntries() {
	teller, ok := l.machine.(vm.EntryTeller)
	if !ok {
		return
	}
	mark, err := teller.EntryMark()
	if err != nil {
		l.log.Warn("what the machine tells of this start can't be told from what it told of earlier ones", "error", err)
		return
	}
	l.traces.entry = mark
}

// entry adds what the machine tells of a DriverEntry that failed, where the guest does not know it.
func (l *driverRun) entry(r journal.Record) journal.Record {
	teller, ok := l.machine.(vm.EntryTeller)
	if !ok || l.traces.entry == "" || r.Ev != journal.EvDriverStart || r.OK || r.Why != "start" || r.Entry != 0 {
		return r
	}
	if status, told := teller.EntryStatus(l.plan.Request.Config.DriverService().Name, l.traces.entry); told {
		r.Entry = status
	}
	return r
}

// apply tells the state what happened, and writes down what follows before anything else is done.
func (l *driverRun) apply(ctx context.Context, in driverrun.Input) driverrun.Action {
	if r, ok := in.(driverrun.Recorded); ok {
		in = driverrun.Recorded{Record: l.entry(r.Record)}
	}
	effects := l.state.Apply(time.Now(), in)
	for _, e := range effects.Write {
		l.write(l.attemptOf(attemptKey{e.Case, e.Attempt}), e)
	}
	for _, s := range effects.Slow {
		l.tooLate(s.Case, "%s", s.Text)
	}
	if effects.Cancel && l.guest != nil {
		l.orderCancel(context.WithoutCancel(ctx))
	}
	return effects.Next
}

// do carries out an action, and returns what came of it; nil when there is nothing left to do. What is done outlives an
// interrupt where the agent still has to tidy up, and to say that it did.
func (l *driverRun) do(ctx context.Context, next driverrun.Action) driverrun.Input {
	lasting := context.WithoutCancel(ctx)
	switch a := next.(type) {
	case driverrun.Listen:
		if l.arrivals == nil { // it was taken up, and is read up to here
			return l.follow(lasting, l.state.Position())
		}
		return l.listen(ctx, a)
	case driverrun.Follow:
		return l.follow(lasting, a.From)
	case driverrun.StartAgain:
		return l.opened(lasting)(l.guest.StartRun(lasting, l.order))
	case driverrun.Reconnect:
		return l.reopen(ctx, a)
	case driverrun.AwaitCrash:
		return l.awaitCrash(lasting)
	case driverrun.ReadRest:
		return l.readRest(ctx, a)
	case driverrun.Collect:
		return l.collectors()[a.What](lasting, a)
	case driverrun.Confirm:
		return l.confirm(lasting)
	}
	return nil
}

// confirm looks at the machine once more. One that is watched has told by now, if it crashed; any other is asked.
func (l *driverRun) confirm(ctx context.Context) driverrun.Input {
	if in := l.pendingCrash(); in != nil {
		return in
	}
	if _, watched := l.machine.(vm.Console); watched || l.guest == nil {
		return driverrun.Calm{}
	}
	ctx, cancel := context.WithTimeout(ctx, l.allow(answerLimit))
	defer cancel()
	facts, err := l.guest.Refresh(ctx)
	if _, rebooted := errors.AsType[*guest.RebootedError](err); err != nil && !rebooted {
		if err := l.reconnectWithin(ctx, "", l.bootWait()); err != nil {
			return driverrun.Away{Text: err.Error()}
		}
		facts = l.facts
	}
	return driverrun.Back{Boot: facts.BootID}
}

// follow opens the journal from a position on.
func (l *driverRun) follow(ctx context.Context, from journal.Position) driverrun.Input {
	return l.opened(ctx)(l.guest.Follow(ctx, l.id, from, l.copyFrom(from)))
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
			return driverrun.SuiteUp{Limit: l.suiteLimit(a.Case)}
		case <-limit.C:
			return driverrun.Silent{ResponseTimeout: timeout}
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
		return a.Least + l.allow(cancelLimit)
	case driverrun.ForCase:
		if p := l.env.responseTimeout; p != nil && p(a.Case) > 0 {
			return p(a.Case)
		}
		return a.Least + l.allow(responseMargin)
	}
	return l.serviceLimit(max(startLimit, stopLimit)) + l.allow(l.env.hurry(responseMargin))
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

// orderCancel asks the agent to stop after the step that is under way: beside everything else, and again until it is
// answered.
func (l *driverRun) orderCancel(ctx context.Context) {
	if l.orders != nil || l.guest == nil {
		return
	}
	answers, to := make(chan error, 1), l.guest
	l.orders = answers
	limit := l.allow(cancelLimit)
	go func() {
		ctx, stop := context.WithTimeout(ctx, limit)
		defer stop()
		answers <- to.Cancel(ctx, l.id)
	}()
}

func (l *driverRun) answeredOrder(err error) {
	l.orders = nil
	if err != nil {
		l.log.Warn("ask the agent to stop: once more", "error", err)
		l.again = time.After(orderPause)
	}
}

// awaitOrders waits for an order that is on its way: its guest may be let go of after it.
func (l *driverRun) awaitOrders() {
	if l.orders != nil {
		if err := <-l.orders; err != nil {
			l.log.Warn("ask the agent to stop", "error", err)
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
	limit := l.bootWait()
	if a.Declared {
		limit = max(a.Within, orderPause)
	}
	err := l.reconnectWithin(ctx, a.Not, limit)
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
	return driverrun.Back{Boot: l.facts.BootID}
}

// awaitCrash waits for the machine to tell that it crashed.
func (l *driverRun) awaitCrash(ctx context.Context) driverrun.Input {
	limit := l.allow(evidenceLimit)
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

// readRest reads the journal of a boot that is over, up to its end. The disk has survived; the guest has to boot first. A
// network that fails is no end.
func (l *driverRun) readRest(ctx context.Context, a driverrun.ReadRest) driverrun.Input {
	l.deafen()
	l.awaitOrders()
	if l.told {
		ctx = context.WithoutCancel(ctx)
	}
	if l.guest == nil || a.Not != "" {
		if err := l.reconnectWithin(ctx, a.Not, l.bootWait()); err != nil {
			return l.truncated(ctx, err)
		}
	}
	for try := 1; ; try++ {
		err := l.readOn(ctx)
		if _, ended := errors.AsType[*guest.EndedError](err); ended || errors.Is(err, io.EOF) || l.state.Phase() != driverrun.Reading {
			return driverrun.Read{} // nobody writes it any more
		}
		b := broke(err).(driverrun.Broke)
		if try == maxRest || b.Cause != driverrun.Lost && b.Cause != driverrun.Cut {
			return l.truncated(ctx, err)
		}
		if err := l.reconnectWithin(ctx, "", l.bootWait()); err != nil {
			return l.truncated(ctx, err)
		}
	}
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
	j, err := l.guest.Follow(ctx, l.id, at, l.copyFrom(at))
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

// close lets go of what the driver run held here.
func (l *driverRun) close() {
	l.deafen()
	l.awaitOrders()
	if l.raw == nil {
		return
	}
	if err := errors.Join(l.raw.Sync(), l.raw.Close()); err != nil {
		l.notice(l.target.Name, results.Warning, "keep the guest's journal: %v", err)
	}
}

// source is where an offset into the tested driver is in its sources, by the debug information of its build;
// empty where that does not say.
func (l *driverRun) source(module string, offset uint64) string {
	if l.artifacts == nil || l.artifacts.pkg.Symbols == "" || !strings.EqualFold(module, filepath.Base(l.artifacts.pkg.Driver)) {
		return ""
	}
	symbols, err := driver.OpenSymbols(l.artifacts.pkg.Symbols)
	if err != nil {
		l.log.Warn("find the place of the crash in the sources", "error", err)
		return ""
	}
	at, ok := symbols.Lookup(offset)
	if !ok {
		return ""
	}
	return at.String()
}

package harness

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"wskharness/disk"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/vm"
)

const (
	cancelLimit    = 15 * time.Second // from an interrupt to the run's end in the guest
	responseMargin = 30 * time.Second // beyond a case's own limit, until the response timeout
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
	session  *session // of the target
	run      *run     // of all targets
	n        int      // from 1, on its target
	id       string
	attempts []*attempt // by their index in the guest's plan
	state    *driverrun.State

	raw    disk.File // the guest's journal as it came, kept in the run folder
	order  guest.Run // what the guest was given to run; without an id after a resume
	traces traces

	arrivals <-chan arrival // of the journal that is being followed; nil: none is
	stop     context.CancelFunc
	events   <-chan vm.Event
	told     bool       // the state knows that the run was interrupted
	orders   chan error // the answers to cancel; nil: it was not given, or was answered
	again    <-chan time.Time
}

// newDriverRun is the next run of the driver on this target.
func (s *session) newDriverRun(attempts []*attempt) *driverRun {
	s.runs++
	for _, t := range attempts {
		s.byKey[t.key()] = t
	}
	return &driverRun{session: s, run: s.run, n: s.runs, id: DriverRunID(s.run.id, s.target.Name, s.runs), attempts: attempts, events: s.machine.Events()}
}

// runDriver deploys, starts the driver and follows the agent until the driver is gone.
func (s *session) runDriver(ctx context.Context, attempts []*attempt) driverrun.Outcome {
	l := s.newDriverRun(attempts)
	defer l.close()
	if err := l.noteTraces(ctx); err != nil && ctx.Err() == nil {
		s.run.notice(s.target.Name, results.Warning, "%v: after a crash, the harness can't tell which dumps and events are new", err)
	}
	l.noteEntries()
	l.state = l.newState(s.facts.BootID, l.codePages(), false, s.record.passedBefore)
	s.mark(checkpoint{Runs: s.runs, Run: l.point(s.facts.BootID)})
	s.record.begin(l.n, s.facts.BootID)
	var started following
	var unanswered error
	err := s.run.phase(s.target.Name, results.PhaseDeploy, func() (detail string, err error) {
		started, unanswered, err = l.deploy(ctx)
		if unanswered != nil {
			return "no answer: the run may have been started", nil
		}
		return count(len(attempts), "case"), err
	})
	if err != nil {
		return l.undeployed(ctx, err)
	}
	_ = s.run.phase(s.target.Name, results.PhaseCases, func() (string, error) {
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
	open := &openRun{ID: l.id, Boot: boot, Pages: l.codePages(), Dumps: l.traces.dumps, Events: l.traces.newest, Entry: l.traces.entry, Proof: l.session.proof}
	for _, t := range l.attempts {
		open.Attempts = append(open.Attempts, openAttempt{t.key(), l.session.record.passedBefore(t.key())})
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
	teller, ok := l.session.machine.(vm.EntryTeller)
	if !ok {
		return
	}
	mark, err := teller.EntryMark()
	if err != nil {
		l.session.log.Warn("the result of this DriverEntry can't be told from that of earlier ones", "error", err)
		return
	}
	l.traces.entry = mark
}

// entry adds what the machine tells of a DriverEntry that failed, where the guest does not know it.
func (l *driverRun) entry(r journal.Record) journal.Record {
	teller, ok := l.session.machine.(vm.EntryTeller)
	if !ok || l.traces.entry == "" || r.Ev != journal.EvDriverStart || r.OK || r.Why != "start" || r.Entry != 0 {
		return r
	}
	if status, told := teller.EntryStatus(l.run.plan.Request.Config.DriverService().Name, l.traces.entry); told {
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
		l.session.write(l.session.attemptOf(attemptKey{e.Case, e.Attempt}), e)
	}
	for _, s := range effects.Slow {
		l.run.tooLate(s.Case, "%s", s.Text)
	}
	if effects.Cancel && l.session.guest != nil {
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
		if l.arrivals == nil { // the run was resumed, and its journal is read up to here
			return l.follow(lasting, l.state.Position())
		}
		return l.listen(ctx, a)
	case driverrun.Follow:
		return l.follow(lasting, a.From)
	case driverrun.StartAgain:
		return l.opened(lasting)(l.session.guest.StartRun(lasting, l.order))
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

// close lets go of what the driver run held here.
func (l *driverRun) close() {
	l.deafen()
	l.awaitOrders()
	if l.raw == nil {
		return
	}
	if err := errors.Join(l.raw.Sync(), l.raw.Close()); err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "the copy of the guest's journal could not be kept: %v", err)
	}
}

// source is where an offset into the tested driver is in its sources, by the debug information of its build;
// empty where that does not say.
func (l *driverRun) source(module string, offset uint64) string {
	if l.run.artifacts == nil || l.run.artifacts.pkg.Symbols == "" || !strings.EqualFold(module, filepath.Base(l.run.artifacts.pkg.Driver)) {
		return ""
	}
	symbols, err := driver.OpenSymbols(l.run.artifacts.pkg.Symbols)
	if err != nil {
		l.session.log.Warn("the place of the crash in the driver's sources could not be found", "error", err)
		return ""
	}
	at, ok := symbols.Lookup(offset)
	if !ok {
		return ""
	}
	return at.String()
}

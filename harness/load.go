package harness

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

const (
	startLimit  = 30 * time.Second
	stopLimit   = 30 * time.Second
	cancelLimit = 15 * time.Second // from an interrupt to the run's end in the guest
	silence     = 30 * time.Second // beyond a case's own limit, before the guest counts as silent
	// evidenceLimit is how long a machine may take to tell that it crashed, after its guest stopped
	// answering.
	evidenceLimit = 5 * time.Second
	// unheardLimit is how long a run whose start was not answered may take to have a journal.
	unheardLimit = 20 * time.Second
	// maxCuts is how often whoever prints the journal may end in the middle of it at one place.
	maxCuts = 3
	// littleSpace is how much room on a volume counts as none: a few lines of a journal take as much.
	littleSpace = 64 << 10
	// maxRest is how often the end of a journal is asked for after a crash, with a new connection each time.
	maxRest = 20
)

// load is one start of the driver in the guest: the cases that ran on it, up to its stop or to
// whatever ended it. The fields up to driverDone are what the guest's journal says.
type load struct {
	*session
	id     string
	boot   string   // boot id of the guest that runs it
	trials []*trial // by their index in the guest's plan
	raw    *os.File // the guest's journal as it came, kept in the run folder

	order      guest.Run // what the guest was given to run; without an id after a resume
	unanswered error     // of the start: the run may have been started
	askedAt    time.Time // when that was
	asked      int       // how often a run without a journal was followed, or started again

	at         guest.Position // in the guest's journal, after the last record that was taken in
	cutAt      guest.Position // where it ended without an end the last time …
	cuts       int            // … and how often it has there
	open       *trial         // started, not ended
	passed     []*trial
	started    bool // the driver runs, and has the deployed hash
	unloadDue  bool // every case is over and none is to blame: the driver has to unload cleanly now
	driverDone bool // it did
	ended      bool // the terminal record arrived
	torn       bool // the end of the journal is missing, and there is no way to it any more

	dumps      map[string]guest.Dump // that were in the guest before; nil: not known
	events     *uint64               // the newest record of its event log then; nil: it has none, or it is not known
	rebooting  bool                  // a step of the plan has ordered a reboot, and the run has not gone on yet
	rebooted   bool                  // it runs another boot than the one that this load began in
	crash      *vm.Event             // the machine's own word that it crashed
	lost       string                // why contact was lost for good; empty while it is not
	cancelled  bool
	unwritten  string      // why the agent could not write its journal to the end; empty while it could
	suiteSpent bool        // it was the limit of a suite: the other suites go on
	limit      *limitError // why, where it was a limit that was up; nil: the user wanted it

	hung        *trial // hangs, as the agent found out; not judged yet
	hungVerdict results.Verdict

	outcome loadOutcome
}

// loadOutcome is what the session has to know of a load that is over.
type loadOutcome struct {
	tainted bool   // nothing else may run on the target before it is reverted
	unheard bool   // not a word came of it, though it may have been started
	over    bool   // no other load can do better: the driver does not start, or the user ended it
	why     string // for the cases that are left
}

// loadID is what the guest knows a load by: the nth on its target in a run.
func loadID(run, target string, n int) string { return fmt.Sprintf("%s-%s-%d", run, target, n) }

// load deploys, starts the driver and follows the agent until the driver is gone.
func (s *session) load(ctx context.Context, trials []*trial) loadOutcome {
	s.loads++
	l := &load{session: s, trials: trials, id: loadID(s.run.id, s.target.Name, s.loads), boot: s.facts.BootID}
	err := l.noteTraces(ctx)
	if err != nil && ctx.Err() == nil {
		s.notice(s.target.Name, results.Warning, "%v: after a crash, nobody knows what is new", err)
	}
	open := &openLoad{ID: l.id, Boot: l.boot, Dumps: l.dumps, Events: l.events}
	for _, t := range trials {
		open.Trials = append(open.Trials, t.key())
	}
	s.mark(bookmark{Loads: s.loads, Load: open})
	var stream *guest.Stream
	err = s.phase(s.target.Name, results.PhaseDeploy, func() (detail string, err error) {
		stream, detail, err = l.deploy(ctx)
		return detail, err
	})
	if err != nil {
		return l.undeployed(ctx, err)
	}
	_ = s.phase(s.target.Name, results.PhaseCases, func() (string, error) {
		if l.unanswered != nil {
			stream = l.contactLost(ctx, l.unanswered)
		}
		if stream != nil {
			l.follow(ctx, stream)
		}
		return "", nil
	})
	l.conclude(ctx)
	l.collect(ctx)
	l.close()
	return l.outcome
}

// undeployed is the outcome of a load whose start went wrong. Where it was ended from here, the guest may have begun it
// all the same: it is asked to stop, and whoever uses the guest next gets it reverted.
func (l *load) undeployed(ctx context.Context, err error) loadOutcome {
	if ctx.Err() == nil {
		_, rebooted := errors.AsType[*guest.RebootedError](err)
		if rebooted && l.loads == 1 && l.reconnect(ctx, "") == nil {
			// Nothing of the run had begun in the guest, which may have waited for hours for the driver to be built.
			l.notice(l.target.Name, results.Warning, "the guest has rebooted since it was connected to, before anything was started in it")
			return loadOutcome{why: err.Error()}
		}
		return loadOutcome{over: true, why: err.Error()}
	}
	if l.order.ID != "" {
		l.cancel(context.WithoutCancel(ctx))
	}
	why := "the run was interrupted"
	if up := limitUp(ctx); up != nil {
		why = up.Error()
	}
	return loadOutcome{over: true, tainted: true, why: why}
}

// rawPath is where the guest's journal is kept as it came.
func (l *load) rawPath() string {
	return filepath.Join(l.folder(), fmt.Sprintf("journal-%d.ndjson", l.loads))
}

func (l *load) close() {
	if err := l.raw.Close(); err != nil {
		l.notice(l.target.Name, results.Warning, "keep the guest's journal: %v", err)
	}
}

// deploy compiles the plan for this guest, pushes it with the driver, and starts it. Without an error and
// without a stream it may have been started.
func (l *load) deploy(ctx context.Context) (*guest.Stream, string, error) {
	pkg := l.kit.pkg
	entries := make([]suites.Entry, len(l.trials))
	for i, t := range l.trials {
		entries[i] = suites.Entry{Case: t.test, Attempt: t.attempt}
	}
	hash, err := hex.DecodeString(pkg.Manifest.Driver.SHA256)
	if err != nil || len(hash) != 32 {
		return nil, "", fmt.Errorf("deploy to %s: the package's hash %q is not one", l.target.Name, pkg.Manifest.Driver.SHA256)
	}
	path := guest.StorePath(pkg.Manifest.Driver.SHA256[:16], filepath.Base(pkg.Driver))
	files, err := l.files(pkg, path)
	if err != nil {
		return nil, "", err
	}
	plan, err := suites.Compile(entries, suites.PlanOptions{
		RunID: l.id, DriverPath: path, Service: l.plan.Request.Config.service().Name, DriverSHA256: [32]byte(hash),
		StartTimeout: l.serviceLimit(startLimit), StopTimeout: l.serviceLimit(stopLimit), Seed: l.seed(),
		Own: l.plan.Request.Config.ownService(), INF: files.inf, Stored: files.stored,
	})
	if err != nil {
		return nil, "", err
	}
	l.raw, err = os.Create(l.rawPath())
	if err != nil {
		return nil, "", fmt.Errorf("keep the guest's journal: %w", err)
	}
	l.order = guest.Run{
		ID: l.id, Plan: plan.Bytes(), Journal: l.raw,
		Files: files.all,
	}
	stream, err := l.guest.StartRun(ctx, l.order)
	if _, ok := errors.AsType[*guest.LostError](err); ok {
		l.unanswered, l.askedAt = err, time.Now()
		return nil, "no answer: the run may have been started", nil
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("deploy to %s: %w", l.target.Name, err), l.raw.Close())
	}
	return stream, fmt.Sprintf("%d cases", len(l.trials)), nil
}

// arrival is the next record of the guest's journal, or why there is none.
type arrival struct {
	record guest.Record
	err    error
}

// follow takes in the guest's journal and the machine's events until the load is over.
func (l *load) follow(ctx context.Context, stream *guest.Stream) {
	// Reading outlives an interrupt: the agent still has to tidy up, and to say that it did.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	arrivals := read(reading, stream)
	interrupted, events, limit := ctx.Done(), l.machine.Events(), time.NewTimer(l.patience())
	defer limit.Stop()
	suite := time.NewTimer(never)
	defer suite.Stop()
	for {
		select {
		case a := <-arrivals:
			if a.err != nil {
				again := l.contactLost(reading, a.err)
				if again == nil {
					return
				}
				arrivals = read(reading, again)
			} else if l.take(a.record); l.ended || l.lost != "" {
				return
			}
			limit.Reset(l.patience())
			suite.Reset(l.suiteLeft())
		case e, ok := <-events:
			switch {
			case !ok:
				events = nil // the machine is let go of, or whoever watched it is gone
			case e.Kind == vm.Panicked:
				l.crash = &e
				return
			}
		case <-interrupted:
			interrupted, l.limit = nil, limitUp(ctx)
			l.cancel(reading)
			limit.Reset(l.patience())
		case <-suite.C:
			if l.spendSuite(); l.limit != nil {
				l.cancel(reading)
				limit.Reset(l.patience())
			}
		case <-limit.C:
			l.silent(reading)
			return
		}
	}
}

// read passes on the records of a stream. It ends with the stream's error, or with ctx.
func read(ctx context.Context, stream *guest.Stream) <-chan arrival {
	arrivals := make(chan arrival)
	go func() {
		defer stream.Close()
		for {
			record, err := stream.Next(ctx)
			select {
			case arrivals <- arrival{record, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return arrivals
}

// patience is how long the guest may say nothing.
func (l *load) patience() time.Duration {
	switch {
	case l.cancelled && l.open != nil:
		return l.allow(cancelLimit) + l.open.test.TearDown
	case l.cancelled:
		return l.allow(cancelLimit)
	case l.open != nil:
		if p := l.env.patience; p != nil && p(l.open.test.Name()) > 0 {
			return p(l.open.test.Name())
		}
		return l.open.test.Longest() + l.allow(silence)
	}
	return l.serviceLimit(max(startLimit, stopLimit)) + l.allow(silence)
}

// serviceLimit is how long the driver's service may take to start, or to stop.
func (l *load) serviceLimit(least time.Duration) time.Duration {
	return min(l.allow(least), suites.LongestWait)
}

// cancel asks the agent to stop after the step that is under way.
func (l *load) cancel(ctx context.Context) {
	l.cancelled = true
	ctx, stop := context.WithTimeout(ctx, l.allow(cancelLimit))
	defer stop()
	if err := l.guest.Cancel(ctx, l.id); err != nil {
		l.log.Warn("ask the agent to stop", "error", err)
	}
}

// take updates the load with one record of the guest's journal.
func (l *load) take(r guest.Record) {
	l.at = guest.Position{Offset: r.Offset + int64(len(r.Raw)) + 1, Seq: r.Seq}
	switch r.Ev {
	case guest.EvRunStart:
		if r.Boot != l.boot {
			l.notice(l.target.Name, results.Warning, "the guest rebooted between the probe and the run (boot id %s, before %s)", r.Boot, l.boot)
			l.boot = r.Boot
		}
	case guest.EvDriverStart:
		l.driverStart(r)
	case guest.EvCaseStart:
		if t := l.trial(r.N); t != nil {
			l.open, t.begun, t.steps = t, r.At, nil
			l.begin(t)
		}
	case guest.EvOutput:
		if t := l.trial(r.N); t != nil {
			t.output(r)
		}
	case guest.EvStep:
		if t := l.trial(r.N); t != nil {
			l.step(t, r)
		}
	case guest.EvReboot:
		l.rebooting = l.declaresReboot(r)
	case guest.EvBoot:
		l.bootedAgain(r)
	case guest.EvCaseEnd:
		if t := l.trial(r.N); t != nil {
			l.caseEnd(t, r)
		}
	case guest.EvDriverStop:
		l.unloadDue, l.driverDone = true, r.OK
		if !r.OK {
			l.tooLate("deploy.stop", "the driver did not unload in time")
			l.own("deploy.stop", results.Verdict{Outcome: results.Hang, Elapsed: r.StopTook,
				Reason: "the driver did not unload: " + suites.Win32(r.Win32).String()})
			l.taint("the driver did not unload")
		}
	case guest.EvRunEnd:
		l.noteUnwritten(r)
		l.runEnd(r)
	}
}

// givenUp reports that it was an earlier controller that asked the agent to stop: one whose disk was full, or that was
// killed while it tidied up. What it recorded stands; what it did not is still to do.
func (l *load) givenUp() bool { return l.resumed && !l.cancelled }

func (l *load) trial(n int) *trial {
	if n < 0 || n >= len(l.trials) {
		l.log.Warn("the guest's journal names a case that is not in its plan", "n", n)
		return nil
	}
	return l.trials[n]
}

func (l *load) taint(why string) { l.outcome.tainted, l.outcome.why = true, why }

func (l *load) step(t *trial, r guest.Record) {
	result := suites.StepResult{Step: r.Step, Status: r.Status, Origin: r.Origin, Runs: r.Runs,
		NS: uint64(r.Took), MaxNS: uint64(r.Most), Values: r.V[:],
		Percentiles: [3]uint64{uint64(r.P[0]), uint64(r.P[1]), uint64(r.P[2])}}
	if t.pending.step == r.Step {
		result.Outputs = t.pending.outputs
	}
	t.pending = pendingOutputs{}
	if r.It != nil {
		result.Failed = &suites.Iteration{Thread: uint32(r.It.Thread), Iteration: uint32(r.It.Iteration)}
	}
	t.steps = append(t.steps, result)
	if r.Step < 0 || r.Step >= len(t.test.Steps) {
		return // judged, as a report that makes no sense
	}
	if l.past.tookStep(t.key()) {
		return
	}
	step := &t.test.Steps[r.Step]
	e := &results.Step{
		Index: r.Step, Text: step.Text, Status: suites.StatusName(r.Status), Code: r.Status,
		Origin: suites.OriginName(r.Origin), Expected: step.Expected(), Elapsed: r.Took, OK: r.OK,
	}
	if loop, ok := t.test.Loop(step); ok {
		e.Loop = &results.Loop{Runs: r.Runs, Threads: loop.Threads, Seed: loop.SeedOf(t.seed, t.attempt),
			P50: r.P[0], P95: r.P[1], P99: r.P[2], Max: r.Most}
	}
	values := step.Wrote(result.Outputs)
	if sample := !l.ownDriver() || step.Generic(); sample && (e.Loop == nil || !e.OK) { // of many runs, what the last one reported says nothing
		values = append(step.Reported(r.V[:]), values...)
	}
	for _, v := range values {
		e.Values = append(e.Values, results.Value{Name: v.Name, Value: v.Text})
	}
	l.append(results.Event{Kind: results.KindStep, Target: l.target.Name, Case: t.test.Name(), Attempt: t.attempt, Step: e})
}

func (l *load) caseEnd(t *trial, r guest.Record) {
	t.end, t.elapsed = &r, r.At-t.begun
	l.open = nil
	if r.Why == "io" {
		// The device went away under the case. Whether the machine crashed is its own to say.
		l.open = t
		return
	}
	if r.Why == "hang" || r.Why == "timeout" {
		l.tooLate(t.test.Name(), "a time of %s was up in the guest", t.test.Name())
	}
	l.suiteTime[t.test.Suite] += time.Since(t.started)
	switch {
	case r.Why == "cancelled" && l.limit != nil:
		l.outOfTime(t)
		return
	case r.Why == "cancelled" && l.givenUp() && l.past.final(t.key()) == nil:
		l.void(t, "was ended by a controller that did not get to say why")
		return
	}
	version := l.facts.Version()
	v := t.judge(l.plan.Catalog.Known(l.target.kind(l.facts), version, t.test), version)
	if v.Outcome == results.Cancelled && l.outcome.why != "" {
		v.Reason = l.outcome.why // it was not the user
	}
	t.forgetOutputs()
	if v.Outcome == results.Hang {
		l.taint("a step hung")
		l.hung, l.hungVerdict = t, v // recorded by judgeHang, with what can still be learnt
	} else {
		l.finish(t, v)
	}
	if v.Outcome == results.Pass || v.Outcome == results.KnownIssue {
		l.passed = append(l.passed, t)
	}
	if v.Outcome.Bad() && l.plan.Request.FailFast && !l.outcome.over {
		l.outcome.over, l.outcome.why = true, "stopped at the first failure ("+t.test.Name()+"), as --fail-fast asks"
		l.cancel(context.Background())
	}
}

func (l *load) runEnd(r guest.Record) {
	l.ended = true
	l.unloadDue = l.unloadDue || r.Why == "done"
	switch {
	case r.Why == "tainted":
		l.taint("a case left something behind that the driver could not tidy up")
	case r.Why == "plan":
		l.outcome.over, l.outcome.why = true, "the agent refused the plan"
	case r.Why == "cancelled" && !l.givenUp():
		l.outcome.over = !l.suiteSpent
		if l.limit != nil {
			l.outcome.why = l.limit.Error()
		}
		if l.outcome.why == "" {
			l.outcome.why = "the run was interrupted"
		}
	}
}

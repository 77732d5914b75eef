package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/disk"
	"wskharness/driver"
	"wskharness/remote"
	"wskharness/report"
	"wskharness/results"
	"wskharness/vm"
	"wskharness/workshop"
)

// Env is what a run needs of the machine that the controller is on.
type Env struct {
	vm.Host
	Instruments Instruments

	// responseTimeout is nil, or says how long a guest may leave unanswered what is asked of it while a case is under way; zero: as long as ever.
	responseTimeout func(test string) time.Duration
	// files is nil, or what the run folder is written through: a test has its calls go wrong.
	files disk.FS
	// world is nil, or stands for what is outside of the controller: a test simulates it.
	world *world
}

// Instruments are for whoever shows that the harness calls things what they are. Each may be zero.
type Instruments struct {
	// Wrap is given every machine as it is acquired, and returns what is used in its place.
	Wrap func(vm.Machine) vm.Machine
	// TimeUp is told of every time that was up where only time can tell, with the case that it was about, if it was about
	// one: a harness that is wrong is not a machine that is slow.
	TimeUp func(test, what string)
	// Quick is how long the driver's service may take to start or to stop, and the guest not answer beyond that,
	// where nothing else is waited for.
	Quick time.Duration
	// Judge changes every verdict before it is recorded: it breaks the classifier.
	Judge func(results.Verdict) results.Verdict
}

// world is what a run meets outside of the controller, beside the disk.
type world struct {
	build    func(ctx context.Context) (*driver.Package, error)
	provider func(t *config.Target) vm.Provider
	verifier func(m vm.Machine) verifying
	reach    func(ctx context.Context, m vm.Machine) (port, error)
	plan     func(r Request) (*Plan, error) // of a run that is resumed
}

// plan validates a request once more.
func (e Env) plan(r Request) (*Plan, error) {
	if e.world != nil {
		return e.world.plan(r)
	}
	if err := r.Config.Define(e.Kinds); err != nil {
		return nil, err
	}
	return NewPlan(r)
}

// disk is what the run folder is written through.
func (e Env) disk() disk.FS {
	if e.files != nil {
		return e.files
	}
	return disk.OS()
}

// hurry is a limit of the harness's own, or what it is to be where there is no time for that.
func (e Env) hurry(limit time.Duration) time.Duration { return cmp.Or(e.Instruments.Quick, limit) }

// Finished is a run that is over.
type Finished struct {
	Record  *results.Record
	Dir     string   // the run folder
	Reports []string // names of the reports in it
}

// Run does what was planned. Every event is in the journal before it is acted on; the subscribers
// are told after that. The error, if any, is about the controller itself, and *workshop.BuildError where
// there was nothing to test with; unless not even a run folder could be made, the record comes
// with it.
func (p *Plan) Run(ctx context.Context, env Env, subscribers ...results.Subscriber) (*Finished, error) {
	id := results.RunID(time.Now())
	dir, err := results.NewRunDir(env.disk(), p.Request.Out, id)
	if err != nil {
		return nil, err
	}
	if err := p.stand(env.disk(), dir, id); err != nil {
		return nil, err
	}
	journal, err := results.Create(env.disk(), dir)
	if err != nil {
		return nil, err
	}
	results.PointLatest(p.Request.Out, id)
	r := &run{plan: p, env: env, id: id, dir: dir, journal: journal, log: env.Logger.Named("run")}
	return r.execute(ctx, nil, subscribers)
}

// execute does what is left of a run. Of a new one events is empty; else it is what an earlier controller
// recorded.
func (r *run) execute(ctx context.Context, events []results.Event, subscribers []results.Subscriber) (*Finished, error) {
	for _, s := range subscribers {
		if err := r.journal.Subscribe(s); err != nil {
			return nil, errors.Join(err, r.journal.Close())
		}
	}
	r.env.Tell = func(text string) { r.notice("", results.Progress, "%s", text) }
	var runErr, reportErr error
	if !over(events) {
		runErr = r.finish(ctx, events)
	}
	done := &Finished{Dir: r.dir, Record: r.journal.Record()}
	done.Reports, reportErr = report.WriteReports(r.env.disk(), r.dir, done.Record)
	return done, errors.Join(runErr, r.broken(), reportErr, r.journal.Close())
}

// finish brings a run to its end, and records that.
func (r *run) finish(ctx context.Context, events []results.Event) error {
	err := r.all(ctx, events)
	end := &results.Finish{Reason: results.Done}
	switch {
	case r.broken() != nil:
		end = &results.Finish{Reason: results.Failed, Error: r.broken().Error()}
	case ctx.Err() != nil:
		end.Reason = results.Interrupted
	case err != nil:
		end = &results.Finish{Reason: results.Failed, Error: err.Error()}
		if _, ok := errors.AsType[*workshop.BuildError](err); ok {
			end.Reason = results.NotBuilt
		}
	}
	if errors.Is(err, context.Canceled) && (r.broken() != nil || ctx.Err() != nil) {
		err = nil // it comes of that, which is said elsewhere, and better
	}
	r.conclude(end)
	return err
}

// over reports whether a record has its end. One that the controller could not go on with has none: it may be able to, now.
func over(events []results.Event) bool {
	n := len(events)
	return n > 0 && events[n-1].Kind == results.KindRunFinished && events[n-1].Finish.Reason != results.Failed
}

// run is the state that all targets of a run share.
type run struct {
	plan      *Plan
	env       Env
	id, dir   string
	journal   *results.Journal
	log       hclog.Logger
	artifacts *artifacts
	known     *remote.Redactor // of the targets' passwords
	before    []results.Event  // what an earlier controller recorded; empty in a new run

	mu         sync.Mutex
	journalErr error
	cancel     context.CancelFunc
}

func (r *run) all(ctx context.Context, events []results.Event) error {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	r.known = r.plan.Request.Config.Redactor(r.env.Getenv)
	ctx, cancel := within(ctx, "the run", "run", r.plan.Request.Config.Limits.Run, 0)
	defer cancel()
	if len(events) == 0 {
		host, _ := os.Hostname()
		r.append(results.Event{Kind: results.KindRunStarted, Run: r.plan.describe(r.id, host)})
	} else {
		r.before = events
		r.append(results.Event{Kind: results.KindRunResumed})
	}
	r.artifacts = newArtifacts()
	var all sync.WaitGroup
	var buildErr error
	all.Go(func() {
		if buildErr = r.equip(ctx, tested(events)); buildErr != nil {
			r.cancel() // nobody needs the targets
		}
	})
	for _, t := range r.plan.Targets {
		all.Go(func() { r.target(ctx, t) })
	}
	all.Wait()
	return buildErr
}

// equip makes the artifacts.
func (r *run) equip(ctx context.Context, before *results.Package) error {
	w := r.env.world
	if w == nil {
		return r.build(ctx, before)
	}
	pkg, err := w.build(ctx)
	if err != nil {
		return err
	}
	r.artifacts.pkg = pkg
	close(r.artifacts.equipped)
	close(r.artifacts.packaged)
	return nil
}

// append writes an event. A journal that can't be written ends the run: a verdict that is not on
// disk is not one. Nor is one that comes after the controller could not go on: what became of the rest is to be seen when
// the run is resumed.
func (r *run) append(e results.Event) {
	if r.broken() != nil {
		return
	}
	if judge := r.env.Instruments.Judge; e.Verdict != nil && judge != nil {
		v := judge(*e.Verdict)
		e.Verdict = &v
	}
	if err := r.journal.Append(redactEvent(r.known, e)); err != nil {
		r.abort(err)
	}
}

// conclude writes the last event, where anything can be written.
func (r *run) conclude(end *results.Finish) {
	if err := r.journal.Append(results.Event{Kind: results.KindRunFinished, Finish: end}); err != nil {
		r.abort(err)
	}
}

// abort ends a run that can't be recorded any more.
func (r *run) abort(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journalErr == nil {
		r.journalErr = err
		r.cancel()
	}
}

func (r *run) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.journalErr
}

// externalDriver reports whether the driver under test is another one than the sample.
func (r *run) externalDriver() bool { return r.plan.Request.Config.External != nil }

// seed is the run's: what the first attempts choose by.
func (r *run) seed() uint32 { return uint32(r.plan.Request.Seed) }

// phase records the start and the end of something that takes time. The function's words are the
// detail that is shown with it.
func (r *run) phase(target, name string, do func() (detail string, err error)) error {
	return r.telling(target, name, func(end *results.Phase) (err error) {
		end.Detail, err = do()
		return err
	})
}

// telling is a phase that says more of its end than a few words.
func (r *run) telling(target, name string, do func(end *results.Phase) error) error {
	begun := time.Now()
	r.append(results.Event{Kind: results.KindTargetPhase, Target: target,
		Phase: &results.Phase{Name: name, State: results.PhaseStarted}})
	end := &results.Phase{Name: name, State: results.PhaseDone}
	err := do(end)
	end.Elapsed = time.Since(begun)
	switch {
	case errors.Is(err, context.Canceled):
		end.Detail = "interrupted"
	case err != nil:
		end.State, end.Error = results.PhaseFailed, err.Error()
	}
	r.append(results.Event{Kind: results.KindTargetPhase, Target: target, Phase: end})
	return err
}

// tooLate tells that a time was up, which may mean no more than that the machine is slow. It was about a case, one of
// the harness's own, or, without a name, all.
func (r *run) tooLate(test, format string, args ...any) {
	if tell := r.env.Instruments.TimeUp; tell != nil {
		tell(test, fmt.Sprintf(format, args...))
	}
}

func (r *run) notice(target string, level results.Level, format string, args ...any) {
	r.append(results.Event{Kind: results.KindNotice, Target: target,
		Notice: &results.Notice{Level: level, Text: fmt.Sprintf(format, args...)}})
}

package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/recording"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

const (
	releaseLimit = time.Minute
	// maxUnheard is how many loads in a row may be lost before they are known to have begun.
	maxUnheard = 5
)

// session is one target's part in a run. It belongs to one goroutine.
type session struct {
	run        *run // of all targets
	target     *config.Target
	log        hclog.Logger
	machine    vm.Machine
	lock       *os.File // of a machine that other runs could use, too; nil: there is none
	guest      port
	taken      *guest.LeasedError // another run has the guest: nothing may be done to its machine any more
	facts      guest.Facts
	fresh      guest.Traces  // of the facts, until a run of the driver has begun
	named      results.Guest // as every verdict names it
	attempts   []*attempt
	byKey      map[attemptKey]*attempt
	runs       int                 // of the driver, so far
	record     *recorder           // of what became of them
	resumed    bool                // an earlier controller began this run
	adopted    bool                // the machine is as that left it
	checkpoint checkpoint          // where this session has got to
	exchanges  *recording.Recorder // what is said to the guest; nil: nothing has been, or it is not to be kept
	unsettled  *unsettled          // a crash whose traces are still in the guest
	told       map[string]bool     // what is in the way in the guest, as far as it was told
	proof      *proof              // nil: Driver Verifier was not seen to be at what any case asks for
	begun      bool                // the run may have changed what Driver Verifier does
	foreign    string              // the boot in which what it does is somebody else's

	suiteTime map[string]time.Duration // what each suite's cases have taken here
	answer    time.Duration            // the longest that the guest took to be opened and to tell its facts
}

// target runs the plan on one target, from acquiring the machine to letting it go.
func (r *run) target(ctx context.Context, t *config.Target) {
	s := &session{run: r, target: t, log: r.log.Named(t.Name), named: expectedGuest(t), suiteTime: map[string]time.Duration{}, byKey: map[attemptKey]*attempt{},
		record: newRecorder(t.Name, r.before, r.append), resumed: len(r.before) > 0}
	for n := range r.plan.Request.Repeat {
		for _, c := range r.plan.Cases {
			t := &attempt{test: c, number: n + 1, seed: r.seed()}
			s.attempts, s.byKey[t.key()] = append(s.attempts, t), t
		}
	}
	defer func() { s.exchanges.Close() }()
	defer s.release(ctx)
	if !await(ctx, r.artifacts.equipped) {
		return
	}
	begun := time.Now()
	if !s.inTime(ctx, 0, s.acquire) || s.machine == nil {
		return
	}
	spent := time.Since(begun)
	if await(ctx, r.artifacts.packaged) { // that time is not the target's
		s.inTime(ctx, spent, func(ctx context.Context) error { s.work(ctx); return nil })
	}
}

// inTime does something within the target's limit, of which so much is spent.
func (s *session) inTime(ctx context.Context, spent time.Duration, do func(context.Context) error) bool {
	ctx, cancel := within(ctx, "the target "+s.target.Name, "target", s.run.plan.Request.Config.Limits.Target, spent)
	defer cancel()
	defer s.timeUp(ctx)
	return do(ctx) == nil
}

// timeUp says of what is left that it was a limit that kept it from running.
func (s *session) timeUp(ctx context.Context) {
	if up := limitUp(ctx); up != nil {
		s.run.tooLate("", "%v", up)
		s.notRun(s.unjudged(s.attempts), up.Error())
	}
}

// folder is where files of this target go.
func (s *session) folder() string { return filepath.Join(s.run.dir, "targets", s.target.Name) }

// work runs every case that applies, in as many runs of the driver as that takes.
func (s *session) work(ctx context.Context) {
	if s.over() {
		return
	}
	if err := s.noteBefore(ctx); err != nil {
		if ctx.Err() == nil {
			s.notRun(s.unjudged(s.attempts), err.Error())
		}
		return
	}
	pending := s.applicable()
	for fruitless, unheard := 0, 0; (len(pending) > 0 || s.checkpoint.Run != nil) && ctx.Err() == nil; {
		done := s.next(ctx, pending)
		left := s.unjudged(pending)
		if done.Over != "" {
			s.notRun(left, done.Over)
			return
		}
		switch {
		case len(left) < len(pending):
			fruitless, unheard = 0, 0
		case done.Unheard:
			unheard++
		default:
			fruitless++
		}
		if fruitless == 2 || unheard == maxUnheard {
			s.notRun(left, fmt.Sprintf("%d runs of the driver in a row did not complete a single case: %s", fruitless+unheard, done.Why))
			return
		}
		pending = s.withoutSpentSuites(left)
		if done.Tainted != "" && (len(pending) > 0 || s.run.plan.Request.Keep || s.run.plan.Request.Config.Resident()) && ctx.Err() == nil {
			if err := s.renew(ctx); err != nil {
				s.notRun(pending, "the target can't be trusted any more ("+done.Tainted+"): "+err.Error())
				return
			}
		}
	}
}

// unjudged are those that have no verdict yet that counts.
func (s *session) unjudged(attempts []*attempt) []*attempt {
	return slices.DeleteFunc(slices.Clone(attempts), func(t *attempt) bool { return s.record.judged(t.key()) })
}

// batch is what the next run of the driver is for: everything that is left, but first, by itself, what passed before in
// one that did not end well, without what ended that; and no more than a plan holds.
func (s *session) batch(pending []*attempt) []*attempt {
	again := slices.DeleteFunc(slices.Clone(pending), func(t *attempt) bool { return !s.record.passedBefore(t.key()) })
	if len(again) > 0 {
		pending = again
	}
	pending = sameVerifier(pending)
	size := 0
	for i, t := range pending {
		if size += t.test.PlanBytes(); i > 0 && size > suites.MaxPlanBytes {
			return pending[:i]
		}
	}
	return pending
}

// withSuites adds what the suites of the attempts do once in a run of the driver. Their attempt is that run.
func (s *session) withSuites(attempts []*attempt) []*attempt {
	return suites.WithSuites(attempts, func(t *attempt) *suites.Case { return t.test }, func(c *suites.Case) *attempt {
		return &attempt{test: c, number: s.runs + 1, seed: s.run.seed()}
	})
}

// withoutSpentSuites gives up the cases of suites that have used up their time on this target.
func (s *session) withoutSpentSuites(attempts []*attempt) (left []*attempt) {
	for _, t := range attempts {
		if up := s.suiteUp(t); up != nil {
			s.finish(t, results.Verdict{Outcome: results.NotRun, Reason: up.Error()})
			continue
		}
		left = append(left, t)
	}
	return left
}

// suiteUp is the limit of the attempt's suite, where its time on this target is used up.
func (s *session) suiteUp(t *attempt) *limitError {
	limit := s.run.plan.Request.Config.Limits.Suite
	if limit <= 0 || s.suiteTime[t.test.Suite] < limit {
		return nil
	}
	return s.suiteExceeded(t.test.Suite)
}

// suiteExceeded is the error of a suite that has used up its time on this target.
func (s *session) suiteExceeded(suite string) *limitError {
	return &limitError{"the suite " + suite + " on " + s.target.Name, "suite", s.run.plan.Request.Config.Limits.Suite}
}

// next is the next run of the driver: the one that an earlier controller had begun, or one with what is to run next.
func (s *session) next(ctx context.Context, pending []*attempt) driverrun.Outcome {
	var outcome driverrun.Outcome
	switch {
	case s.checkpoint.Run != nil:
		outcome = s.resumeDriver(ctx, *s.checkpoint.Run)
		s.replan()
	case s.checkpoint.Tainted != "":
		outcome = driverrun.Outcome{Tainted: s.checkpoint.Tainted, Why: s.checkpoint.Tainted}
	default:
		s.replan()
		batch := s.batch(pending)
		if err := s.examine(); err != nil {
			outcome = s.refuse(err)
		} else if err := s.verify(ctx, batch[0].test.Verifier); err != nil {
			outcome = s.notVerified(ctx, sameVerifier(pending), err)
		} else {
			outcome = s.runDriver(ctx, s.withSuites(batch))
		}
	}
	if outcome.Spent != nil {
		s.suiteTime = outcome.Spent
	}
	if ctx.Err() == nil || outcome.Over != "" { // else whoever continues the run has to look for himself
		s.mark(checkpoint{Runs: s.runs, Tainted: outcome.Tainted})
	}
	return outcome
}

// applicable skips the cases that need something that this guest lacks.
func (s *session) applicable() []*attempt {
	has := capabilities(s.target.Machine.Stack, s.facts)
	var pending []*attempt
	for _, t := range s.attempts {
		if s.record.judged(t.key()) {
			continue
		}
		var lacks []string
		for _, need := range t.test.Requires {
			if !slices.Contains(has, need) {
				lacks = append(lacks, describeNeed(need))
			}
		}
		missing := ""
		if t.test.Verifier != nil {
			missing = lacksVerifier(s.facts)
		}
		switch {
		case missing != "":
			s.finish(t, results.Verdict{Outcome: results.Skip, Reason: missing})
		case len(lacks) > 0:
			s.finish(t, results.Verdict{Outcome: results.Skip,
				Reason: fmt.Sprintf("needs %s, which this guest lacks", strings.Join(lacks, " and "))})
		case s.run.externalDriver() && t.test.NeedsSample():
			s.finish(t, results.Verdict{Outcome: results.Skip, Reason: "its steps are the sample driver's, and the driver under test is another"})
		default:
			pending = append(pending, t)
		}
	}
	return pending
}

func describeNeed(need string) string {
	if doc := suites.CapabilityDoc(need); doc != "" {
		return need + " (" + doc + ")"
	}
	return need
}

// drainEvents forgets what the machine told of the time before it was reverted.
func (s *session) drainEvents() {
	for {
		select {
		case _, ok := <-s.machine.Events():
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// write records an event of the target. A verdict names its guest, and how to come to it again.
func (s *session) write(t *attempt, e results.Event) {
	if e.Verdict != nil {
		v := *e.Verdict
		v.Guest = s.named
		v.Rerun = s.rerunAll()
		if t != nil {
			v.Rerun = s.run.rerun(t, s.target.Name)
			v = s.held(t, v)
		}
		e.Verdict = &v
	}
	s.record.write(e)
}

// finish records a verdict on an attempt that no run of the driver has come to.
func (s *session) finish(t *attempt, v results.Verdict) {
	s.write(t, results.Event{Kind: results.KindCaseFinished, Case: t.test.Name(), Attempt: t.number, Verdict: &v})
}

// void records that what was begun of an attempt does not count: it begins anew.
func (s *session) void(t *attempt, why string) {
	s.record.write(results.Event{Kind: results.KindReplanned, Case: t.test.Name(), Attempt: t.number,
		Notice: &results.Notice{Level: results.Info, Text: t.test.Name() + " " + why + ": it runs again"}})
}

// notRun gives up what is left. What passed, and could not be shown to pass in a run of the driver that ends well, is an
// error.
func (s *session) notRun(attempts []*attempt, why string) {
	for _, t := range attempts {
		v := results.Verdict{Outcome: results.NotRun, Reason: why}
		if s.record.passedBefore(t.key()) {
			v = results.Verdict{}.Unproven("its driver was not unloaded after it, and it could not run again: " + why)
		}
		s.finish(t, v)
	}
}

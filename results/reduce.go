package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxStepped is how many attempts of a case keep their steps, so that a case that is repeated a
// thousand times does not fill the memory. Failures come first: only one passing attempt is kept.
const maxStepped = 8

// Reduce folds the events of a journal into the record of the run. It takes any sequence that
// [Read] returns, also one that stops in the middle: what has no verdict is then lost, cancelled
// or not run, and never a pass.
func Reduce(events []Event) *Record {
	r := NewReducer()
	for _, e := range events {
		r.Add(e)
	}
	return r.Record()
}

// Reducer is [Reduce] event by event. It is a [Handler].
type Reducer struct {
	rec     Record
	targets []*target
	byName  map[string]*target
}

type target struct {
	TargetRecord
	repeat  int
	planned []*caseState
	extra   []*caseState
	byName  map[string]*caseState
	runs    map[int]DriverRun // of the driver, by their numbers, that are over
}

// proof reports whether an attempt's verdict counts as it stands: what was as expected does so only with the clean end of
// the driver run that it rests on, after it. Else it says what is missing.
func (t *target) proof(a *attemptState) (missing string, proven bool) {
	if !a.Verdict.Outcome.Expected() {
		return "", true
	}
	run, over := t.runs[a.Verdict.DriverRun]
	switch {
	case a.late:
		return "the verdict was recorded when its run of the driver was over", false
	case over && run.Clean:
		return "", true
	case over && run.Why != "":
		return run.Why, false
	}
	return "the record does not say that the driver was unloaded afterwards", false
}

type caseState struct {
	CaseRecord
	attempts []*attemptState
	byNumber map[int]*attemptState
	stepped  int  // attempts that keep their steps
	passed   bool // one of them is a pass
}

type attemptState struct {
	Attempt
	judged bool
	late   bool // its verdict came when the driver run that it rests on was over
}

// NewReducer starts with an empty record.
func NewReducer() *Reducer {
	return &Reducer{byName: make(map[string]*target)}
}

// Handle is Add, for a journal to call.
func (r *Reducer) Handle(e Event) error {
	r.Add(e)
	return nil
}

// Add takes in the next event.
func (r *Reducer) Add(e Event) {
	r.rec.last = e.Time
	switch e.Kind {
	case KindRunStarted:
		r.start(e)
	case KindRunResumed:
		r.rec.Resumed++
		r.rec.Reason, r.rec.Error = "", ""
		r.rec.Finished = time.Time{}
		r.note(e)
	case KindTargetPhase:
		r.phase(e)
	case KindTargetFacts:
		t := r.target(e.Target)
		t.Facts = e.Facts
		if guest := e.Facts[FactGuest]; guest != "" {
			t.Guest = guest
		}
	case KindPackage:
		r.rec.Package = e.Package
	case KindDriverRun:
		r.driverRun(e)
	case KindCaseStarted:
		r.begin(e)
	case KindStep:
		a := r.attempt(e)
		a.Ran++
		a.Steps = append(a.Steps, *e.Step)
	case KindCaseFinished:
		r.verdict(e)
	case KindReplanned:
		r.replan(e)
	case KindEvidence:
		r.evidence(e)
	case KindNotice:
		r.note(e)
	case KindRunFinished:
		r.rec.Finished, r.rec.Reason = e.Time, e.Finish.Reason
		if e.Finish.Error != "" {
			r.rec.Error = e.Finish.Error
		}
	}
}

func (r *Reducer) start(e Event) {
	r.rec.Run, r.rec.Started = *e.Run, e.Time
	for _, p := range e.Run.Plan {
		t := r.target(p.Name)
		t.Guest, t.repeat = p.Guest, max(1, p.Repeat)
		for _, c := range p.Cases {
			t.planned = append(t.planned, t.add(c, true))
		}
	}
}

func (r *Reducer) target(name string) *target {
	if t := r.byName[name]; t != nil {
		return t
	}
	t := &target{TargetRecord: TargetRecord{Name: name}, repeat: 1, byName: make(map[string]*caseState)}
	r.byName[name] = t
	r.targets = append(r.targets, t)
	return t
}

func (t *target) add(c PlanCase, planned bool) *caseState {
	s := &caseState{CaseRecord: CaseRecord{PlanCase: c, Planned: planned}, byNumber: make(map[int]*attemptState)}
	t.byName[c.Name] = s
	return s
}

func (t *target) caseOf(name string) *caseState {
	if c := t.byName[name]; c != nil {
		return c
	}
	c := t.add(PlanCase{Name: name}, false)
	t.extra = append(t.extra, c)
	return c
}

func (c *caseState) attempt(number int) *attemptState {
	if a := c.byNumber[number]; a != nil {
		return a
	}
	a := &attemptState{Attempt: Attempt{Number: number}}
	c.byNumber[number] = a
	c.attempts = append(c.attempts, a)
	return a
}

func (r *Reducer) attempt(e Event) *attemptState {
	return r.target(e.Target).caseOf(e.Case).attempt(e.Attempt)
}

// driverRun notes how a run of the driver ended. The first word on it stands.
func (r *Reducer) driverRun(e Event) {
	t, d := r.target(e.Target), *e.DriverRun
	if _, told := t.runs[d.N]; told || d.State != DriverEnded {
		return
	}
	if t.runs == nil {
		t.runs = map[int]DriverRun{}
	}
	t.runs[d.N] = d
}

// begin starts an attempt, also one anew that was void.
func (r *Reducer) begin(e Event) {
	a := r.attempt(e)
	a.Started = e.Time
	if a.Void != "" {
		a.Attempt, a.judged = Attempt{Number: a.Number, Started: e.Time}, false
	}
}

// replan makes an attempt void of which nothing is proven. What was judged stays: a crash is not undone by trying again.
func (r *Reducer) replan(e Event) {
	t := r.target(e.Target)
	if a := t.caseOf(e.Case).byNumber[e.Attempt]; a != nil {
		if _, proven := t.proof(a); !a.judged || !proven {
			a.Void = e.Notice.Text
		}
	}
	r.note(e)
}

func (r *Reducer) verdict(e Event) {
	t := r.target(e.Target)
	c := t.caseOf(e.Case)
	a := c.attempt(e.Attempt)
	if a.judged && a.Void == "" && a.Verdict.Outcome.severity() < e.Verdict.Outcome.severity() {
		return // a verdict only gets worse
	}
	a.Verdict, a.judged, a.Void = *e.Verdict, true, ""
	_, a.late = t.runs[e.Verdict.DriverRun]
	if e.Verdict.Guest != "" {
		t.Guest = e.Verdict.Guest
	}
	c.keepSteps(a)
}

// keepSteps lets go of an attempt's steps where enough attempts have theirs.
func (c *caseState) keepSteps(a *attemptState) {
	passed := a.Verdict.Outcome == Pass
	if c.stepped >= maxStepped || passed && c.passed {
		a.Steps = nil
		return
	}
	c.stepped++
	c.passed = c.passed || passed
}

func (r *Reducer) evidence(e Event) {
	t := r.target(e.Target)
	if e.Case == "" || e.Attempt < 1 {
		t.Evidence = append(t.Evidence, *e.Evidence)
		return
	}
	a := r.attempt(e)
	a.Evidence = append(a.Evidence, *e.Evidence)
}

func (r *Reducer) note(e Event) {
	if e.Notice == nil || e.Notice.Level == Progress {
		return
	}
	r.rec.Notices = append(r.rec.Notices, Noted{Time: e.Time, Target: e.Target, Case: e.Case, Notice: *e.Notice})
}

func (r *Reducer) phase(e Event) {
	phases := &r.rec.Phases
	if e.Target != "" {
		phases = &r.target(e.Target).Phases
	}
	*phases = withPhase(*phases, e)
	switch {
	case e.Target == "" && e.Phase.State == PhaseFailed:
		r.rec.Error = cmp.Or(e.Phase.Error, e.Phase.Name+" went wrong")
	case e.Target != "":
		t := r.target(e.Target)
		t.Kept = e.Phase.Kept
		t.trouble(e.Phase)
	}
}

// withPhase adds the start of a phase, or completes the last one of that name that has no end. The one that began before it
// and is not over yet has it inside.
func withPhase(phases []PhaseRecord, e Event) []PhaseRecord {
	p := e.Phase
	if p.State == PhaseStarted {
		return append(phases, PhaseRecord{Name: p.Name, Started: e.Time, Detail: p.Detail})
	}
	end := PhaseRecord{Name: p.Name, Elapsed: max(0, p.Elapsed), Detail: p.Detail, Error: p.Error, Ended: true}
	for i := range slices.Backward(phases) {
		if phases[i].Name == p.Name && !phases[i].Ended {
			end.Started, end.Inner = phases[i].Started, phases[i].Inner
			phases[i] = end
			return withInner(phases, i)
		}
	}
	return append(phases, end)
}

// withInner counts a phase that is over into the one that it is inside of, if there is one.
func withInner(phases []PhaseRecord, ended int) []PhaseRecord {
	for i := range slices.Backward(phases[:ended]) {
		if !phases[i].Ended {
			phases[i].Inner += phases[ended].Elapsed
			break
		}
	}
	return phases
}

// trouble remembers the first phase that failed, until that phase is done after all.
func (t *target) trouble(p *Phase) {
	switch {
	case p.State == PhaseFailed && t.Trouble == "":
		t.Troubled, t.Trouble = p.Name, cmp.Or(p.Error, p.Name+" went wrong")
	case p.State == PhaseDone && t.Troubled == p.Name:
		t.Troubled, t.Trouble = "", ""
	}
}

// Record is the run as far as events have been added, with everything judged as if none were to
// follow. It may be called again after more were added.
func (r *Reducer) Record() *Record {
	rec := r.rec
	rec.Counts = make(Counts)
	rec.Notices = slices.Clone(rec.Notices)
	rec.Phases = slices.Clone(rec.Phases)
	rec.Targets = make([]TargetRecord, 0, len(r.targets))
	for _, t := range r.targets {
		record := t.TargetRecord
		record.Phases = slices.Clone(t.Phases)
		record.Evidence = slices.Clone(t.Evidence)
		record.Cases = make([]CaseRecord, 0, len(t.extra)+len(t.planned))
		for _, c := range slices.Concat(t.told(), t.planned) {
			final := r.settle(t, c)
			rec.Counts[final.Final]++
			record.Cases = append(record.Cases, final)
		}
		rec.Targets = append(rec.Targets, record)
	}
	return &rec
}

// told are the cases that are not in the plan, without those that began only to begin anew as another attempt.
func (t *target) told() []*caseState {
	return slices.DeleteFunc(slices.Clone(t.extra), func(c *caseState) bool {
		return len(c.attempts) > 0 && !slices.ContainsFunc(c.attempts, func(a *attemptState) bool { return a.Void == "" })
	})
}

// settle gives a case its final outcome. Planned attempts that never were weigh as not run.
func (r *Reducer) settle(t *target, c *caseState) CaseRecord {
	rec := c.CaseRecord
	var counted int
	for _, a := range c.attempts {
		attempt := a.Attempt
		attempt.Steps = slices.Clone(a.Steps)
		attempt.Evidence = slices.Clone(a.Evidence)
		if !a.judged {
			attempt.Verdict = r.unjudged(t)
		} else if missing, proven := t.proof(a); !proven {
			attempt.Verdict = attempt.Verdict.Unproven(missing)
		}
		if a.Void == "" {
			counted++
		}
		rec.Attempts = append(rec.Attempts, attempt)
	}
	outcomes := rec.outcomes()
	if rec.Planned && counted < t.repeat {
		outcomes = append(outcomes, NotRun)
	}
	rec.Final = combine(outcomes)
	if rec.Final == NotRun {
		rec.Reason = r.whyNotRun(t, counted)
	}
	return rec
}

// unjudged is the verdict on an attempt that was started and has none.
func (r *Reducer) unjudged(t *target) Verdict {
	v := Verdict{Outcome: Lost, Guest: t.Guest, Reason: "the record ends while this case was under way"}
	switch {
	case r.rec.Reason == Interrupted:
		v.Outcome, v.Reason = Cancelled, "the run was interrupted"
	case t.Trouble != "":
		v.Reason = t.Trouble
	}
	return v
}

func (r *Reducer) whyNotRun(t *target, counted int) string {
	var why string
	switch {
	case t.Trouble != "":
		why = t.Trouble
	case r.rec.Error != "":
		why, _, _ = strings.Cut(r.rec.Error, "\n") // a compiler's output need not be told with each case
	case r.rec.Reason == Interrupted:
		why = "the run was interrupted"
	case r.rec.Reason == "":
		why = "the record of the run has no end"
	default:
		why = "the run ended before it"
	}
	if counted > 0 {
		return fmt.Sprintf("%d of %d attempts were made: %s", counted, t.repeat, why)
	}
	return why
}

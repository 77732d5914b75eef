package results

import "time"

// maxStepped is how many attempts of a case keep their steps, so that a case that is repeated a
// thousand times does not fill the memory. Failures come first: only one passing attempt is kept.
const maxStepped = 8

// Fold is the state of a run, as far as events were applied to it. What it returns but for Record is its own: it is to be
// read only, and changes with the next event.
type Fold struct {
	whole   Record // without its targets
	targets []*TargetState
	byName  map[string]*TargetState
	judged  verdictOf
}

// verdictOf is the attempt that the last event judged. It keeps its steps until the next event, so that whoever is told
// of the verdict can show them.
type verdictOf struct {
	of      *caseState
	attempt *AttemptState
	counts  bool // it is the worst so far
}

// TargetState is what is known of a target so far. Its cases are not in the record that is in it.
type TargetState struct {
	TargetRecord
	Verdicts int // that were recorded
	Bad      int // of them, those that a person must look at

	repeat  int
	planned []*caseState
	extra   []*caseState
	byName  map[string]*caseState
	runs    map[int]DriverRun // of the driver, by their numbers, that are over
	takenUp int               // how many phases there were when a controller took up the run last
}

type caseState struct {
	CaseRecord
	attempts []*AttemptState
	byNumber map[int]*AttemptState
	stepped  int  // attempts that keep their steps
	passed   bool // one of them is a pass
}

// AttemptState is what is known of an attempt so far.
type AttemptState struct {
	Attempt
	Open bool // it is under way, or the last event judged it

	judged   bool
	late     bool // its verdict came when the driver run that it rests on was over
	steps    int  // that were there when it was begun
	evidence int
}

// NewFold starts with an empty record.
func NewFold() *Fold { return &Fold{byName: make(map[string]*TargetState)} }

// Reduce folds the events of a journal into the record of the run. It takes any sequence that
// [Read] returns, also one that stops in the middle: what has no verdict is then lost, cancelled
// or not run, and never a pass.
func Reduce(events []Event) *Record {
	f := NewFold()
	for _, e := range events {
		f.Apply(e)
	}
	return f.Record()
}

// Whole is what is known of the run as a whole, without its targets and counts.
func (f *Fold) Whole() *Record { return &f.whole }

// Target is what is known of a target; nil where neither the plan nor an event names it.
func (f *Fold) Target(name string) *TargetState { return f.byName[name] }

// Spent is the time in phases of the target that are over, since a controller began with the run or took it up.
func (t *TargetState) Spent() (sum time.Duration) {
	for _, p := range t.Phases[t.takenUp:] {
		sum += p.Elapsed
	}
	return sum
}

// Case is a case as the plan has it; one that is not planned has its name alone.
func (t *TargetState) Case(name string) *PlanCase {
	if c := t.byName[name]; c != nil {
		return &c.PlanCase
	}
	return &PlanCase{Name: name}
}

// Attempt is an attempt that an event has named; else nil.
func (t *TargetState) Attempt(name string, number int) *AttemptState {
	if c := t.byName[name]; c != nil {
		return c.byNumber[number]
	}
	return nil
}

// Latest is the attempt since it was begun last: of one that is judged once more, only what is new.
func (a *AttemptState) Latest() Attempt {
	latest := a.Attempt
	latest.Steps, latest.Evidence = a.Steps[a.steps:], a.Evidence[a.evidence:]
	return latest
}

// open notes that the attempt is under way.
func (a *AttemptState) open() {
	if !a.Open {
		a.Open, a.steps, a.evidence = true, len(a.Steps), len(a.Evidence)
	}
}

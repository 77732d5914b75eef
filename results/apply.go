package results

import "time"

// Apply takes in the next event.
func (f *Fold) Apply(e Event) {
	f.close()
	f.whole.last = e.Time
	switch e.Kind {
	case KindRunStarted:
		f.start(e)
	case KindRunResumed:
		f.whole.Resumed++
		f.whole.Reason, f.whole.Error = "", ""
		f.whole.Finished = time.Time{}
		for _, t := range f.targets {
			t.takenUp = len(t.Phases)
		}
		f.note(e)
	case KindTargetPhase:
		f.phase(e)
	case KindTargetFacts:
		f.target(e.Target).Guest = *e.Guest
	case KindPackage:
		f.whole.Package = e.Package
	case KindDriverRun:
		f.driverRun(e)
	case KindCaseStarted:
		f.begin(e)
	case KindStep:
		a := f.attempt(e)
		a.open()
		a.Ran++
		a.Steps = append(a.Steps, *e.Step)
	case KindCaseFinished:
		f.verdict(e)
	case KindReplanned:
		f.replan(e)
	case KindEvidence:
		f.evidence(e)
	case KindNotice:
		f.note(e)
	case KindRunFinished:
		f.whole.Finished, f.whole.Reason = e.Time, e.Finish.Reason
		if e.Finish.Error != "" {
			f.whole.Error = e.Finish.Error
		}
	}
}

func (f *Fold) start(e Event) {
	f.whole.Run, f.whole.Started = *e.Run, e.Time
	for _, p := range e.Run.Plan {
		t := f.target(p.Name)
		t.Guest, t.repeat = p.Guest, max(1, p.Repeat)
		for _, c := range p.Cases {
			t.planned = append(t.planned, t.add(c, true))
		}
	}
}

func (f *Fold) target(name string) *TargetState {
	if t := f.byName[name]; t != nil {
		return t
	}
	t := &TargetState{TargetRecord: TargetRecord{Name: name}, repeat: 1, byName: make(map[string]*caseState)}
	f.byName[name] = t
	f.targets = append(f.targets, t)
	return t
}

func (t *TargetState) add(c PlanCase, planned bool) *caseState {
	s := &caseState{CaseRecord: CaseRecord{PlanCase: c, Planned: planned}, byNumber: make(map[int]*AttemptState)}
	t.byName[c.Name] = s
	return s
}

func (t *TargetState) caseOf(name string) *caseState {
	if c := t.byName[name]; c != nil {
		return c
	}
	c := t.add(PlanCase{Name: name}, false)
	t.extra = append(t.extra, c)
	return c
}

func (c *caseState) attempt(number int) *AttemptState {
	if a := c.byNumber[number]; a != nil {
		return a
	}
	a := &AttemptState{Attempt: Attempt{Number: number}}
	c.byNumber[number] = a
	c.attempts = append(c.attempts, a)
	return a
}

func (f *Fold) attempt(e Event) *AttemptState {
	return f.target(e.Target).caseOf(e.Case).attempt(e.Attempt)
}

// driverRun notes how a run of the driver ended. The first word on it stands.
func (f *Fold) driverRun(e Event) {
	t, d := f.target(e.Target), *e.DriverRun
	if _, told := t.runs[d.N]; told || d.State != DriverEnded {
		return
	}
	if t.runs == nil {
		t.runs = map[int]DriverRun{}
	}
	t.runs[d.N] = d
}

// begin starts an attempt, also one anew that was void.
func (f *Fold) begin(e Event) {
	a := f.attempt(e)
	a.Started = e.Time
	if a.Void != "" {
		*a = AttemptState{Attempt: Attempt{Number: a.Number, Started: e.Time}}
	}
	a.open()
}

// replan makes an attempt void of which nothing is proven. What was judged stays: a crash is not undone by trying again.
func (f *Fold) replan(e Event) {
	t := f.target(e.Target)
	if a := t.caseOf(e.Case).byNumber[e.Attempt]; a != nil {
		a.Open = false
		if _, proven := t.proof(a); !a.judged || !proven {
			a.Void = e.Notice.Text
		}
	}
	f.note(e)
}

func (f *Fold) verdict(e Event) {
	t := f.target(e.Target)
	c := t.caseOf(e.Case)
	a := c.attempt(e.Attempt)
	a.open()
	t.Verdicts++
	if e.Verdict.Outcome.Bad() {
		t.Bad++
	}
	f.judged = verdictOf{of: c, attempt: a}
	if a.judged && a.Void == "" && a.Verdict.Outcome.severity() < e.Verdict.Outcome.severity() {
		return // a verdict only gets worse
	}
	f.judged.counts = true
	a.Verdict, a.judged, a.Void = *e.Verdict, true, ""
	_, a.late = t.runs[e.Verdict.DriverRun]
	if g := e.Verdict.Guest; g.Kind != "" {
		t.Guest.Kind, t.Guest.Label = g.Kind, g.Label
	}
}

// close is the end of the attempt that the last event judged.
func (f *Fold) close() {
	v := f.judged
	if v.attempt == nil {
		return
	}
	v.attempt.Open = false
	if v.letsGo() {
		v.attempt.Steps = nil
	} else if v.counts {
		v.of.stepped++
		v.of.passed = v.of.passed || v.attempt.Verdict.Outcome == Pass
	}
	f.judged = verdictOf{}
}

// letsGo reports whether the attempt does not keep its steps: enough others have theirs.
func (v verdictOf) letsGo() bool {
	return v.counts && (v.of.stepped >= maxStepped || v.of.passed && v.attempt.Verdict.Outcome == Pass)
}

func (f *Fold) evidence(e Event) {
	t := f.target(e.Target)
	if e.Case == "" || e.Attempt < 1 {
		t.Evidence = append(t.Evidence, *e.Evidence)
		return
	}
	a := f.attempt(e)
	a.Evidence = append(a.Evidence, *e.Evidence)
}

func (f *Fold) note(e Event) {
	if e.Notice == nil || e.Notice.Level == Progress {
		return
	}
	f.whole.Notices = append(f.whole.Notices, Noted{Time: e.Time, Target: e.Target, Case: e.Case, Notice: *e.Notice})
}

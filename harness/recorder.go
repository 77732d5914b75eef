package harness

import (
	"slices"

	"wskharness/results"
)

// attemptKey names one attempt on one target.
type attemptKey struct {
	Case    string `json:"case"`
	Attempt int    `json:"attempt"`
}

// recorder is between a target's part in a run and the journal of the run: the one place that knows what is written of
// the target already. A driver run that an earlier controller had begun is told again from its first record; what is in
// the journal already is recognised here, and written once.
type recorder struct {
	target   string
	append   func(results.Event)
	attempts map[attemptKey]*recorded
	clean    map[int]bool // the driver runs that are over, and whether their end proves what passed in them

	run    int             // the last run of the driver that an earlier controller has recorded
	replay []results.Event // of it, what has not been told again
}

// recorded is what the journal has of one attempt since it last began.
type recorded struct {
	begun   bool
	verdict *results.Verdict // the worst
	passed  bool             // it was as expected once, in a driver run that proved nothing
}

// newRecorder makes the recorder of a target, from what an earlier controller has recorded of the run.
func newRecorder(target string, before []results.Event, appendTo func(results.Event)) *recorder {
	r := &recorder{target: target, append: appendTo, attempts: map[attemptKey]*recorded{}, clean: map[int]bool{}}
	for _, e := range before {
		if e.Target != target {
			continue
		}
		r.note(e)
		if d := e.DriverRun; d != nil && d.N != r.run {
			r.run, r.replay = d.N, nil
		}
		if e.Case != "" || e.Kind == results.KindDriverRun || e.Kind == results.KindEvidence {
			r.replay = append(r.replay, e)
		}
	}
	return r
}

// begin records that a run of the driver is begun, in that boot of the guest: what is told from now on is of it.
func (r *recorder) begin(run int, boot string) {
	if r.run != run {
		r.run, r.replay = run, nil
	}
	r.write(results.Event{Kind: results.KindDriverRun, DriverRun: &results.DriverRun{N: run, State: results.DriverStarted, Boot: boot}})
}

func (r *recorder) of(key attemptKey) *recorded {
	if r.attempts[key] == nil {
		r.attempts[key] = &recorded{}
	}
	return r.attempts[key]
}

// write records an event of the target, unless it is in the journal already.
func (r *recorder) write(e results.Event) {
	e.Target = r.target
	if i := slices.IndexFunc(r.replay, func(was results.Event) bool { return same(was, e) }); i >= 0 {
		r.replay = slices.Delete(r.replay, i, i+1)
		return
	}
	if e.Kind == results.KindCaseFinished {
		if was := r.of(attemptKey{e.Case, e.Attempt}).verdict; was != nil && stands(was.Outcome, e.Verdict.Outcome) {
			return // told before, and more than once: as it looked at first, and as its driver's end made it
		}
	}
	r.note(e)
	r.append(e)
}

// same reports whether two events are the same one, told twice. What was a time is not: a verdict that is recorded stands.
func same(a, b results.Event) bool {
	if a.Kind != b.Kind || a.Case != b.Case || a.Attempt != b.Attempt {
		return false
	}
	switch a.Kind {
	case results.KindCaseStarted, results.KindReplanned:
		return true
	case results.KindCaseFinished:
		return stands(a.Verdict.Outcome, b.Verdict.Outcome)
	case results.KindStep:
		return a.Step.Index == b.Step.Index
	case results.KindEvidence:
		return a.Evidence.Kind == b.Evidence.Kind && a.Evidence.Text == b.Evidence.Text && a.Evidence.File == b.Evidence.File
	case results.KindDriverRun:
		return a.DriverRun.N == b.DriverRun.N && a.DriverRun.State == b.DriverRun.State
	}
	return false
}

// stands reports whether a verdict that is recorded stands when the attempt is told of again: what is better is none; and
// where nothing came of an attempt, as when contact was lost, another reason for that is none, either.
func stands(was, is results.Outcome) bool {
	return was.Compare(is) <= 0 || !was.Expected() && !is.Failed()
}

// note takes in what an event says of the attempt that it is of, or of a driver run.
func (r *recorder) note(e results.Event) {
	if d := e.DriverRun; d != nil && d.State == results.DriverEnded {
		if _, told := r.clean[d.N]; !told {
			r.clean[d.N] = d.Clean
		}
	}
	if e.Case == "" || e.Attempt < 1 {
		return
	}
	key := attemptKey{e.Case, e.Attempt}
	a := r.of(key)
	switch e.Kind {
	case results.KindCaseStarted:
		a.begun = true
	case results.KindCaseFinished:
		if a.verdict == nil || e.Verdict.Outcome.Compare(a.verdict.Outcome) < 0 {
			a.verdict = e.Verdict
		}
	case results.KindReplanned:
		r.attempts[key] = &recorded{passed: a.passed || a.verdict != nil}
	}
}

// judged reports whether an attempt has a verdict that counts as it stands.
func (r *recorder) judged(key attemptKey) bool {
	v := r.of(key).verdict
	return v != nil && (!v.Outcome.Expected() || r.clean[v.DriverRun])
}

// unfinished reports whether an attempt is begun, and nothing is proven of it.
func (r *recorder) unfinished(key attemptKey) bool {
	a := r.of(key)
	return (a.begun || a.verdict != nil) && !r.judged(key)
}

// passedBefore reports whether an attempt was as expected once, in a driver run that did not end well.
func (r *recorder) passedBefore(key attemptKey) bool { return r.of(key).passed }

// known reports whether an earlier controller has recorded a verdict that is not told again yet.
func (r *recorder) known(key attemptKey) bool {
	return slices.ContainsFunc(r.replay, func(e results.Event) bool {
		return e.Kind == results.KindCaseFinished && attemptKey{e.Case, e.Attempt} == key
	})
}

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

// past is what an earlier controller recorded of one target. While the guest's journal is read once more,
// what is in the record already is taken from here, and not recorded again: each event once.
type past struct {
	attempts map[attemptKey]*recorded
}

// recorded is what the record has of one attempt.
type recorded struct {
	open     bool // begun, in the record, and neither judged nor void
	began    bool
	steps    int
	evidence []results.Evidence
	verdicts []results.Verdict // in their order: a later one replaces those before
}

// recall sorts the events of a record by target.
func recall(events []results.Event) map[string]*past {
	targets := map[string]*past{}
	for _, e := range events {
		if e.Target == "" || e.Case == "" || e.Attempt < 1 {
			continue
		}
		p := targets[e.Target]
		if p == nil {
			p = &past{attempts: map[attemptKey]*recorded{}}
			targets[e.Target] = p
		}
		key := attemptKey{e.Case, e.Attempt}
		a := p.of(key)
		switch e.Kind {
		case results.KindCaseStarted:
			a.began, a.open = true, true
		case results.KindStep:
			a.steps++
		case results.KindEvidence:
			a.evidence = append(a.evidence, *e.Evidence)
		case results.KindCaseFinished:
			a.verdicts, a.open = append(a.verdicts, *e.Verdict), false
		case results.KindReplanned:
			if len(a.verdicts) == 0 {
				delete(p.attempts, key) // void: it begins anew
			}
		}
	}
	return targets
}

func (p *past) of(key attemptKey) *recorded {
	if p.attempts[key] == nil {
		p.attempts[key] = &recorded{}
	}
	return p.attempts[key]
}

// tookBegin reports whether the attempt's start is recorded already; once. If not, it is about to be.
func (p *past) tookBegin(key attemptKey) bool {
	a := p.of(key)
	was := a.began
	a.began, a.open = false, true
	return was
}

// tookStep reports whether the attempt's next step is recorded already.
func (p *past) tookStep(key attemptKey) bool {
	a := p.of(key)
	if a.steps == 0 {
		return false
	}
	a.steps--
	return true
}

// tookEvidence reports whether this evidence is recorded already; once.
func (p *past) tookEvidence(key attemptKey, e results.Evidence) bool {
	a := p.of(key)
	i := slices.IndexFunc(a.evidence, func(one results.Evidence) bool {
		return one.Kind == e.Kind && one.Text == e.Text && one.File == e.File
	})
	if i < 0 {
		return false
	}
	a.evidence = slices.Delete(a.evidence, i, i+1)
	return true
}

// tookVerdict returns the next verdict that is recorded of the attempt, or nil.
func (p *past) tookVerdict(key attemptKey) *results.Verdict {
	a := p.of(key)
	if len(a.verdicts) == 0 {
		return nil
	}
	v := a.verdicts[0]
	a.verdicts = a.verdicts[1:]
	return &v
}

// final is the attempt's verdict as the record stands, or nil.
func (p *past) final(key attemptKey) *results.Verdict {
	a := p.of(key)
	if len(a.verdicts) == 0 {
		return nil
	}
	return &a.verdicts[len(a.verdicts)-1]
}

// unfinished reports whether the attempt is begun in the record, and neither judged there nor void.
func (p *past) unfinished(key attemptKey) bool { return p.of(key).open }

// judged notes that the record has a verdict on the attempt.
func (p *past) judged(key attemptKey) { p.of(key).open = false }

// forget drops what is left of an attempt: it begins anew.
func (p *past) forget(key attemptKey) { delete(p.attempts, key) }

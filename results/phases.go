package results

import (
	"cmp"
	"slices"
)

func (f *Fold) phase(e Event) {
	phases := &f.whole.Phases
	if e.Target != "" {
		phases = &f.target(e.Target).Phases
	}
	*phases = withPhase(*phases, e)
	switch {
	case e.Target == "" && e.Phase.State == PhaseFailed:
		f.whole.Error = cmp.Or(e.Phase.Error, e.Phase.Name+" went wrong")
	case e.Target != "":
		t := f.target(e.Target)
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
func (t *TargetState) trouble(p *Phase) {
	switch {
	case p.State == PhaseFailed && t.Trouble == "":
		t.Troubled, t.Trouble = p.Name, cmp.Or(p.Error, p.Name+" went wrong")
	case p.State == PhaseDone && t.Troubled == p.Name:
		t.Troubled, t.Trouble = "", ""
	}
}

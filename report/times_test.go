package report

import (
	"strings"
	"testing"
	"time"

	"wskharness/results"
	"wskharness/results/resultstest"
)

// A guest that is connected to anew while its cases run is so in that time: it is counted once. A phase that a controller did not
// live to see the end of has none.
func TestPhaseInsideAnother(t *testing.T) {
	phase := func(name string, state results.PhaseState, elapsed time.Duration) results.Event {
		return results.Event{Kind: results.KindTargetPhase, Target: "wine", Phase: &results.Phase{Name: name, State: state, Elapsed: elapsed}}
	}
	rec := results.Reduce([]results.Event{
		phase(results.PhaseCases, results.PhaseStarted, 0), // its controller was killed
		phase(results.PhaseConnect, results.PhaseStarted, 0), phase(results.PhaseConnect, results.PhaseDone, 2*time.Second),
		phase(results.PhaseCases, results.PhaseStarted, 0),
		phase(results.PhaseConnect, results.PhaseStarted, 0), phase(results.PhaseConnect, results.PhaseFailed, 3*time.Second),
		phase(results.PhaseConnect, results.PhaseStarted, 0), phase(results.PhaseConnect, results.PhaseDone, 4*time.Second),
		phase(results.PhaseCases, results.PhaseDone, 20*time.Second),
		phase(results.PhaseRevert, results.PhaseStarted, 0), phase(results.PhaseRevert, results.PhaseDone, time.Second),
	})
	phases := rec.Targets[0].Phases
	if got, want := strings.Join(times(phases), ", "), "connect 9.00s, cases 13.0s, revert 1.00s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := total(phases); got != 23*time.Second {
		t.Errorf("%s in all", got)
	}
}

// TestPhasesAddUp: a phase that came twice is one line.
func TestPhasesAddUp(t *testing.T) {
	wine := results.Reduce(resultstest.BadRun()).Targets[0]
	if got := spent(wine.Phases); got[len(got)-1].Name != results.PhaseRevert || got[len(got)-1].Elapsed != 50*time.Millisecond {
		t.Errorf("two reverts of 24 and 26 ms make %+v", got)
	}
}

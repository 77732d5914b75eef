package report

import (
	"fmt"
	"slices"
	"time"

	"wskharness/results"
)

// spent is the time of each kind of phase on a target, in the order in which they first came.
func spent(phases []results.PhaseRecord) []results.PhaseRecord {
	var sums []results.PhaseRecord
	for _, p := range phases {
		if !p.Ended {
			continue
		}
		i := slices.IndexFunc(sums, func(sum results.PhaseRecord) bool { return sum.Name == p.Name })
		if i < 0 {
			i, sums = len(sums), append(sums, results.PhaseRecord{Name: p.Name})
		}
		sums[i].Elapsed += own(&p)
	}
	return sums
}

// times says where the time of some phases went; what is too short to matter is left out.
func times(phases []results.PhaseRecord) []string {
	var parts []string
	for _, p := range spent(phases) {
		if p.Elapsed >= time.Millisecond {
			parts = append(parts, Printable(p.Name)+" "+Duration(p.Elapsed))
		}
	}
	return parts
}

// total is the time of all phases that came to an end.
func total(phases []results.PhaseRecord) (sum time.Duration) {
	for i := range phases {
		sum += own(&phases[i])
	}
	return sum
}

// own is what the phase took without those inside it, which are counted by themselves; one that lasts took nothing yet.
func own(p *results.PhaseRecord) time.Duration { return max(0, p.Elapsed-p.Inner) }

func loopText(l *results.Loop) string {
	return fmt.Sprintf("%d runs%s, p50 %s, p95 %s, p99 %s, max %s",
		l.Runs, onThreads(l.Threads), latency(l.P50), latency(l.P95), latency(l.P99), latency(l.Max))
}

// latency is a duration of which the tenths of a microsecond matter.
func latency(d time.Duration) string {
	if d >= time.Microsecond && d < 9950*time.Nanosecond {
		return fmt.Sprintf("%.1fµs", float64(d)/float64(time.Microsecond))
	}
	return Duration(d)
}

func effortText(e *results.Effort) string {
	text := fmt.Sprintf("%d runs of steps%s", e.Runs, onThreads(e.Threads))
	if e.Seed != 0 {
		text += fmt.Sprintf(", seed %d", e.Seed)
	}
	return text
}

func onThreads(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" on %d threads", n)
}

func placeText(p *results.Place) string {
	text := fmt.Sprintf("thread %d, iteration %d", p.Thread, p.Iteration)
	if p.Seed != 0 {
		text += fmt.Sprintf(", seed %d", p.Seed)
	}
	return text
}

// stepTime is how long the step took, or how long its runs did.
func stepTime(s *results.Step) string {
	if s.Loop != nil {
		return loopText(s.Loop)
	}
	return Duration(s.Elapsed)
}

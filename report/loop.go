package report

import (
	"fmt"
	"time"

	"wskharness/results"
)

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

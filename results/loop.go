package results

import (
	"fmt"
	"time"
)

// Loop is how the runs of a step went that ran more than once.
type Loop struct {
	Runs    uint64        `json:"runs"`           // of all threads
	Threads int           `json:"threads"`        // that ran it side by side
	Seed    uint32        `json:"seed,omitempty"` // by which steps were chosen; 0: all ran in their order
	P50     time.Duration `json:"p50Ns"`          // half of the runs took no longer; within an eighth, as the next two
	P95     time.Duration `json:"p95Ns"`
	P99     time.Duration `json:"p99Ns"`
	Max     time.Duration `json:"maxNs"`
}

func (l *Loop) String() string {
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

// Effort is what the loops of an attempt came to, all steps together.
type Effort struct {
	Runs    uint64 `json:"runs"`
	Threads int    `json:"threads"` // at most, side by side
	Seed    uint32 `json:"seed,omitempty"`
}

func (e *Effort) String() string {
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

// Place is where in a loop something happened; both count from 0.
type Place struct {
	Thread    uint32 `json:"thread"`
	Iteration uint32 `json:"iteration"`
	Seed      uint32 `json:"seed,omitempty"`
}

func (p *Place) String() string {
	text := fmt.Sprintf("thread %d, iteration %d", p.Thread, p.Iteration)
	if p.Seed != 0 {
		text += fmt.Sprintf(", seed %d", p.Seed)
	}
	return text
}

// time is how long the step took, or how long its runs did.
func (s *Step) time() string {
	if s.Loop != nil {
		return s.Loop.String()
	}
	return Duration(s.Elapsed)
}

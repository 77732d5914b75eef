package results

import "time"

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

// Effort is what the loops of an attempt came to, all steps together.
type Effort struct {
	Runs    uint64 `json:"runs"`
	Threads int    `json:"threads"` // at most, side by side
	Seed    uint32 `json:"seed,omitempty"`
}

// Place is where in a loop something happened; both count from 0.
type Place struct {
	Thread    uint32 `json:"thread"`
	Iteration uint32 `json:"iteration"`
	Seed      uint32 `json:"seed,omitempty"`
}

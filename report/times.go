package report

import (
	"time"

	"wskharness/results"
)

// spent is the time of each kind of phase on a target, in the order in which they first came.
func spent(phases []results.PhaseRecord) []results.PhaseRecord {
	var sums []results.PhaseRecord
	index := make(map[string]int)
	for i := range phases {
		p := &phases[i]
		if !p.Ended {
			continue
		}
		if i, ok := index[p.Name]; ok {
			sums[i].Elapsed += own(p)
			continue
		}
		index[p.Name] = len(sums)
		sums = append(sums, results.PhaseRecord{Name: p.Name, Elapsed: own(p)})
	}
	return sums
}

// times says where the time of some phases went; what is too short to matter is left out.
func times(phases []results.PhaseRecord) []string {
	var parts []string
	for _, p := range spent(phases) {
		if p.Elapsed >= time.Millisecond {
			parts = append(parts, p.Name+" "+Duration(p.Elapsed))
		}
	}
	return parts
}

// total is the time of all phases that came to an end.
func total(phases []results.PhaseRecord) time.Duration {
	var sum time.Duration
	for i := range phases {
		sum += own(&phases[i])
	}
	return sum
}

// own is what the phase took without those inside it, which are counted by themselves; none while it lasts.
func own(p *results.PhaseRecord) time.Duration {
	if !p.Ended {
		return 0
	}
	return max(0, p.Elapsed-p.Inner)
}

package results

import (
	"maps"
	"slices"
)

// Test is one test of a program that a case has run, as the program itself reported on it. The case is judged by them.
type Test struct {
	Step    int    `json:"step"` // that ran the program; index from 0
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // ok, not ok, skip, todo
	Detail  string `json:"detail,omitempty"`
}

// TestFailed is the outcome of a test that failed.
const TestFailed = "not ok"

const maxTests = 1000 // of one verdict

// boundedTests keeps some tests, with their texts cut to size: first of all those that failed, then the others, each in
// their order. Those that are left out are counted.
func boundedTests(tests []Test, left map[string]int) ([]Test, map[string]int) {
	var kept []Test
	counted := map[string]int{}
	for _, outcome := range slices.Sorted(maps.Keys(left)) {
		if len(counted) < maxValues {
			counted[Clip(outcome, maxText)] = left[outcome]
		}
	}
	room := maxTests - min(maxTests, countFailed(tests))
	failed := maxTests - room
	for _, t := range tests {
		spend := &room
		if t.Outcome == TestFailed {
			spend = &failed
		}
		if *spend == 0 {
			counted[Clip(t.Outcome, maxText)]++
			continue
		}
		*spend--
		kept = append(kept, Test{Step: t.Step, Name: Clip(t.Name, maxText), Outcome: Clip(t.Outcome, maxText), Detail: Clip(t.Detail, maxText)})
	}
	if len(counted) == 0 {
		return kept, nil
	}
	return kept, counted
}

func countFailed(tests []Test) (n int) {
	for _, t := range tests {
		if t.Outcome == TestFailed {
			n++
		}
	}
	return n
}

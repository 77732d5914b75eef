package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Test is one test of a program that a case has run, as the program itself reported on it. The case is judged by them.
type Test struct {
	Step    int    `json:"step"` // that ran the program; index from 0
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // ok, not ok, skip, todo
	Detail  string `json:"detail,omitempty"`
}

const (
	testFailed = "not ok"
	maxTests   = 1000 // of one verdict
	wholeTests = 3    // that failed, told in full
	testLines  = 8    // of each of them
)

// String is the test in one line, with the first of its details.
func (t Test) String() string { return t.Outcome + " " + joined(t.Name, t.why()) }

// why is the first line of its details.
func (t Test) why() string {
	first, _, _ := strings.Cut(t.Detail, "\n")
	return strings.TrimSpace(first)
}

// boundedTests keeps some tests, with their texts cut to size: first of all those that failed, then the others, each in
// their order. Those that are left out are counted.
func boundedTests(tests []Test, left map[string]int) ([]Test, map[string]int) {
	var kept []Test
	counted := map[string]int{}
	for _, outcome := range slices.Sorted(maps.Keys(left)) {
		if len(counted) < maxValues {
			counted[clip(outcome, maxText)] = left[outcome]
		}
	}
	room := maxTests - min(maxTests, countFailed(tests))
	failed := maxTests - room
	for _, t := range tests {
		spend := &room
		if t.Outcome == testFailed {
			spend = &failed
		}
		if *spend == 0 {
			counted[clip(t.Outcome, maxText)]++
			continue
		}
		*spend--
		kept = append(kept, Test{Step: t.Step, Name: clip(t.Name, maxText), Outcome: clip(t.Outcome, maxText), Detail: clip(t.Detail, maxText)})
	}
	if len(counted) == 0 {
		return kept, nil
	}
	return kept, counted
}

func countFailed(tests []Test) (n int) {
	for _, t := range tests {
		if t.Outcome == testFailed {
			n++
		}
	}
	return n
}

// failedTests are those that failed. Of the first few all is told that their program said of them; of each other its name
// and a line.
func (v *Verdict) failedTests() string {
	var told []string
	for _, t := range v.Tests {
		if t.Outcome != testFailed {
			continue
		}
		lines := strings.Split(strings.TrimRight(t.Detail, "\n"), "\n")
		if len(told) >= wholeTests || len(lines) < 2 {
			told = append(told, t.String())
			continue
		}
		text := t.Outcome + " " + t.Name
		for _, line := range lines[:min(len(lines), testLines)] {
			text += "\n  " + line
		}
		if more := len(lines) - testLines; more > 0 {
			text += fmt.Sprintf("\n  … (%d more lines)", more)
		}
		told = append(told, text)
	}
	if more := v.TestsLeft[testFailed]; more > 0 {
		told = append(told, fmt.Sprintf("… and %d more that failed", more))
	}
	return strings.Join(told, "\n")
}

// countTests says how many tests there were, and what they came to: "4 tests of its programs: 3 ok, 1 skip".
func (v *Verdict) countTests() string {
	counts := maps.Clone(v.TestsLeft)
	if counts == nil {
		counts = map[string]int{}
	}
	total := 0
	for _, t := range v.Tests {
		counts[t.Outcome]++
	}
	var parts []string
	for _, outcome := range slices.SortedFunc(maps.Keys(counts), byUse) {
		total += counts[outcome]
		parts = append(parts, fmt.Sprintf("%d %s", counts[outcome], outcome))
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%s of its programs: %s", count(total, "test", "tests"), strings.Join(parts, ", "))
}

// byUse puts the outcomes of tests into the order in which a reader wants them.
func byUse(a, b string) int {
	order := []string{testFailed, "ok", "todo", "skip"}
	return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
}

// programs lists every test of every program: the readers of a run want to find them by name.
func (m *markdown) programs(rec *Record) {
	ran := rec.cases(func(c *CaseRecord) bool { a := c.Telling(); return a != nil && len(a.Verdict.Tests) > 0 })
	if len(ran) == 0 {
		return
	}
	m.line("## Tests of programs\n")
	m.table("case", "target", "test", "outcome")
	rows, more := 0, 0
	for _, r := range ran {
		v := &r.rec.Telling().Verdict
		for _, t := range v.Tests {
			if rows++; rows > markdownRows {
				more++
				continue
			}
			m.row(code(r.rec.Name), escape(r.target.label()), cell(t.Name), cell(joined(t.Outcome, t.why())))
		}
		for _, n := range v.TestsLeft {
			more += n
		}
	}
	m.line("")
	if more > 0 {
		m.line("%s not listed.\n", count(more, "more test is", "more tests are"))
	}
}

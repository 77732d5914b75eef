package results

import (
	"fmt"
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
)

func (t Test) String() string { return t.Outcome + " " + joined(t.Name, t.Detail) }

// boundedTests keeps the first tests, with their texts cut to size.
func boundedTests(tests []Test) []Test {
	kept := slices.Clone(tests[:min(len(tests), maxTests)])
	for i, t := range kept {
		kept[i] = Test{Step: t.Step, Name: clip(t.Name, maxText), Outcome: clip(t.Outcome, maxText), Detail: clip(t.Detail, maxText)}
	}
	return kept
}

// failedTests are those that failed, one a line.
func (v *Verdict) failedTests() string {
	var failed []string
	for _, t := range v.Tests {
		if t.Outcome == testFailed {
			failed = append(failed, t.String())
		}
	}
	return strings.Join(failed, "\n")
}

// countTests says how many tests there were, and what they came to: "4 tests of its programs: 3 ok, 1 skip".
func (v *Verdict) countTests() string {
	if len(v.Tests) == 0 {
		return ""
	}
	counts := map[string]int{}
	var order []string
	for _, t := range v.Tests {
		if counts[t.Outcome] == 0 {
			order = append(order, t.Outcome)
		}
		counts[t.Outcome]++
	}
	parts := make([]string, len(order))
	for i, outcome := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[outcome], outcome)
	}
	return fmt.Sprintf("%s of its programs: %s", count(len(v.Tests), "test", "tests"), strings.Join(parts, ", "))
}

// programs lists every test of every program: the readers of a run want to find them by name.
func (m *markdown) programs(rec *Record) {
	ran := rec.cases(func(c *CaseRecord) bool { a := c.Telling(); return a != nil && len(a.Verdict.Tests) > 0 })
	if len(ran) == 0 {
		return
	}
	m.line("## Tests of programs\n")
	m.table("case", "target", "test", "outcome")
	rows := 0
	for _, r := range ran {
		for _, t := range r.rec.Telling().Verdict.Tests {
			if rows++; rows <= markdownRows {
				m.row(code(r.rec.Name), escape(r.target.label()), cell(t.Name), cell(joined(t.Outcome, t.Detail)))
			}
		}
	}
	m.line("")
}

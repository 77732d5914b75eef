package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wskharness/results"
)

// Of the tests that failed, how many are told in full, and how many lines of each.
const (
	wholeTests = 3
	testLines  = 8
)

// testLine is the test in one line, with the first of its details.
func testLine(t results.Test) string { return t.Outcome + " " + joined(t.Name, testWhy(t)) }

// testWhy is the first line of its details.
func testWhy(t results.Test) string {
	first, _, _ := strings.Cut(t.Detail, "\n")
	return strings.TrimSpace(first)
}

// failedTests are those that failed. Of the first few all is told that their program said of them; of each other its name
// and a line.
func failedTests(v *results.Verdict) string {
	var told []string
	for _, t := range v.Tests {
		if t.Outcome != results.TestFailed {
			continue
		}
		lines := strings.Split(strings.TrimRight(t.Detail, "\n"), "\n")
		if len(told) >= wholeTests || len(lines) < 2 {
			told = append(told, testLine(t))
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
	if more := v.TestsLeft[results.TestFailed]; more > 0 {
		told = append(told, fmt.Sprintf("… and %d more that failed", more))
	}
	return strings.Join(told, "\n")
}

// countTests says how many tests there were, and what they came to: "4 tests of its programs: 3 ok, 1 skip".
func countTests(v *results.Verdict) string {
	counts, total := map[string]int{}, 0
	maps.Copy(counts, v.TestsLeft)
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
	order := []string{results.TestFailed, "ok", "todo", "skip"}
	return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
}

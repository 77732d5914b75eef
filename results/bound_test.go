package results

import (
	"fmt"
	"testing"
)

// TestBoundedTests: what is kept are the tests that failed, and what is not is counted.
func TestBoundedTests(t *testing.T) {
	var tests []Test
	for i := range 2 * maxTests {
		outcome := "ok"
		if i%5 == 4 {
			outcome = TestFailed
		}
		tests = append(tests, Test{Name: fmt.Sprint(i), Outcome: outcome})
	}
	kept, left := boundedTests(tests, map[string]int{"skip": 3})
	if len(kept) != maxTests || failed(kept) != 400 || left["ok"] != 1000 || left["skip"] != 3 || len(left) != 2 {
		t.Errorf("%d kept, %d of them failed; left %v", len(kept), failed(kept), left)
	}
	if kept, left := boundedTests(tests[:10], nil); len(kept) != 10 || left != nil {
		t.Errorf("%d of 10 kept, left %v", len(kept), left)
	}
}

func failed(tests []Test) (n int) {
	for _, t := range tests {
		if t.Outcome == TestFailed {
			n++
		}
	}
	return n
}

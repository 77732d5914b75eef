package harness

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"wskharness/results"
)

// asWanted is the record that a harness makes which calls everything what it is.
func asWanted(m *Mode) *results.Record {
	rec := &results.Record{Targets: []results.TargetRecord{{Name: "wine"}}}
	for _, name := range slices.Sorted(maps.Keys(m.want)) {
		want := m.want[name]
		v := results.Verdict{Outcome: want.outcome, Reason: strings.Join(want.words, ", ")}
		rec.Targets[0].Cases = append(rec.Targets[0].Cases, results.CaseRecord{
			PlanCase: results.PlanCase{Name: name}, Final: want.outcome, Attempts: []results.Attempt{{Number: 1, Verdict: v}},
		})
	}
	return rec
}

// TestSelftestNoticesABrokenClassifier breaks what the harness says in each mode: the outcome of each case, each
// word of evidence, and the case itself. The selftest has to notice every one.
func TestSelftestNoticesABrokenClassifier(t *testing.T) {
	for _, m := range Modes() {
		t.Run(m.Name, func(t *testing.T) {
			if m.lacks != "" {
				if m.want != nil {
					t.Fatal("a mode that can't be shown expects something")
				}
				t.Skip(m.lacks)
			}
			if f := m.classified(asWanted(&m)); !f.OK {
				t.Fatalf("what is right is called wrong: %v", f.Wrong)
			}
			for i := range asWanted(&m).Targets[0].Cases {
				for _, outcome := range results.Outcomes() {
					rec := asWanted(&m)
					c := &rec.Targets[0].Cases[i]
					if c.Final == outcome {
						continue
					}
					c.Final = outcome
					if m.classified(rec).OK {
						t.Errorf("%s may be called %s", c.Name, outcome)
					}
				}
				rec := asWanted(&m)
				c := &rec.Targets[0].Cases[i]
				for _, word := range m.want[c.Name].words {
					c.Attempts[0].Verdict.Reason = strings.ReplaceAll(strings.Join(m.want[c.Name].words, ", "), word, "…")
					if m.classified(rec).OK {
						t.Errorf("%s may do without %q", c.Name, word)
					}
				}
				rec.Targets[0].Cases = slices.Delete(rec.Targets[0].Cases, i, i+1)
				if m.classified(rec).OK {
					t.Error("a case may be missing")
				}
			}
		})
	}
}

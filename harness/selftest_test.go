package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestSelftestNoticesABrokenHarness breaks the harness itself, for each mode that a Wine guest can show: what it calls
// a pass becomes lost, and everything else a pass. The selftest has to call each wrong.
func TestSelftestNoticesABrokenHarness(t *testing.T) {
	env := testEnv(t)
	env.judge = func(v results.Verdict) results.Verdict {
		if v.Outcome == results.Pass {
			v.Outcome = results.Lost
		} else {
			v.Outcome, v.Deviation = results.Pass, nil
		}
		return v
	}
	config := configOf(t, "", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	shown := 0
	err := Selftest(ctx, config, "wine", nil, t.TempDir(), env, func(f Finding) {
		switch {
		case f.Skipped != "":
			return
		case f.OK || len(f.Wrong) == 0:
			t.Errorf("%s is called right", f.Mode)
		case !strings.Contains(strings.Join(f.Wrong, " "), "is called"):
			t.Errorf("%s: %v", f.Mode, f.Wrong)
		}
		shown++
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown < 10 {
		t.Errorf("%d modes were shown", shown)
	}
}

// TestSelftestOnAStaticMachine misbehaves on a machine that nobody watches: what it can show is called what it is, and
// the rest is skipped with the reason.
func TestSelftestOnAStaticMachine(t *testing.T) {
	env := testEnv(t)
	up := bringUp(t, env)
	text := fmt.Sprintf("targets:\n  lab: {provider: static, url: '%s', user: '%s', password_file: '%s', auth: basic, certificate_sha256: '%s', reset: ['%s', %s, '%s', %s]}\n",
		up.Endpoint, up.User, up.PasswordFile, up.CertificateSHA, env.Serve[0], resetCommand, env.Cache, up.ID)
	config, err := parseConfig([]byte(text), ConfigName, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	err = Selftest(ctx, config, "lab", []string{"failing-step", "reboot", "page-fault", "winrm-away", "agent-killed"}, t.TempDir(), env, func(f Finding) {
		skipped := f.Mode == "page-fault" || f.Mode == "winrm-away"
		if skipped != (f.Skipped != "") || !skipped && !f.OK {
			t.Errorf("%+v", f)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

package harness

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wskharness/config"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

//go:embed selftest.yaml
var selftestSuite []byte

// selftestLimit is for one mode's target, from when there is something to test: of a run that is not over by then,
// nobody can say what it would have been called.
const selftestLimit = 20 * time.Minute

// Finding is what came of one mode.
type Finding struct {
	Mode     string        `json:"mode"`
	Doc      string        `json:"doc"`
	OK       bool          `json:"ok"`
	Slow     string        `json:"slow,omitempty"`    // which time was up, so that there is nothing to compare
	Skipped  string        `json:"skipped,omitempty"` // why it could not be shown
	Wrong    []string      `json:"wrong,omitempty"`   // how the run called it, where that is wrong
	Evidence string        `json:"evidence,omitempty"`
	Elapsed  time.Duration `json:"elapsedNs"`
	Dir      string        `json:"dir,omitempty"` // the run
}

// pickModes are the modes of some names, or patterns of names as the shell has them, each once; no name means all.
func pickModes(names []string) ([]Mode, error) {
	all := Modes()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, m := range all {
		known = append(known, m.Name)
	}
	var picked []Mode
	taken := map[string]bool{}
	for _, name := range names {
		found := false
		for _, m := range all {
			matches, err := path.Match(name, m.Name)
			if err != nil {
				return nil, settings.Usagef("%q is no pattern: %v", name, err)
			}
			if !matches {
				continue
			}
			if found = true; !taken[m.Name] {
				taken[m.Name], picked = true, append(picked, m)
			}
		}
		if !found {
			return nil, settings.Usagef("no mode %q%s: there are %s", name, strictyaml.Hint(name, known), strings.Join(known, ", "))
		}
	}
	return picked, nil
}

// Selftest shows the modes of some names, or all, on one target, three at a time where it can be had more than once, and tells
// of each as soon as it is known. The error is about what kept it from starting at all.
func Selftest(ctx context.Context, c *config.Config, target string, names []string, out string, env Env, tell func(Finding)) error {
	t := c.Target(target)
	if t == nil { // by no name the first that can be brought up
		var err error
		if t, err = c.Startable(target); err != nil {
			return err
		}
	}
	modes, err := pickModes(names)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("selftest: %w", err)
	}
	suite := filepath.Join(out, "selftest.yaml")
	if err := os.WriteFile(suite, selftestSuite, 0o644); err != nil {
		return fmt.Errorf("selftest: %w", err)
	}
	var all sync.WaitGroup
	var telling sync.Mutex
	lanes := make(chan struct{}, 3) // they wait more than they work
	if t.Machine.Shared != "" {
		lanes = make(chan struct{}, 1)
	}
	for _, m := range modes {
		all.Go(func() {
			lanes <- struct{}{}
			defer func() { <-lanes }()
			if ctx.Err() != nil {
				return
			}
			begun := time.Now()
			f := m.show(ctx, c, t, suite, filepath.Join(out, m.Name), env)
			if ctx.Err() != nil && !f.OK {
				return // the interrupt may be all that is wrong
			}
			f.Mode, f.Doc, f.Elapsed = m.Name, m.Doc, time.Since(begun)
			telling.Lock()
			defer telling.Unlock()
			tell(f)
		})
	}
	all.Wait()
	return ctx.Err()
}

// show makes one run misbehave, and looks at what it was called.
func (m *Mode) show(ctx context.Context, c *config.Config, t *config.Target, suite, out string, env Env) Finding {
	changed := *c
	changed.Suites, changed.Out, changed.Defines = []string{suite}, out, maps.Clone(c.Defines)
	changed.Limits = config.Limits{Target: cmp.Or(env.selftest, selftestLimit), Collect: c.Limits.Collect}
	if m.defect != "" {
		changed.Defines["WSKSAMPLE_DEFECT"] = "WSKSAMPLE_DEFECT_" + m.defect
	}
	var patterns []string
	for _, name := range m.cases {
		patterns = append(patterns, "selftest."+name)
	}
	plan, err := NewPlan(Request{Config: &changed, Targets: []string{t.Name}, Out: out, Version: "selftest",
		Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		return Finding{Wrong: []string{err.Error()}}
	}
	d := newDisturber(m, env, t.Machine.Shared == "")
	env.wrap, env.timeUp, env.quick = d.watch, d.timeUp, m.quick
	done, err := plan.Run(ctx, env, d)
	d.done.Wait()
	if d.skip != "" && err == nil && d.err == nil {
		return Finding{Skipped: d.skip}
	}
	f := Finding{Dir: done.dir()}
	if err = errors.Join(err, d.err); err != nil {
		f.Wrong = []string{err.Error()}
	} else {
		m.classify(&f, done.Record)
		f.Wrong = append(f.Wrong, d.missing()...)
	}
	f.settle(d.slow)
	return f
}

// settle calls the finding right or wrong; or too slow to tell, where a time that was up may be all that is wrong.
func (f *Finding) settle(slow []string) {
	f.OK = len(f.Wrong) == 0
	if !f.OK && len(slow) > 0 {
		f.Slow = "too slow to tell: " + strings.Join(slow, "; ")
	}
}

// classify compares what the record says with what was to be said.
func (m *Mode) classify(f *Finding, rec *results.Record) {
	seen := map[string]bool{}
	for _, t := range rec.Targets {
		for i := range t.Cases {
			c := &t.Cases[i]
			seen[c.Name] = true
			want, ok := m.want[c.Name]
			if !ok {
				want = verdict{outcome: results.Pass}
			}
			said := words(c)
			if c.Final != want.outcome {
				f.Wrong = append(f.Wrong, fmt.Sprintf("%s is called %s, not %s: %s", c.Name, c.Final, want.outcome, said))
			}
			for _, word := range want.words {
				if !strings.Contains(said, word) {
					f.Wrong = append(f.Wrong, fmt.Sprintf("%s: nothing says %q: %s", c.Name, word, said))
				}
			}
			if ok && want.outcome != results.Pass && f.Evidence == "" {
				f.Evidence = said
			}
		}
	}
	for name := range m.want {
		if !seen[name] {
			f.Wrong = append(f.Wrong, name+" is not in the record")
		}
	}
}

// words are what a record says of a case: reasons, deviations and evidence.
func words(c *results.CaseRecord) string {
	var all []string
	for _, a := range c.Attempts {
		all = append(all, a.Verdict.Reason)
		if d := a.Verdict.Deviation; d != nil {
			all = append(all, "expected "+d.Expected, "got "+d.Actual)
		}
		for _, e := range a.Evidence {
			if e.Signature != "" {
				all = append(all, "signature "+e.Signature)
			}
			if e.Kind == "hang" || e.Kind == "under-way" || e.Kind == "event-log" {
				all = append(all, e.Text)
			}
		}
	}
	return strings.Trim(strings.Join(append(all, c.Reason), "; "), "; ")
}

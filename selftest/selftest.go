// Package selftest shows on a real guest that each way in which a run can go wrong is called what it is: it makes runs
// misbehave, each through the whole path, and compares what their records say with what they have to say.
package selftest

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
	"slices"
	"strings"
	"sync"
	"time"

	"wskharness/config"
	"wskharness/harness"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

//go:embed selftest.yaml
var suite []byte

// modeLimit is for one mode's target, from when there is something to test: of a run that is not over by then,
// nobody can say what it would have been called.
const modeLimit = 20 * time.Minute

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
func pickModes(names []string) ([]mode, error) {
	all := allModes()
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, m := range all {
		known = append(known, m.name)
	}
	var picked []mode
	for _, name := range names {
		found := false
		for _, m := range all {
			matches, err := path.Match(name, m.name)
			if err != nil {
				return nil, settings.Usagef("%q is no pattern: %v", name, err)
			}
			found = found || matches
			if matches && !slices.ContainsFunc(picked, func(p mode) bool { return p.name == m.name }) {
				picked = append(picked, m)
			}
		}
		if !found {
			return nil, settings.Usagef("no mode %q%s: there are %s", name, strictyaml.Hint(name, known), strings.Join(known, ", "))
		}
	}
	return picked, nil
}

// Request is which modes are shown, and where.
type Request struct {
	Config *config.Config
	Target string   // empty: the first that can be brought up
	Modes  []string // names, or patterns of names as the shell has them; none: all
	Out    string   // the folder for the runs

	limit time.Duration // for one mode; modeLimit when zero
}

// Run shows the modes, three at a time where the target can be had more than once, and tells of each as soon as it is known,
// of one after the other. The error is about what kept it from starting at all, or the interrupt that ended it.
func (r *Request) Run(ctx context.Context, env harness.Env, tell func(Finding)) error {
	t := r.Config.Target(r.Target)
	if t == nil {
		var err error
		if t, err = r.Config.Startable(r.Target); err != nil {
			return err
		}
	}
	modes, err := pickModes(r.Modes)
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(r.Out, 0o755), os.WriteFile(r.suitePath(), suite, 0o644)); err != nil {
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
			f := r.show(ctx, &m, t, env)
			if ctx.Err() != nil && !f.OK {
				return // the interrupt may be all that is wrong
			}
			f.Mode, f.Doc, f.Elapsed = m.name, m.doc, time.Since(begun)
			telling.Lock()
			defer telling.Unlock()
			tell(f)
		})
	}
	all.Wait()
	return ctx.Err()
}

// show makes one run misbehave, and looks at what it was called.
func (r *Request) show(ctx context.Context, m *mode, t *config.Target, env harness.Env) Finding {
	changed := *r.Config
	changed.Suites, changed.Out, changed.Defines = []string{r.suitePath()}, filepath.Join(r.Out, m.name), maps.Clone(r.Config.Defines)
	changed.Limits = config.Limits{Target: cmp.Or(r.limit, modeLimit), Collect: r.Config.Limits.Collect}
	if m.defect != "" {
		changed.Defines["WSKSAMPLE_DEFECT"] = "WSKSAMPLE_DEFECT_" + m.defect
	}
	var patterns []string
	for _, name := range m.cases {
		patterns = append(patterns, "selftest."+name)
	}
	plan, err := harness.NewPlan(harness.Request{Config: &changed, Targets: []string{t.Name}, Out: changed.Out, Version: "selftest",
		Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		return Finding{Wrong: []string{err.Error()}}
	}
	d := newDisturber(m, env, t.Machine.Shared == "")
	env.Instruments.Wrap, env.Instruments.TimeUp, env.Instruments.Quick = d.watch, d.timeUp, m.quick
	done, err := plan.Run(ctx, env, d)
	d.done.Wait()
	if d.skip != "" && err == nil && d.err == nil {
		return Finding{Skipped: d.skip}
	}
	var f Finding
	if done != nil {
		f.Dir = done.Dir
	}
	if err = errors.Join(err, d.err); err != nil {
		f.Wrong = []string{err.Error()}
	} else {
		m.classify(&f, done.Record)
		f.Wrong = append(f.Wrong, d.missing()...)
	}
	f.settle(d.slow)
	return f
}

func (r *Request) suitePath() string { return filepath.Join(r.Out, "selftest.yaml") }

// settle calls the finding right or wrong; or too slow to tell, where a time that was up may be all that is wrong.
func (f *Finding) settle(slow []string) {
	f.OK = len(f.Wrong) == 0
	if !f.OK && len(slow) > 0 {
		f.Slow = "too slow to tell: " + strings.Join(slow, "; ")
	}
}

// classify compares what the record says with what was to be said.
func (m *mode) classify(f *Finding, rec *results.Record) {
	seen := map[string]bool{}
	for _, t := range rec.Targets {
		for i := range t.Cases {
			c := &t.Cases[i]
			seen[c.Name] = true
			want, ok := m.want[c.Name]
			if !ok {
				want = well
			}
			said := c.Words()
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

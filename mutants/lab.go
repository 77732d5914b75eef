package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wskharness/config"
	"wskharness/harness"
	"wskharness/report"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm/kinds"
)

const (
	// tryLimit bounds what one defect does to a target, from when there is something to test.
	tryLimit = 20 * time.Minute
	// enough cases have failed, the one that has to among them: a defect that breaks everything makes every case
	// wait for its limit, and nothing more is learned. One that hangs or crashes takes longest, and counts twice.
	enough = 6
)

// apart reports cases that take long, or do where something is broken, and fail for the reasons of others: of these only
// those run that a defect names.
func apart(c *suites.Case) bool {
	return c.Suite == "stress" || c.Suite == "boot" || slices.ContainsFunc(c.Tags, func(tag string) bool {
		return tag == "slow" || tag == "unload" || tag == "entry"
	})
}

// lab is where defects are tried.
type lab struct {
	env   harness.Env
	dir   string   // where the runs are
	cases []string // that each defect meets
	apart []string // that those meet that name them
}

// patternsFor selects what runs against a defect.
func (l *lab) patternsFor(d defect) []string {
	patterns := slices.Clone(l.cases)
	for _, c := range d.by {
		if slices.Contains(l.apart, c.pattern) {
			patterns = append(patterns, c.pattern)
		}
	}
	return patterns
}

func newLab(env harness.Env, dir string) (*lab, error) {
	l := &lab{env: env, dir: dir}
	catalog, err := suites.Load(suites.Builtin()...)
	if err != nil {
		return nil, err
	}
	for _, c := range catalog.All() {
		switch {
		case c.Misuse:
		case apart(c):
			l.apart = append(l.apart, c.Name())
		default:
			l.cases = append(l.cases, c.Name())
		}
	}
	return l, nil
}

// finding is what came of one defect.
type finding struct {
	defect  defect
	caught  []catch
	wrong   []string // what must not be, whatever else caught the defect
	stopped bool     // enough cases had failed
	ran     int      // cases with a verdict
	took    time.Duration
}

// catch is a case that failed.
type catch struct {
	name, rule string
	outcome    results.Outcome
	message    string
	meant      bool // it is one that has to
}

// by is the case that had to fail and did; nil where there is none.
func (f *finding) by() *catch {
	for i := range f.caught {
		if f.caught[i].meant {
			return &f.caught[i]
		}
	}
	return nil
}

func (f *finding) ok() bool { return f.by() != nil && len(f.wrong) == 0 }

// try builds with one defect, and runs the suites.
func (l *lab) try(ctx context.Context, d defect) finding {
	begun := time.Now()
	f := finding{defect: d}
	record, stopped, err := l.run(ctx, d)
	if err != nil {
		f.wrong = append(f.wrong, err.Error())
	}
	if record != nil {
		f.judge(record)
	}
	f.stopped, f.took = stopped, time.Since(begun)
	return f
}

// config is a guest with the model, where one of model and sample is built with the defect.
func (d defect) config() string {
	chosen := fmt.Sprintf("{%s: %s_%s}", d.part.define(), d.part.define(), d.name)
	if d.part == model {
		return "targets: {model: {provider: wine, netio: model, model_defines: " + chosen + "}}\n"
	}
	return "targets: {model: {provider: wine, netio: model}}\ndriver: {defines: " + chosen + "}\n"
}

func (l *lab) run(ctx context.Context, d defect) (record *results.Record, stopped bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir := filepath.Join(l.dir, d.String())
	path := filepath.Join(dir, config.Name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(d.config()), 0o644)); err != nil {
		return nil, false, err
	}
	c, err := config.Load(kinds.All(), path, dir)
	if err != nil {
		return nil, false, err
	}
	c.Limits = config.Limits{Target: tryLimit, Collect: c.Limits.Collect}
	plan, err := harness.NewPlan(harness.Request{Config: c, Out: c.Out, Version: "mutants",
		Selection: suites.Selection{Patterns: l.patternsFor(d)}})
	if err != nil {
		return nil, false, err
	}
	w := &watcher{defect: d, stop: cancel}
	done, err := plan.Run(ctx, l.env, w)
	if done == nil {
		return nil, false, err
	}
	if err == nil {
		err = unfinished(done.Record)
	}
	return done.Record, w.stopped, err
}

// unfinished reports cases that a limit kept from running: what they would have caught is not known.
func unfinished(record *results.Record) error {
	for _, t := range record.Targets {
		for i := range t.Cases {
			if c := &t.Cases[i]; c.Final == results.NotRun && strings.Contains(message(c), "the target ") && strings.Contains(message(c), " exceeded its limit of ") {
				return fmt.Errorf("%s is not known: %s", c.Name, message(c))
			}
		}
	}
	return nil
}

// watcher ends a run of which enough is known.
type watcher struct {
	defect  defect
	stop    context.CancelFunc
	failed  int
	meant   bool
	stopped bool
}

// Handle is called by the journal, one event at a time.
func (w *watcher) Handle(e results.Update) error {
	if e.Kind != results.KindCaseFinished || !e.Verdict.Outcome.Failed() {
		return nil
	}
	w.failed++
	if e.Verdict.Outcome != results.Fail {
		w.failed++
	}
	w.meant = w.meant || w.defect.catches(e.Case, e.Verdict.Outcome)
	if w.meant && w.failed >= enough && !w.stopped {
		w.stopped = true
		w.stop()
	}
	return nil
}

// judge reads what the cases came to. Whatever is neither a pass nor a failure by a verdict on the defect is wrong:
// a defect that the harness stumbles over is not caught.
func (f *finding) judge(record *results.Record) {
	for _, t := range record.Targets {
		if t.Trouble != "" {
			f.wrong = append(f.wrong, t.Troubled+": "+t.Trouble)
		}
		for i := range t.Cases {
			f.judgeCase(&t.Cases[i])
		}
	}
	unloads := f.caughtBy("deploy.stop")
	for _, t := range record.Targets {
		for i := range t.Cases {
			c := &t.Cases[i]
			// What passed before a driver that can't be unloaded is not proven, and said so.
			if c.Final.Infrastructure() && !(unloads && c.Final == results.Error) {
				f.wrong = append(f.wrong, fmt.Sprintf("%s is called %s: %s", c.Name, c.Final, message(c)))
			}
		}
	}
}

func (f *finding) judgeCase(c *results.CaseRecord) {
	if c.Final != results.NotRun && c.Final != results.Cancelled {
		f.ran++
	}
	if !c.Final.Failed() {
		return
	}
	hit := catch{name: c.Name, rule: ruleOf(c), outcome: c.Final, message: message(c), meant: f.defect.catches(c.Name, c.Final)}
	f.caught = append(f.caught, hit)
	if !hit.meant && !f.defect.allows(c.Name, c.Final) {
		f.wrong = append(f.wrong, fmt.Sprintf("%s is called %s, and defects.h does not say so: %s", c.Name, c.Final, hit.message))
	}
}

// ruleOf is the rule that a case checks, or that the harness itself holds drivers to.
func ruleOf(c *results.CaseRecord) string {
	switch {
	case c.Planned:
		return c.Doc
	case c.Name == "deploy.start":
		return "DriverEntry succeeds."
	case c.Name == "deploy.stop":
		return "A driver that everything was undone in unloads."
	}
	return "no case of the suites"
}

func (f *finding) caughtBy(name string) bool {
	for _, c := range f.caught {
		if c.meant && c.name == name {
			return true
		}
	}
	return false
}

// message is what a report says of a case that failed.
func message(c *results.CaseRecord) string {
	if len(c.Attempts) == 0 {
		return c.Reason
	}
	v := c.Attempts[len(c.Attempts)-1].Verdict
	text := v.Reason
	if d := v.Deviation; d != nil {
		text = fmt.Sprintf("%s: expected %s, got %s", d.Text, d.Expected, d.Actual)
	}
	return report.Printable(text)
}

package harness

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"wskharness/results"
	"wskharness/strictyaml"
	"wskharness/suites"
	"wskharness/vm"
)

//go:embed selftest.yaml
var selftestSuite []byte

// Mode is one way to misbehave, and what a run has to call it.
type Mode struct {
	Name string
	Doc  string

	cases   []string          // of the suite selftest, in their order
	at      string            // which of them is disturbed; empty: the first
	holds   bool              // the disturbance lasts until that case is judged, and the run goes on behind it
	cuts    bool              // the disturbance ends that case, which waits for nothing else
	defines map[string]string // of the driver
	crashes bool              // the machine does: somebody has to tell of it
	// disturb does something to the machine while its case (at) is under way: that waits until it is let go. It returns
	// a reason to skip the mode where the machine can't do that.
	disturb func(ctx context.Context, s stage) (skip string, err error)
	want    map[string]verdict // by case
	notice  string             // words of a notice that there has to be: what happened was not missed
}

// stage is where a mode misbehaves.
type stage struct {
	env     Env
	machine vm.Machine
	load    string                      // the id of the load that is under way, in the guest
	wine    bool                        // the guest is Wine
	letGo   func(context.Context) error // of the case that is disturbed, which may end then
	judged  <-chan struct{}             // closed when the case that is disturbed is judged
}

// verdict is what is expected of a case: its outcome, and words of its reason and evidence.
type verdict struct {
	outcome results.Outcome
	words   []string
}

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

const (
	// selftestLimit is for one mode's target, from when there is something to test: of a run that is not over by then,
	// nobody can say what it would have been called.
	selftestLimit = 20 * time.Minute
	// disturbLimit is for what disturbs it, and no longer than the agent holds a disturbance. By then the case that
	// waits for it (selftest.yaml) goes on by itself.
	disturbLimit = 10 * time.Minute
	// holdSteps is how many steps that case has before it goes on: the first says that it waits.
	holdSteps = 11
)

// Modes are all that the selftest does. Cases that come after the misbehaviour have to run all the same.
func Modes() []Mode {
	well := verdict{outcome: results.Pass}
	one := func(name string, outcome results.Outcome, words ...string) map[string]verdict {
		return map[string]verdict{"selftest." + name: {outcome, words}, "selftest.well": well}
	}
	disturbed := []string{"waits", "well"}
	return []Mode{
		{Name: "failing-step", Doc: "a step that is not as declared", cases: []string{"fails", "well"},
			want: one("fails", results.Fail, "STATUS_INVALID_PARAMETER", "STATUS_SUCCESS")},
		{Name: "ioctl-hang", Doc: "a request that does not come back", cases: []string{"hangs", "well"},
			defines: map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_OVERSTAYS"},
			want:    one("hangs", results.Hang, "step 1 of selftest.hangs (fault, hang", "kernel thread", "1 × thread with a call that has not returned")},
		{Name: "capture-kept", Doc: "a capture that is never released", cases: []string{"keeps", "well"},
			defines: map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_NO_RELEASE"},
			want:    one("keeps", results.Fail, "provider capture not released")},
		{Name: "page-fault", crashes: true, Doc: "the driver faults", cases: []string{"page_fault", "well"},
			want: one("page_fault", results.Bugcheck, "wsksample.sys+0x", "DoFault", "signature")},
		{Name: "bugcheck", crashes: true, Doc: "KeBugCheckEx with known parameters", cases: []string{"bugcheck", "well"},
			want: one("bugcheck", results.Bugcheck, "0x000000E2", "0x11, 0x22, 0x33, 0x44")},
		{Name: "no-unload", Doc: "a driver that refuses to unload", cases: []string{"well"},
			defines: map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_UNLOAD_HANGS"},
			want: map[string]verdict{"deploy.stop": {results.Hang, []string{"did not unload"}},
				"selftest.well": {results.Error, []string{"not proven"}}}},
		{Name: "agent-killed", Doc: "the agent is killed in mid-case", cases: disturbed, disturb: killAgent, cuts: true,
			want: one("waits", results.Lost, "in the same boot")},
		{Name: "reboot", Doc: "the machine reboots in mid-case", cases: disturbed, disturb: reboot, cuts: true,
			want: one("waits", results.Lost, "rebooted unexpectedly")},
		{Name: "endless-output", Doc: "a command in the guest prints for ever", cases: disturbed, disturb: flood,
			want: one("waits", results.Pass)},
		{Name: "winrm-away", Doc: "the WinRM service goes away and returns", cases: disturbed, disturb: unplug,
			want: one("waits", results.Pass), notice: "contact was lost and found again"},
		{Name: "disk-full", Doc: "the guest's disk fills up in mid-case", cases: []string{"well", "writes", "after"}, at: "writes", disturb: fillDisk, holds: true,
			want: map[string]verdict{"selftest.well": well, "selftest.writes": {results.Error, []string{"could not write its journal", "112", "the disk of", "is full"}}, "selftest.after": well}},
		{Name: "wrong-clock", Doc: "the guest's clock goes wrong in mid-case, and right again", cases: disturbed, disturb: shiftClock, holds: true,
			want: one("waits", results.Pass)},
	}
}

// disturbed is the case during which the mode misbehaves.
func (m *Mode) disturbed() string {
	if m.at != "" {
		return "selftest." + m.at
	}
	return "selftest." + m.cases[0]
}

// pickModes are the modes of some names; no name means all.
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
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, usagef("no mode %q%s: there are %s", name, strictyaml.Hint(name, known), strings.Join(known, ", "))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

// Selftest shows the modes of some names, or all, on one target, three at a time where it can be had more than once, and tells
// of each as soon as it is known. The error is about what kept it from starting at all.
func Selftest(ctx context.Context, c *Config, target string, names []string, out string, env Env, tell func(Finding)) error {
	t := c.Target(target)
	if t == nil { // by no name the first that can be brought up
		var err error
		if t, err = c.startable(target); err != nil {
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
	if t.shared() != "" {
		lanes = make(chan struct{}, 1)
	}
	for _, m := range modes {
		all.Go(func() {
			lanes <- struct{}{}
			defer func() { <-lanes }()
			begun := time.Now()
			f := m.show(ctx, c, t, suite, filepath.Join(out, m.Name), env)
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
func (m *Mode) show(ctx context.Context, c *Config, t *Target, suite, out string, env Env) Finding {
	config := *c
	config.Suites, config.Out, config.Defines = []string{suite}, out, maps.Clone(c.Defines)
	config.Limits = Limits{Target: cmp.Or(env.selftest, selftestLimit), Collect: c.Limits.Collect}
	maps.Copy(config.Defines, m.defines)
	var patterns []string
	for _, name := range m.cases {
		patterns = append(patterns, "selftest."+name)
	}
	plan, err := NewPlan(Request{Config: &config, Targets: []string{t.Name}, Out: out, Version: "selftest",
		Selection: suites.Selection{Patterns: patterns}})
	if err != nil {
		return Finding{Wrong: []string{err.Error()}}
	}
	d := newDisturber(m, env, t.shared() == "")
	env.dress, env.timeUp = d.watch, d.timeUp
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
	}
	if m.notice != "" && !d.noticed && err == nil {
		f.Wrong = append(f.Wrong, fmt.Sprintf("nothing says %q", m.notice))
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

// disturber does to the machine what the mode asks for, once, as soon as the case that is disturbed says that it waits.
type disturber struct {
	mode *Mode
	done sync.WaitGroup

	watched bool // somebody tells when the machine crashes

	judged chan struct{} // closed when the case that is disturbed is

	mu      sync.Mutex
	stage   stage
	run     string // its id
	loads   int    // so far
	began   bool
	ended   bool
	let     bool // the case that is disturbed may go on
	over    bool // the machine is let go
	noticed bool // there was a notice with the words of the mode
	skip    string
	slow    []string // which times were up
	err     error
}

func newDisturber(m *Mode, env Env, watched bool) *disturber {
	d := &disturber{mode: m, watched: watched, judged: make(chan struct{})}
	d.stage = stage{env: env, judged: d.judged, letGo: d.letGo}
	return d
}

func (d *disturber) watch(m vm.Machine) vm.Machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stage.machine = m
	return m
}

// timeUp takes note of a time that was up, and of which case it was; of one that is meant to hang it says nothing.
func (d *disturber) timeUp(test, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if want, ok := d.mode.want[test]; ok && want.outcome == results.Hang {
		return
	}
	if test == "deploy.crash" && !d.mode.crashes {
		return // there is none
	}
	d.slow = append(d.slow, what)
}

// letGo removes what the case that is disturbed waits for. That may take more than one try: WinRM may be on its way back.
func (d *disturber) letGo(ctx context.Context) error {
	d.mu.Lock()
	d.let = true
	m := d.stage.machine
	d.mu.Unlock()
	for {
		err := inGuest(ctx, m, `del C:\wskharness\selftest.hold`, &bounded{left: 1 << 16})
		if err == nil {
			return nil
		}
		select {
		case <-d.judged:
			return nil // it has gone on by itself
		case <-ctx.Done():
			return fmt.Errorf("let the case go on that was disturbed: %w", err)
		case <-time.After(reconnectPause):
		}
	}
}

// Handle waits for the case; and, when that is judged, for the end of the disturbance: what comes behind runs on a
// machine that is well again.
func (d *disturber) Handle(e results.Event) error {
	if d.note(e); e.Kind == results.KindCaseFinished && e.Case == d.mode.disturbed() && d.mode.holds {
		d.done.Wait()
	}
	return nil
}

func (d *disturber) note(e results.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Kind == results.KindTargetFacts {
		d.stage.wine = e.Facts["wine"] != ""
		if d.mode.crashes && d.stage.wine && !d.watched {
			d.skip = "nobody watches this machine from outside, and a Wine guest leaves no dump: its crash is an unexpected reboot"
		}
	}
	if e.Notice != nil && d.mode.notice != "" && strings.Contains(e.Notice.Text, d.mode.notice) {
		d.noticed = true
	}
	switch {
	case e.Run != nil:
		d.run = e.Run.ID
	case e.Phase != nil && e.Phase.Name == results.PhaseDeploy && e.Phase.State == results.PhaseStarted:
		d.loads++
		d.stage.load = driverRunID(d.run, e.Target, d.loads)
	case e.Phase != nil && e.Phase.Name == results.PhaseRelease:
		d.over = true
	}
	if d.mode.disturb == nil || e.Case != d.mode.disturbed() {
		return
	}
	switch {
	case e.Kind == results.KindCaseFinished && !d.ended:
		d.ended = true
		close(d.judged)
	case e.Kind == results.KindStep && e.Step.Index == 0 && !d.began:
		d.began = true
		on := d.stage
		d.done.Go(func() { d.disturb(on) })
	case e.Kind == results.KindStep && e.Step.Index >= holdSteps && !d.let:
		d.let = true
		d.slow = append(d.slow, "what disturbs the case came after it")
	}
}

func (d *disturber) disturb(on stage) {
	ctx, cancel := context.WithTimeout(context.Background(), disturbLimit)
	defer cancel()
	skip, err := d.mode.disturb(ctx, on)
	if err != nil || skip != "" || !d.mode.cuts {
		err = errors.Join(err, on.letGo(ctx))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skip = skip
	if err == nil || d.over { // after that the machine is no more, and whatever went on in it
		return
	}
	d.err = fmt.Errorf("%s: %w", d.mode.Name, err)
	if ctx.Err() != nil {
		d.slow = append(d.slow, fmt.Sprintf("what disturbs the case took more than %s", strictyaml.ShortDuration(disturbLimit)))
	}
}

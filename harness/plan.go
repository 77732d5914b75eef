package harness

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"wskharness/config"
	"wskharness/host"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/suites"
)

// Request is what the user asked to be run.
type Request struct {
	Config    *config.Config
	Selection suites.Selection
	Targets   []string // empty: those of the configuration
	Repeat    int      // attempts of each case; 0 means 1
	Shuffle   bool
	Seed      uint64 // of all that is left to chance; 0: one is chosen, and recorded
	// StressFor is how long loops run that run for a time; 0: as long as their suites say.
	StressFor time.Duration
	FailFast  bool   // stop a target at its first case that is not as expected
	Keep      bool   // leave guests up when the run is over
	Warm      bool   // use guests that are up, as they are, and leave them up
	Record    bool   // keep what is said to the guests over WinRM
	Guest     string // the one guest to use, by its id, which is up; with Warm
	Out       string // overrides the configuration's
	Policy    results.Policy
	Version   string
	Command   string // the command line, quoted for a shell
}

// Plan is a run before it starts: everything in it is validated.
type Plan struct {
	Request Request
	Catalog *suites.Catalog
	Cases   []*suites.Case // selected, in the order in which they run
	Targets []*config.Target
}

// NothingSelectedError says that a run would test nothing: exit code 4, never a green run.
type NothingSelectedError struct{ Why string }

func (e *NothingSelectedError) Error() string {
	return "nothing to run: " + e.Why + "; `wskharness list` shows what there is"
}

// NewPlan validates a request and decides what runs where. Mistakes are *settings.UsageError or
// strictyaml.Mistakes; a selection without any case is a *NothingSelectedError.
func NewPlan(r Request) (*Plan, error) {
	catalog, err := r.Config.Catalog()
	if err != nil {
		return nil, err
	}
	p := &Plan{Request: r, Catalog: catalog}
	if r.Repeat < 0 || r.Repeat > 100_000 {
		return nil, settings.Usagef("--repeat %d: want 1 to 100000", r.Repeat)
	}
	p.Request.Repeat = max(1, r.Repeat)
	p.Request.Keep = r.Keep || r.Warm
	if err := p.pickTargets(); err != nil {
		return nil, err
	}
	if len(p.Request.Selection.Patterns) == 0 {
		if err := r.Config.CheckRun(catalog); err != nil {
			return nil, err
		}
		p.Request.Selection.Patterns = r.Config.Run.Suites
	}
	p.Cases, err = catalog.Select(p.Request.Selection)
	if err != nil {
		return nil, &settings.UsageError{Err: err}
	}
	if len(p.Cases) == 0 {
		return nil, &NothingSelectedError{Why: "no case matches the selection"}
	}
	if err := p.stressFor(); err != nil {
		return nil, err
	}
	if err := r.Config.Limits.Fits(p.Cases); err != nil {
		return nil, err
	}
	if err := checkFiles(r.Config, p.Cases); err != nil {
		return nil, err
	}
	if err := r.Config.CheckResident(p.Cases); err != nil {
		return nil, err
	}
	if err := r.Config.CheckSampleChecks(p.Cases); err != nil {
		return nil, err
	}
	if err := p.seed(); err != nil {
		return nil, err
	}
	p.shuffle()
	return p, p.fits()
}

// fits says what is too large of what is selected, before anything is begun: for a plan, or for the record.
func (p *Plan) fits() error {
	var wrong []error
	for _, c := range suites.Whole(p.Cases) {
		if size := c.PlanBytes(); size > suites.MaxPlanBytes {
			wrong = append(wrong, fmt.Errorf("%s:%d: %s takes %d bytes of a plan, which holds at most %d: split the case", c.File, c.Line, c.Name(), size, suites.MaxPlanBytes))
		}
	}
	first := results.Event{Kind: results.KindRunStarted, Run: p.describe(strings.Repeat("x", 64), strings.Repeat("x", 256))}
	if size, err := first.Size(); err != nil {
		wrong = append(wrong, err)
	} else if size > results.MaxLine {
		wrong = append(wrong, fmt.Errorf("%d cases on each of %d targets make a plan of %d bytes for the record, and it takes %d: select fewer",
			len(p.Cases), len(p.Targets), size, results.MaxLine))
	}
	if len(wrong) > 0 {
		return &settings.UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

// stressFor changes the time of the loops that run for one.
func (p *Plan) stressFor() error {
	d := p.Request.StressFor
	switch {
	case d == 0:
		return nil
	case d < 0:
		return settings.Usagef("--stress-for %s: want a time such as 60s", d)
	case !slices.ContainsFunc(p.Cases, (*suites.Case).Timed):
		return settings.Usagef("--stress-for %s: no selected case has a loop that runs for a time; `wskharness run stress` has", d)
	}
	p.Cases = slices.Clone(p.Cases)
	for i, c := range p.Cases {
		if !c.Timed() {
			continue
		}
		var err error
		if p.Cases[i], err = c.Lasting(d); err != nil {
			return &settings.UsageError{Err: err}
		}
	}
	return nil
}

// seed settles by which seed everything is chosen that is left to chance.
func (p *Plan) seed() error {
	chance := p.Request.Shuffle || slices.ContainsFunc(p.Cases, (*suites.Case).Chance)
	switch seed := p.Request.Seed; {
	case seed > math.MaxUint32:
		return settings.Usagef("--seed %d: want 1 to %d", seed, uint32(math.MaxUint32))
	case seed != 0 && !chance:
		return settings.Usagef("--seed %d: no selected case leaves anything to chance; with --shuffle it is of their order", seed)
	case seed == 0 && chance:
		p.Request.Seed = rand.Uint64N(math.MaxUint32) + 1
	}
	return nil
}

func (p *Plan) pickTargets() error {
	c := p.Request.Config
	names := p.Request.Targets
	if len(names) == 0 {
		names = c.Run.Targets
	}
	for _, name := range names {
		t := c.Target(name)
		if t == nil {
			return c.NoTarget(name)
		}
		if !slices.Contains(p.Targets, t) {
			if err := cmp.Or(t.Here(), t.Check()); err != nil {
				return err
			}
			p.Targets = append(p.Targets, t)
		}
	}
	return nil
}

// shuffle puts the cases in an order that only the seed decides.
func (p *Plan) shuffle() {
	if !p.Request.Shuffle {
		return
	}
	p.Cases = slices.Clone(p.Cases)
	random := rand.New(rand.NewPCG(p.Request.Seed, 0))
	random.Shuffle(len(p.Cases), func(i, j int) { p.Cases[i], p.Cases[j] = p.Cases[j], p.Cases[i] })
}

// describe is the plan as the record of the run keeps it.
func (p *Plan) describe(id, hostname string) *results.Run {
	run := &results.Run{
		ID: id, Version: p.Request.Version, Command: p.Request.Command, Seed: p.Request.Seed, Shuffled: p.Request.Shuffle,
		Selection: fmt.Sprint(p.Request.Selection), Host: hostname, Policy: p.Request.Policy,
		System: host.System(), Go: runtime.Version(),
	}
	for _, t := range p.Targets {
		target := results.PlanTarget{Name: t.Name, Guest: expectedGuest(t), Repeat: p.Request.Repeat}
		for _, c := range p.Cases {
			target.Cases = append(target.Cases, results.PlanCase{
				Name: c.Name(), Doc: c.Doc, Source: c.Source, Tags: c.Tags, Basis: basis(c.Basis),
			})
		}
		run.Plan = append(run.Plan, target)
	}
	return run
}

func basis(b suites.Basis) results.Basis {
	switch b {
	case suites.WineTest:
		return results.Observed
	case suites.Recorded:
		return results.Recorded
	}
	return results.Documented
}

// expectedGuest is what a target is before it was asked.
func expectedGuest(t *config.Target) results.Guest {
	return results.Guest{Kind: t.Machine.Guest, Label: t.Machine.Guest}
}

package config

import (
	"errors"
	"fmt"
	"time"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

// Limits are how long things may take, each inside the next: a step is inside its case (package suites sees to
// that), a case inside its suite's part on one target, that inside the target's, and that inside the run. What
// is inside ends at least Collect before what is around it, so that there is time to gather evidence.
type Limits struct {
	Run     time.Duration // from its start; of a run that is resumed, from then
	Target  time.Duration // from acquiring the machine to the last verdict on it, but for what it waits for the driver to be built
	Suite   time.Duration // all cases of one suite on one target, attempts included
	Case    time.Duration // no case may have a longer timeout of its own
	Collect time.Duration // to gather evidence, when something is up
}

const (
	defaultRunLimit    = 24 * time.Hour
	defaultTargetLimit = 12 * time.Hour
	defaultSuiteLimit  = 4 * time.Hour
	defaultCaseLimit   = 30 * time.Minute
	DefaultCollect     = 2 * time.Minute
	shortestCase       = time.Second // for which there has to be room
)

// limitKeys are those of limits, read into l.
func limitKeys(l *Limits) settings.Table {
	l.Collect = DefaultCollect
	return settings.Table{
		Doc: "How long things may take, each inside the next.",
		Keys: []settings.Key{
			{Name: "case", Doc: "No case may have a longer timeout.", Value: settings.Duration(&l.Case, settings.LongestTime)},
			{Name: "suite", Doc: "The cases of one suite on one target.", Value: settings.Duration(&l.Suite, settings.LongestTime)},
			{Name: "target", Doc: "One target's part of it.", Value: settings.Duration(&l.Target, settings.LongestTime)},
			{Name: "run", Doc: "The whole run.", Value: settings.Duration(&l.Run, settings.LongestTime)},
			{Name: "collect", Doc: "What is left at each level to gather evidence.", Value: settings.Duration(&l.Collect, settings.LongestTime)},
		},
	}
}

// nest fills in what is not said so that it fits, and reports what does not fit.
func (l *Limits) nest(r *settings.Reader, given settings.Given) {
	chain := []struct {
		name     string
		to       *time.Duration
		standard time.Duration
	}{
		{"case", &l.Case, defaultCaseLimit}, {"suite", &l.Suite, defaultSuiteLimit},
		{"target", &l.Target, defaultTargetLimit}, {"run", &l.Run, defaultRunLimit},
	}
	// From the inside: what is given has to be around all that is given in it.
	floors := make([]time.Duration, len(chain))
	need := shortestCase
	for i, c := range chain {
		if i > 0 {
			need += l.Collect
		}
		if *c.to != 0 && *c.to < need {
			r.At(given[c.name], "at least "+strictyaml.ShortDuration(need), "%s %s does not leave %s to collect evidence beyond what is inside it",
				c.name, strictyaml.ShortDuration(*c.to), strictyaml.ShortDuration(l.Collect))
		}
		need = max(need, *c.to)
		floors[i] = need
	}
	// From the outside: what is not given is made to fit between.
	ceiling := settings.LongestTime
	for i := len(chain) - 1; i >= 0; i-- {
		c := chain[i]
		if *c.to == 0 {
			*c.to = min(max(c.standard, floors[i]), ceiling)
		}
		ceiling = *c.to - l.Collect
	}
}

// Fits checks the selected cases against the limits: all that do not fit come back together.
func (l Limits) Fits(cases []*suites.Case) error {
	var wrong []error
	for _, c := range cases {
		if l.Case > 0 && c.Longest() > l.Case {
			wrong = append(wrong, fmt.Errorf("%s:%d: %s may take %s, but no case may take longer than %s (limits: case)",
				c.File, c.Line, c.Name(), strictyaml.ShortDuration(c.Longest()), strictyaml.ShortDuration(l.Case)))
		}
	}
	if len(wrong) > 0 {
		return &settings.UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

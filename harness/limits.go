package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	defaultRunLimit     = 24 * time.Hour
	defaultTargetLimit  = 12 * time.Hour
	defaultSuiteLimit   = 4 * time.Hour
	defaultCaseLimit    = 30 * time.Minute
	defaultCollectLimit = 2 * time.Minute
	shortestCase        = time.Second // for which there has to be room
	highestLimit        = 30 * 24 * time.Hour
)

// limits reads them, fills in what is not said so that it fits, and reports what does not fit.
func (p *configParser) limits(n *strictyaml.Node) Limits {
	l := Limits{Collect: defaultCollectLimit}
	chain := []struct {
		name     string
		to       *time.Duration
		standard time.Duration
		node     *strictyaml.Node
	}{
		{name: "case", to: &l.Case, standard: defaultCaseLimit},
		{name: "suite", to: &l.Suite, standard: defaultSuiteLimit},
		{name: "target", to: &l.Target, standard: defaultTargetLimit},
		{name: "run", to: &l.Run, standard: defaultRunLimit},
	}
	if n != nil {
		m, ok := p.Mapping(n, "limits")
		if !ok {
			return l
		}
		for i := range chain {
			if chain[i].node = m.Take(chain[i].name); chain[i].node != nil {
				*chain[i].to, _ = p.Duration(chain[i].node, chain[i].name, highestLimit)
			}
		}
		if collect := m.Take("collect"); collect != nil {
			l.Collect, _ = p.Duration(collect, "collect", highestLimit)
		}
		m.Done()
	}
	// From the inside: what is given has to be around all that is given in it.
	floors := make([]time.Duration, len(chain))
	need := shortestCase
	for i, c := range chain {
		if i > 0 {
			need += l.Collect
		}
		if *c.to != 0 && *c.to < need {
			p.At(c.node, "at least "+strictyaml.ShortDuration(need), "%s %s does not leave %s to collect evidence beyond what is inside it",
				c.name, strictyaml.ShortDuration(*c.to), strictyaml.ShortDuration(l.Collect))
		}
		need = max(need, *c.to)
		floors[i] = need
	}
	// From the outside: what is not given is made to fit between.
	ceiling := highestLimit
	for i := len(chain) - 1; i >= 0; i-- {
		c := chain[i]
		if *c.to == 0 {
			*c.to = min(max(c.standard, floors[i]), ceiling)
		}
		ceiling = *c.to - l.Collect
	}
	return l
}

// fits checks the selected cases against the limits: all that do not fit come back together.
func (l Limits) fits(cases []*suites.Case) error {
	var wrong []error
	for _, c := range cases {
		if l.Case > 0 && c.Longest() > l.Case {
			wrong = append(wrong, fmt.Errorf("%s:%d: %s may take %s, but no case may take longer than %s (limits: case)",
				c.File, c.Line, c.Name(), strictyaml.ShortDuration(c.Longest()), strictyaml.ShortDuration(l.Case)))
		}
	}
	if len(wrong) > 0 {
		return &UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

// answersWorth is how many of a guest's own answers a limit has room for.
const answersWorth = 20

// allow is how long something may take that no case waits for: at least so long, and longer in proportion where this
// guest, on this machine, was seen to take its time with an answer. A limit that is up says that something hangs,
// which has to be as true on a slow machine.
func (s *session) allow(least time.Duration) time.Duration { return max(least, answersWorth*s.answer) }

// limitError is the cause that ends a context whose time is up.
type limitError struct {
	what  string // the run, the target, the suite capture
	limit time.Duration
}

func (e *limitError) Error() string {
	return fmt.Sprintf("the limit of %s of %s was up", e.what, strictyaml.ShortDuration(e.limit))
}

// within bounds what is done with ctx by what is left of a limit; one of zero is none.
func within(ctx context.Context, what string, limit, spent time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit-spent, &limitError{what, limit})
}

// limitUp is the limit that ended ctx, or nil where it was something else, or nothing.
func limitUp(ctx context.Context) *limitError {
	e, _ := errors.AsType[*limitError](context.Cause(ctx))
	return e
}

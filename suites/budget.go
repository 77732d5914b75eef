package suites

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

const (
	defaultCaseTimeout = 10 * time.Second
	defaultLoopTimeout = 30 * time.Second
	defaultStepTimeout = 5 * time.Second // beyond what a step waits by its own word
	longestCase        = abi.PlanMaxWaitMs * time.Millisecond
	longestProgram     = 23 * time.Hour   // that a case runs, or waits for on a thread: a case has other steps, too
	longestLoop        = 30 * time.Minute // of a case whose loops are made to last
	longestBatch       = abi.MaxBatchMs * time.Millisecond
	batchMargin        = 250 * time.Millisecond // of a batch over its steps
	caseMargin         = 500 * time.Millisecond // of a case over its batches
	waitMargin         = time.Second            // of a case over all that its steps wait
)

// budget nests the limits: a step's own wait < the step's limit < its batch's < the case's. A limit
// that was not given is made to fit; one that was given and does not fit is a mistake, since the
// outer one would end the case before the inner one could say what hung.
func (p *caseParser) budget(n, timeout *node) {
	c := p.c
	own := len(c.batches) - c.tearDownBatches(c.batches)
	need, ok := p.waits(n, 0, own)
	if !ok {
		return
	}
	switch {
	case c.Timeout == 0:
		c.Timeout = p.fitting(need, 0, own)
	case c.Timeout < need:
		p.r.At(timeout, "at least "+strictyaml.ShortDuration(need), "timeout %s is too short: its steps may wait for %s, and need %s to spare",
			strictyaml.ShortDuration(c.Timeout), strictyaml.ShortDuration(need-waitMargin), strictyaml.ShortDuration(waitMargin))
		return
	}
	if own < len(c.batches) {
		if need, ok = p.waits(n, own, len(c.batches)); !ok {
			return
		}
		c.TearDown = p.fitting(need, own, len(c.batches))
	}
	for i := range c.batches {
		limit := c.Timeout
		if i >= own {
			limit = c.TearDown
		}
		p.batchBudget(&c.batches[i], limit)
	}
	for i := range c.Steps {
		p.stepBudget(&c.Steps[i], p.steps[i])
	}
}

// fitting is the limit for some of the batches where none was given.
func (p *caseParser) fitting(need time.Duration, first, end int) time.Duration {
	shortest, longest := defaultCaseTimeout, defaultStepTimeout
	for _, b := range p.c.batches[first:end] {
		if b.loop() {
			shortest = defaultLoopTimeout
		}
		for _, s := range p.c.Steps[b.first : b.first+b.count] {
			longest = max(longest, s.Timeout, s.op.limit())
		}
	}
	return max(shortest, wholeSeconds(need+longest))
}

// waits adds up what the steps of some batches wait by their own word, and the loops' own limits where they have
// some; it reports what these batches need to be given.
func (p *caseParser) waits(n *node, first, end int) (need time.Duration, ok bool) {
	for i := first; i < end; i++ {
		b := p.c.batches[i]
		total := p.batchWaits(b)
		if longest := p.longestOf(b); total > longest-2*batchMargin {
			p.r.At(p.steps[b.first].step, "at most "+strictyaml.ShortDuration(longest-2*batchMargin), "the repetitions may wait for %s",
				strictyaml.ShortDuration(total))
			return 0, false
		}
		if at := p.limits[i]; at != nil && b.timeout < total+2*batchMargin {
			p.r.At(at, "at least "+strictyaml.ShortDuration(total+2*batchMargin), "timeout %s is too short: the loop's steps may wait for %s, and need some to spare",
				strictyaml.ShortDuration(b.timeout), strictyaml.ShortDuration(total))
			return 0, false
		}
		need += max(total, b.timeout)
	}
	if need += waitMargin; need > longestCase {
		p.r.At(n, "at most "+strictyaml.ShortDuration(longestCase), "the steps may wait for %s", strictyaml.ShortDuration(need))
		return 0, false
	}
	return need, true
}

// batchWaits is what all passes through a batch may wait, the longest choice each time; of a loop that runs for a
// time, that time and a last pass. A reboot outlives its batch.
func (p *caseParser) batchWaits(b batch) time.Duration {
	pass := make([]time.Duration, max(b.groups, 1))
	for _, s := range p.c.Steps[b.first : b.first+b.count] {
		pass[s.group] += s.wait
	}
	longest := slices.Max(pass)
	if b.duration > 0 {
		return b.duration + longest
	}
	return longest * time.Duration(b.repeat)
}

// longestOf is how long the batch may take: one of the driver's is a request to it.
func (p *caseParser) longestOf(b batch) time.Duration {
	if p.c.Steps[b.first].executor == byAgent {
		return longestCase
	}
	return longestBatch
}

// longest is how long a step may say that it takes, or waits: a program runs for as long as it likes, and so does who waits
// for its thread.
func (p *caseParser) longest(s *Step) time.Duration {
	t := p.threads[s.target]
	if t != nil && t.op != nil && t.op.longest > 0 {
		return t.op.longest
	}
	return cmp.Or(s.op.longest, maxStepTime)
}

// batchBudget gives a batch its limit, inside that of the part of the case that it is in. A loop's own was checked by
// waits, and there is room for it.
func (p *caseParser) batchBudget(b *batch, around time.Duration) {
	highest := min(around-caseMargin, p.longestOf(*b))
	switch {
	case b.timeout > 0:
	case b.loop():
		b.timeout = highest
	default:
		s := &p.c.Steps[b.first]
		limit := s.Timeout
		if limit == 0 {
			limit = s.wait + s.op.limit()
		}
		b.timeout = min(limit+batchMargin, highest)
	}
}

// stepBudget fits a step's limit into its batch's.
func (p *caseParser) stepBudget(s *Step, nodes stepNodes) {
	highest := min(p.c.batches[s.batch].timeout-batchMargin, max(s.wait, maxStepTime)+s.op.limit())
	switch {
	case s.Timeout == 0:
		s.Timeout = min(s.wait+s.op.limit(), highest)
	case s.Timeout > highest:
		p.r.At(nodes.timeout, "at most "+strictyaml.ShortDuration(highest), "timeout %s of the step is not inside the limits around it",
			strictyaml.ShortDuration(s.Timeout))
	case s.Timeout < s.wait+batchMargin:
		p.r.At(nodes.timeout, "more than "+strictyaml.ShortDuration(s.wait), "timeout %s is not more than the step itself waits",
			strictyaml.ShortDuration(s.Timeout))
	}
}

// limit is how long an operation may take beyond what it waits by its own word, where nobody says.
func (o *operation) limit() time.Duration { return max(defaultStepTimeout, o.timeout) }

func wholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// Lasting is the case with the time of its loops that run for one changed, and every limit around them by as
// much.
func (c *Case) Lasting(d time.Duration) (*Case, error) {
	longer := *c
	longer.batches = slices.Clone(c.batches)
	for i := range longer.batches {
		b := &longer.batches[i]
		if b.duration == 0 {
			continue
		}
		change := d - b.duration
		b.duration = d
		b.timeout += change
		longer.Timeout += change
		if b.timeout > longestBatch || longer.Timeout > longestLoop || d < time.Millisecond {
			return nil, fmt.Errorf("%s can't run its loops for %s: a case may take no more than %s in all",
				c.Name(), strictyaml.ShortDuration(d), strictyaml.ShortDuration(longestLoop))
		}
	}
	return &longer, nil
}

package suites

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

const (
	maxWeight = 1000
	// endless is the number of passes of a loop that only time ends.
	endless = math.MaxUint32
)

// loopUse is the loop that is being read.
type loopUse struct {
	parallel   int
	shared     bool
	registered map[string]bool // clients registered in this pass through it
	ended      map[string]bool // and deregistered
	made       map[string]bool // sockets made in it
	opened     map[string]bool // and handles
}

// own reports whether each thread has clients and sockets of its own.
func (l *loopUse) own() bool { return l.parallel > 1 && !l.shared }

// loopGroup is a list of steps that run one after the other: all of a loop's, or those of one choice.
type loopGroup struct {
	steps  *node
	weight uint16
}

// readLoopStep reads `loop: {repeat, for, parallel, shared, timeout, and either steps or choose and seed}`.
func (p *caseParser) readLoopStep(n *node, outer *mapping) {
	body := outer.Take(loopKey)
	outer.What = "a loop's step"
	outer.Done()
	m, ok := p.r.Mapping(body, "loop")
	if !ok {
		return
	}
	b := batch{repeat: 1, parallel: 1}
	shared := false
	repeat := m.Take("repeat")
	if n := m.Take("for"); n != nil {
		var ok bool
		if b.duration, ok = p.r.Duration(n, "loop: for", longestLoop); ok {
			b.repeat = endless
		}
	}
	if repeat != nil {
		b.repeat = p.count(repeat, "loop: repeat", maxRepeat)
	}
	if n := m.Take("parallel"); n != nil {
		b.parallel = p.count(n, "loop: parallel", abi.MaxParallel)
	}
	if n := m.Take("shared"); n != nil {
		shared, _ = p.r.Bool(n, "loop: shared")
	}
	if n := m.Take("timeout"); n != nil {
		var ok bool
		if b.timeout, ok = p.r.Duration(n, "loop: timeout", longestBatch); ok && !p.inLoop() {
			p.limits[len(p.c.batches)] = n
		}
	}
	seed := m.Take("seed")
	steps, groups := p.loopGroups(body, m)
	m.Done()
	if seed != nil {
		if number, ok := p.r.Number(seed, "loop: seed", 1, math.MaxUint32); ok {
			b.seed = uint32(number)
		}
		if steps != nil && len(groups) < 2 {
			p.r.At(seed, "choose", "the loop has a seed, but chooses nothing")
		}
	}
	switch {
	case steps == nil:
	case p.inLoop():
		p.r.At(n, "loops one after the other", "a loop can't be in a loop")
	default:
		if len(groups) > 1 {
			b.groups = len(groups)
		}
		p.readLoop(b, shared, steps, groups)
	}
}

// loopGroups reads what a loop does: steps, or a choice between lists of them. The node is the one that has
// it; nil when there is nothing to go on with.
func (p *caseParser) loopGroups(body *node, m *mapping) (*node, []loopGroup) {
	steps, choose := m.Take("steps"), m.Take("choose")
	switch {
	case steps == nil && choose == nil:
		p.r.At(body, "steps: a list, or choose: a list of choices", "loop has no steps")
		return nil, nil
	case steps != nil && choose != nil:
		p.r.At(choose, "one of them", "loop has both steps and choose")
		return nil, nil
	case steps != nil:
		return p.stepList(steps), []loopGroup{{steps: steps}}
	case choose.Kind != strictyaml.SequenceKind || len(choose.Items) < 2:
		p.r.At(choose, "a list of at least two choices", "choose is %s", choose.CountOrKind())
		return nil, nil
	}
	var groups []loopGroup
	for _, item := range choose.Items {
		m, ok := p.r.Mapping(item, "a choice")
		if !ok {
			return nil, nil
		}
		g := loopGroup{weight: 1}
		if n := m.Take("weight"); n != nil {
			number, _ := p.r.Number(n, "weight", 1, maxWeight)
			g.weight = uint16(number)
		}
		g.steps = m.Need("steps", "steps: a list")
		m.Done()
		if g.steps == nil || p.stepList(g.steps) == nil {
			return nil, nil
		}
		groups = append(groups, g)
	}
	return choose, groups
}

// stepList is the node, if it is a list of steps.
func (p *caseParser) stepList(n *node) *node {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 {
		p.r.At(n, "a list of steps", "steps is %s", n.CountOrKind())
		return nil
	}
	return n
}

// readLoop reads the steps of a loop, or of a case that is one, into one batch. At is where they are written.
func (p *caseParser) readLoop(b batch, shared bool, at *node, groups []loopGroup) {
	p.loop = &loopUse{parallel: b.parallel, shared: shared, made: map[string]bool{}, opened: map[string]bool{}}
	defer func() { p.loop = nil }()
	b.first, b.listed = len(p.c.Steps), true
	p.c.batches = append(p.c.batches, b)
	for i, g := range groups {
		first := len(p.c.Steps)
		p.readPass(g.steps)
		for k := first; k < len(p.c.Steps); k++ {
			p.c.Steps[k].group, p.c.Steps[k].weight = uint16(i), g.weight
		}
	}
	last := &p.c.batches[len(p.c.batches)-1]
	last.count = len(p.c.Steps) - last.first
	if last.count == 0 { // every step of it was a mistake
		delete(p.limits, len(p.c.batches)-1)
		p.c.batches = p.c.batches[:len(p.c.batches)-1]
		return
	}
	if last.count > abi.MaxSteps {
		p.r.At(at, fmt.Sprintf("at most %d", abi.MaxSteps), "the loop has %d steps", last.count)
	}
	p.uncounted(last)
	if p.agentLoop(last, at) {
		return
	}
	if p.loop.own() {
		// Thread t uses the named ones plus t strides.
		last.stride = len(p.c.clients)
		last.sockets = len(p.c.sockets)
		if need := last.sockets * b.parallel; need > abi.MaxSockets {
			p.r.At(at, fmt.Sprintf("at most %d sockets over all threads", abi.MaxSockets),
				"the loop needs %d sockets on each of %d threads", last.sockets, b.parallel)
		}
		if need := last.stride * b.parallel; need > abi.MaxClients {
			p.r.At(at, fmt.Sprintf("at most %d clients over all threads", abi.MaxClients),
				"the loop needs %d clients on each of %d threads", last.stride, b.parallel)
		}
	}
}

// readPass reads steps that are run over and over, and reports what one pass leaves otherwise than it found it:
// the next one could not begin.
func (p *caseParser) readPass(steps *node) {
	p.loop.registered, p.loop.ended = map[string]bool{}, map[string]bool{}
	clients, sockets, handles := map[string]registration{}, objectStates(p.sockets), objectStates(p.handles)
	for name, use := range p.clients {
		clients[name] = use.state
	}
	for _, item := range steps.Items {
		p.readStep(item)
	}
	p.passObjects("handle", "an open step after that", steps, p.handles, handles)
	if p.c.Misuse {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.clients)) {
		use, before := p.clients[name], clients[name]
		switch {
		case use.state == registered && before != registered:
			p.r.At(use.at, "a deregister for it in the loop", "client %q is still registered at the end of the loop", name)
			use.state = maybeRegistered // said once
		case use.state == deregistered && before == registered:
			p.r.At(steps, "a register for it after that", "client %q is deregistered in the loop, which goes on", name)
			use.state = maybeRegistered
		}
	}
	p.passObjects("socket", "a step that makes it after that", steps, p.sockets, sockets)
}

// uncounted forgets how often the steps of a loop run where time or chance decides, and from where on in a
// pass a status may.
func (p *caseParser) uncounted(b *batch) {
	certain := b.counted()
	for i := b.first; i < b.first+b.count; i++ {
		s := &p.c.Steps[i]
		if certain = certain && !s.Yields; !certain {
			s.Runs = 0
		}
		certain = certain && len(s.Next) == 0
	}
}

// Loop is how a step runs that is in a loop.
type Loop struct {
	Threads int
	Chance  bool   // which steps come next is chosen by chance
	Seed    uint32 // of that; 0: the run's
}

// Loop says how a step runs; ok is false where it runs once.
func (c *Case) Loop(s *Step) (l Loop, ok bool) {
	b := c.batches[s.batch]
	return Loop{Threads: b.parallel, Chance: b.groups > 0, Seed: b.seed}, b.repeats()
}

// SeedOf is the seed of an attempt's choices: the loop's own, or one more than the run's with each attempt. It
// is 0 where nothing is chosen.
func (l Loop) SeedOf(run uint32, attempt int) uint32 {
	switch {
	case !l.Chance || l.Seed != 0:
		return l.Seed
	}
	return attemptSeed(run, attempt)
}

func attemptSeed(run uint32, attempt int) uint32 { return run + uint32(max(attempt, 1)-1) }

// Chance reports whether the run's seed decides what the case does.
func (c *Case) Chance() bool {
	return slices.ContainsFunc(c.batches, func(b batch) bool { return b.groups > 0 && b.seed == 0 })
}

// Timed reports whether the case has a loop that runs for a time.
func (c *Case) Timed() bool {
	return slices.ContainsFunc(c.batches, func(b batch) bool { return b.duration > 0 })
}

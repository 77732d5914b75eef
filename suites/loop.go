package suites

import (
	"fmt"

	"wskharness/strictyaml"
)

// loopUse is the loop that is being read.
type loopUse struct {
	parallel   int
	shared     bool
	registered map[string]bool // clients registered in it
}

// readLoopStep reads `loop: {repeat, parallel, shared, timeout, steps}`.
func (p *caseParser) readLoopStep(n *node, outer *mapping) {
	body := outer.Take(loopKey)
	outer.What = "a loop's step"
	outer.Done()
	m, ok := p.r.Mapping(body, "loop")
	if !ok {
		return
	}
	u := unit{repeat: 1, parallel: 1}
	shared := false
	if n := m.Take("repeat"); n != nil {
		u.repeat = p.count(n, "loop: repeat", maxRepeat)
	}
	if n := m.Take("parallel"); n != nil {
		u.parallel = p.count(n, "loop: parallel", maxParallel)
	}
	if n := m.Take("shared"); n != nil {
		shared, _ = p.r.Bool(n, "loop: shared")
	}
	if n := m.Take("timeout"); n != nil {
		var ok bool
		if u.timeout, ok = p.r.Duration(n, "loop: timeout", longestUnit); ok && !p.inLoop() {
			p.limits[len(p.c.units)] = n
		}
	}
	steps := m.Need("steps", "steps: a list")
	m.Done()
	switch {
	case steps == nil:
	case steps.Kind != strictyaml.SequenceKind || len(steps.Items) == 0:
		p.r.At(steps, "a list of steps", "steps is %s", steps.CountOrKind())
	case p.inLoop():
		p.r.At(n, "loops one after the other", "a loop in a loop")
	default:
		p.readLoop(steps, u, shared)
	}
}

// readLoop reads the steps of a loop, or of a case that is one, into one unit.
func (p *caseParser) readLoop(steps *node, u unit, shared bool) {
	p.loop = &loopUse{parallel: u.parallel, shared: shared, registered: map[string]bool{}}
	u.first, u.listed = len(p.c.Steps), true
	p.c.units = append(p.c.units, u)
	for _, item := range steps.Items {
		p.readStep(item)
	}
	last := &p.c.units[len(p.c.units)-1]
	last.count = len(p.c.Steps) - last.first
	if last.count == 0 { // every step of it was a mistake
		delete(p.limits, len(p.c.units)-1)
		p.c.units = p.c.units[:len(p.c.units)-1]
		p.loop = nil
		return
	}
	if last.count > maxSteps {
		p.r.At(steps, fmt.Sprintf("at most %d", maxSteps), "the loop has %d steps", last.count)
	}
	for name := range p.loop.registered {
		if use := p.clients[name]; use.state == registered && !p.c.Misuse {
			p.r.At(use.at, "a deregister for it in the loop", "client %q is still registered at the end of the loop", name)
			use.state = deregistered // said once
		}
	}
	if u.parallel > 1 && !shared {
		// Every thread has clients of its own: thread t uses the named ones plus t strides.
		last.stride = len(p.c.clients)
		last.sockets = len(p.c.sockets)
		if need := last.sockets * u.parallel; need > maxSockets {
			p.r.At(steps, fmt.Sprintf("at most %d sockets over all threads", maxSockets),
				"%d sockets on each of %d threads", last.sockets, u.parallel)
		}
		if need := last.stride * u.parallel; need > maxClients {
			p.r.At(steps, fmt.Sprintf("at most %d clients over all threads", maxClients),
				"%d clients on each of %d threads", last.stride, u.parallel)
		}
	}
	p.loop = nil
}

package suites

import (
	"fmt"
	"maps"
	"slices"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// What a case says about the devices that it has open, followed in the order of its steps.

func (p *caseParser) handle(name string, at *node) *objectUse {
	return objectOf(p.handles, &p.c.handles, name, at)
}

// openHandle is a handle that a step makes; whether it does is settled when the step's expectation is known.
func (p *caseParser) openHandle(name string, at *node, s *Step) uint64 {
	use := p.handle(name, at)
	if use.state == objectOpen {
		p.r.At(at, "a close before it, or another name", "handle %q is already open, since line %d", name, use.at.Line)
	}
	if l := p.loop; l != nil {
		if l.parallel > 1 && l.shared {
			p.r.At(at, "an open before the loop, or a loop that is not shared", "every thread of the loop would open handle %q", name)
		}
		l.opened[name] = true
	}
	use.at, s.opens = at, name
	return uint64(use.index)
}

// useHandle is a handle in a step that needs it to be there.
func (p *caseParser) useHandle(name string, at *node, s *Step, a argument) uint64 {
	use := p.handles[name]
	if use == nil {
		p.r.At(at, "an open step for it before this one", "there is no handle %q%s", name, strictyaml.Hint(name, p.c.handles))
		use = p.handle(name, at)
		use.state = objectUnknown // said once
	}
	if use.state == objectClosed {
		p.r.At(at, "an open step before it", "handle %q is closed", name)
	}
	if l := p.loop; l != nil && l.parallel > 1 {
		switch {
		case !l.shared && !l.opened[name]:
			p.r.At(at, "an open step in the loop, or shared: true", "handle %q is opened outside of the parallel loop", name)
		case l.shared && a.closes && !l.opened[name]:
			p.r.At(at, "a close after the loop", "handle %q is shared by the threads of the loop", name)
		}
	}
	if a.closes {
		s.shuts = name
	}
	return uint64(use.index)
}

// settleHandles follows what the step comes to.
func (p *caseParser) settleHandles(s *Step, n *node) {
	certain := s.succeeds()
	if use := p.handles[s.opens]; use != nil {
		use.synchronous = s.args[1]&abi.PlanOpenSynchronous != 0
		use.state = objectUnknown
		if certain {
			use.state = objectOpen
		}
	}
	if use := p.handles[s.shuts]; use != nil {
		use.state = objectClosed
	}
	if s.op.life&lifeEnds == 0 || s.async() { // one on a thread waits for what is open: that may be what is to be seen
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.threads)) {
		if t := p.threads[name]; t.busy && t.op != nil && t.op.request {
			p.r.At(n, "a join before it", "%s would run while the request on thread %q is out, since line %d", s.Op, name, t.at.Line)
		}
	}
	for _, name := range p.c.handles {
		use := p.handles[name]
		if use.state == objectOpen && !s.Reboots() {
			p.r.At(n, "a close before it", "%s would find handle %q open, since line %d: the driver could not be unloaded", s.Op, name, use.at.Line)
		}
		use.state = objectClosed
	}
}

// agentLoop settles a loop that the agent runs: all of its steps are the agent's, and each of its threads may have
// handles of its own. It reports whether the loop is one.
func (p *caseParser) agentLoop(b *batch, at *node) bool {
	steps := p.c.Steps[b.first : b.first+b.count]
	if !slices.ContainsFunc(steps, func(s Step) bool { return s.executor == byAgent }) {
		return false
	}
	for i := range steps {
		s := &steps[i]
		switch {
		case s.op.either:
			s.executor = byAgent
		case s.executor != byAgent:
			p.r.At(p.steps[s.Index].step, "steps of one kind", "%s is a step of the sample driver's, in a loop with steps of the agent", s.Op)
			return true
		}
	}
	b.agent = true
	if p.loop == nil || !p.loop.own() {
		return true
	}
	b.sockets = len(p.c.handles)
	if need := b.sockets * b.parallel; need > abi.PlanMaxHandles {
		p.r.At(at, fmt.Sprintf("at most %d handles over all threads", abi.PlanMaxHandles), "the loop needs %d handles on each of %d threads", b.sockets, b.parallel)
	}
	return true
}

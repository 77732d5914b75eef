package suites

import (
	"slices"

	"wskharness/strictyaml"
)

// What a case says about its clients and threads, followed in the order of its steps.

type registration int

const (
	unregistered registration = iota
	registered
	maybeRegistered // a recorded or ambiguous outcome: nothing certain can be said
	deregistered
)

type clientUse struct {
	index int
	state registration
	at    *node // where it was registered last
}

type threadUse struct {
	index    int
	executor executor // whose thread it is
	busy     bool
	at       *node      // where its operation was started last
	op       *operation // which that is
	generic  *generic   // what it says beside its numbers; nil: nothing
}

// client returns the index of a client, giving one to a new name.
func (p *caseParser) client(name string, at *node) *clientUse {
	if use := p.clients[name]; use != nil {
		return use
	}
	use := &clientUse{index: len(p.c.clients), at: at}
	p.clients[name] = use
	p.c.clients = append(p.c.clients, name)
	return use
}

// use is a client in a step that needs it to have been registered.
func (p *caseParser) use(name string, at *node, s *Step) uint64 {
	use := p.clients[name]
	if use == nil {
		p.r.At(at, "a register step for it before this one", "client %q is not registered%s", name, strictyaml.Hint(name, p.c.clients))
		use = p.client(name, at)
		use.state = maybeRegistered // said once
	}
	if l := p.loop; l != nil && l.own() && !l.registered[name] {
		p.r.At(at, "a register step in the loop, or shared: true", "client %q is registered outside of the parallel loop", name)
	}
	return uint64(use.index)
}

// start is a step that is started on a named thread of whoever executes it; the result is the thread's index.
func (p *caseParser) start(name string, at *node, s *Step) int {
	t := p.threads[name]
	if t == nil {
		t = &threadUse{index: len(p.threads)}
		p.threads[name] = t
	}
	if t.busy {
		p.r.At(at, "a join before it, or another thread", "thread %q still has its operation of line %d", name, t.at.Line)
	}
	if p.inLoop() {
		p.r.At(at, "loop: {parallel: …}", "a step in a loop can't start a named thread")
		return t.index
	}
	t.busy, t.at, t.executor, t.op, t.generic = true, at, s.executor, s.op, nil
	return t.index
}

// running is a step about a thread's operation, which whoever started it executes, too.
func (p *caseParser) running(name string, at *node, joins bool) *threadUse {
	t := p.threads[name]
	if t == nil || !t.busy {
		var names []string
		for name, t := range p.threads {
			if t.busy {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		p.r.At(at, "a step before it with thread: "+name, "nothing runs on thread %q%s", name, strictyaml.Hint(name, names))
		return &threadUse{}
	}
	if joins {
		t.busy = false
	}
	return t
}

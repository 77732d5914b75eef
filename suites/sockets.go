package suites

import "wskharness/strictyaml"

// What a case says about its sockets, followed in the order of its steps.

type socketState int

const (
	socketOpen    socketState = iota
	socketUnknown             // a recorded or failing step made it, or none that could be told
	socketClosed
)

type socketUse struct {
	index int
	state socketState
	at    *node // where it was made last
}

func (p *caseParser) socket(name string, at *node) *socketUse {
	if use := p.sockets[name]; use != nil {
		return use
	}
	use := &socketUse{index: len(p.c.sockets), at: at, state: socketClosed}
	p.sockets[name] = use
	p.c.sockets = append(p.c.sockets, name)
	return use
}

// makeSocket is a socket that a step makes; whether it does is settled when the step's expectation is known.
func (p *caseParser) makeSocket(name string, at *node) uint64 {
	use := p.socket(name, at)
	if use.state == socketOpen {
		p.r.At(at, "a close before it, or another name", "socket %q is already open, since line %d", name, use.at.Line)
	}
	use.at = at
	if p.loop != nil {
		p.loop.made[name] = true
	}
	return uint64(use.index)
}

// useSocket is a socket in a step that needs it to be there.
func (p *caseParser) useSocket(name string, at *node, s *Step) uint64 {
	use := p.sockets[name]
	if use == nil {
		p.r.At(at, "a socket step for it before this one", "there is no socket %q%s", name, strictyaml.Hint(name, p.c.sockets))
		use = p.socket(name, at)
		use.state = socketUnknown // said once
	}
	if l := p.loop; l != nil && l.own() && !l.made[name] {
		p.r.At(at, "a step in the loop that makes it, or shared: true", "socket %q is made outside of the parallel loop", name)
	}
	left := s.op.code == opAwait // what was pending when it was closed
	if use.state == socketClosed && !s.Misuse && !left {
		p.r.At(at, "a step before it that makes it", "socket %q is closed, or was never made", name)
	}
	if s.op.code == opClose {
		s.closes = name
	}
	return uint64(use.index)
}

// settleSockets follows what the step comes to: a socket that is made by a step which is not expected to
// succeed at once may be there or not.
func (p *caseParser) settleSockets(s *Step) {
	certain := s.succeeds()
	for _, name := range s.makes {
		switch use := p.sockets[name]; {
		case certain && !s.Async() && s.args[4]&socketEventAccept == 0:
			use.state = socketOpen
		default:
			use.state = socketUnknown
		}
	}
	if use := p.sockets[s.closes]; use != nil {
		use.state = socketClosed
		if !certain {
			use.state = socketUnknown
		}
	}
}

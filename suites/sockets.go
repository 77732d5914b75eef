package suites

import (
	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// What a case says about its sockets, followed in the order of its steps.

func (p *caseParser) socket(name string, at *node) *objectUse {
	return objectOf(p.sockets, &p.c.sockets, name, at)
}

// makeSocket is a socket that a step makes; whether it does is settled when the step's expectation is known.
func (p *caseParser) makeSocket(name string, at *node) uint64 {
	use := p.socket(name, at)
	if use.state == objectOpen {
		p.r.At(at, "a close before it, or another name", "socket %q is already open, since line %d", name, use.at.Line)
	}
	use.at = at
	if p.loop != nil {
		p.loop.made[name] = true
	}
	return uint64(use.index)
}

// useSocket is a socket in a step that needs it to be there.
func (p *caseParser) useSocket(name string, at *node, s *Step, a argument) uint64 {
	use := p.sockets[name]
	if use == nil {
		p.r.At(at, "a socket step for it before this one", "there is no socket %q%s", name, strictyaml.Hint(name, p.c.sockets))
		use = p.socket(name, at)
		use.state = objectUnknown // said once
	}
	if l := p.loop; l != nil && l.own() && !l.made[name] {
		p.r.At(at, "a step in the loop that makes it, or shared: true", "socket %q is made outside of the parallel loop", name)
	}
	if use.state == objectClosed && !s.Misuse && !a.closed {
		p.r.At(at, "a step before it that makes it", "socket %q is closed, or was never made", name)
	}
	if a.closes {
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
		case certain && !s.async() && s.args[4]&abi.SocketEventAccept == 0:
			use.state = objectOpen
		default:
			use.state = objectUnknown
		}
	}
	if use := p.sockets[s.closes]; use != nil {
		use.state = objectClosed
		if !certain {
			use.state = objectUnknown
		}
	}
}

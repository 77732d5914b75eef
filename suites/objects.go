package suites

import (
	"maps"
	"slices"
)

// What sockets and handles have in common: a case opens them by a name, uses them, and closes them.

type objectState int

const (
	objectOpen    objectState = iota
	objectUnknown             // a recorded or failing step made it, or none that could be told
	objectClosed
)

type objectUse struct {
	index       int
	state       objectState
	at          *node // where it was made last
	synchronous bool  // of a handle
}

// objectOf returns what goes by a name, giving an index to a new one.
func objectOf(uses map[string]*objectUse, names *[]string, name string, at *node) *objectUse {
	if use := uses[name]; use != nil {
		return use
	}
	use := &objectUse{index: len(*names), at: at, state: objectClosed}
	uses[name] = use
	*names = append(*names, name)
	return use
}

func objectStates(uses map[string]*objectUse) map[string]objectState {
	states := map[string]objectState{}
	for name, use := range uses {
		states[name] = use.state
	}
	return states
}

// passObjects reports those that one pass through a loop leaves otherwise than it found them. Again is what makes one anew.
func (p *caseParser) passObjects(what, again string, steps *node, uses map[string]*objectUse, before map[string]objectState) {
	for _, name := range slices.Sorted(maps.Keys(uses)) {
		use := uses[name]
		was, there := before[name]
		switch {
		case use.state == objectOpen && (!there || was == objectClosed):
			p.r.At(use.at, "a close for it in the loop", "%s %q is still open at the end of the loop", what, name)
			use.state = objectUnknown
		case use.state == objectClosed && there && was == objectOpen:
			p.r.At(steps, again, "%s %q is closed in the loop, which goes on", what, name)
			use.state = objectUnknown
		}
	}
}

package suites

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// arguments reads what stands inside a step: the operation's arguments, its thread and its checks.
// It returns the mapping, in which `at` is still to be taken, or nil where there is none.
func (p *caseParser) arguments(s *Step, body *node, words *sentence) *mapping {
	op := s.op
	switch {
	case body.IsNull():
		body = &node{Kind: strictyaml.MappingKind, Line: body.Line, Column: body.Column, Told: body.Told}
	case body.Kind == strictyaml.ScalarKind && op.scalar != "":
		key := &node{Text: op.scalar, Line: body.Line, Column: body.Column}
		body = &node{Kind: strictyaml.MappingKind, Line: body.Line, Column: body.Column, Pairs: []strictyaml.Pair{{Key: key, Value: body}}}
	}
	m, ok := p.r.Mapping(body, op.name)
	if !ok {
		return nil
	}
	given := map[string]*node{}
	for _, a := range op.args {
		n := m.Take(a.name)
		switch {
		case n != nil:
			given[a.name] = n
			p.argument(s, a, n, words)
		case a.required:
			p.r.At(body, a.name+": "+a.doc, "%s has no %s", op.name, a.name)
		default:
			p.absent(s, a)
		}
	}
	skipRest(m, given["code"])
	if op.thread {
		if n := m.Take("thread"); n != nil {
			if name, ok := p.r.readName(n, op.name+": thread"); ok {
				s.Thread, s.thread = name, uint16(p.start(name, n, s)+1)
			}
		}
	}
	if op.starts {
		p.entrySteps = m.Take(entryKey)
	}
	if op.socket && s.args[4]&abi.SocketPending != 0 {
		s.wait = 0 // it does not wait; the await after it does
	}
	p.c.require(op.requires)
	p.checks(s, m)
	if op.read != nil {
		op.read(p, stepReading{s, body, given, words})
	}
	return m
}

// require adds a capability to those that the case requires.
func (c *Case) require(capability string) {
	if capability != "" && !slices.Contains(c.Requires, capability) {
		c.Requires = append(c.Requires, capability)
	}
}

// absent fills in what an argument is when its key is not there.
func (p *caseParser) absent(s *Step, a argument) {
	if a.kind == argBool {
		return
	}
	if a.initial != 0 {
		s.args[a.slot] |= a.initial << a.shift
	}
	if a.kind == argDuration {
		s.wait = time.Duration(a.initial) * time.Millisecond
	}
}

func (p *caseParser) argument(s *Step, a argument, n *node, words *sentence) {
	p.c.require(a.requires)
	what := s.Op + ": " + a.name
	switch a.kind {
	case argBool:
		if on, ok := p.r.Bool(n, what); ok && on {
			s.args[a.slot] |= a.flag
			s.Misuse = s.Misuse || a.misuse
			words.add(strings.ReplaceAll(a.name, "_", " "))
		}
	case argNumber:
		if number, ok := p.r.Number(n, what, 0, a.max); ok {
			s.args[a.slot] |= number << a.shift
			if a.hex {
				words.add(fmt.Sprintf("%s %#x", a.name, number))
			} else {
				words.add(fmt.Sprintf("%s %d", a.name, number))
			}
		}
	case argNumbers:
		p.numbers(s, a, n, what)
	case argSwitch:
		if on, ok := p.r.Bool(n, what); ok {
			if on {
				s.args[a.slot] = abi.ProviderReady
				words.add(a.name)
			} else {
				s.args[a.slot] = abi.ProviderNotReady
				words.add(a.off + a.name)
			}
		}
	case argSize:
		if size, ok := p.r.readSize(n, what); ok {
			if size > a.max {
				p.r.At(n, "at most "+byteSize(a.max), "%s is %s", what, n.Text)
			}
			s.args[a.slot] = size
		}
	case argVersions:
		p.versions(s, a, n, what, words)
	case argVersion:
		if n.Kind == strictyaml.MappingKind && a.told != "" {
			p.takeArgument(s, a, n, what, words)
		} else if version, ok := p.r.readVersion(n, what); ok {
			s.args[a.slot] = version
			words.add(a.name + " " + versionString(version))
		}
	case argWait:
		p.waitArgument(s, a, n, what, words)
	case argDuration:
		if d, ok := p.r.Duration(n, what, p.longest(s)); ok {
			s.args[a.slot] = uint64(d.Milliseconds()) + a.plus
			s.wait = d
			words.add(a.name + " " + strictyaml.ShortDuration(d))
		}
	case argName:
		if code, ok := p.r.readOneOf(n, what, a.names); ok {
			s.args[a.slot] |= code << a.shift
			words.add(n.Text)
		}
	case argClient, argSocket, argMaking, argHandle, argOpening, argThread:
		if name, ok := p.r.readName(n, what); ok {
			p.named(s, a, name, n, words)
		}
	case argControlCode:
		if code, ok := p.controlCode(n, what); ok {
			s.args[a.slot] = code
			words.add(fmt.Sprintf("%s %#x", a.name, code))
		}
	case argClients:
		p.twoClients(s, n, what, words)
	}
}

// named settles an argument that is the name of something in the case.
func (p *caseParser) named(s *Step, a argument, name string, n *node, words *sentence) {
	switch a.kind {
	case argClient:
		s.client = name
		words.object(name)
		use := (*caseParser).use
		if s.op.client != nil {
			use = s.op.client
		}
		s.args[a.slot] = use(p, name, n, s)
	case argSocket:
		words.socket(name, a)
		s.args[a.slot] |= (p.useSocket(name, n, s, a) + a.plus) << a.shift
	case argMaking:
		words.socket(name, a)
		s.makes = append(s.makes, name)
		s.args[a.slot] |= (p.makeSocket(name, n) + a.plus) << a.shift
	case argHandle:
		words.object(name)
		s.args[a.slot] = p.useHandle(name, n, s, a) + a.plus
	case argOpening:
		words.object(name)
		s.args[a.slot] = p.openHandle(name, n, s)
	case argThread:
		s.target = name
		words.object("thread " + name)
		t := p.running(name, n, s.op.joins)
		s.args[a.slot], s.executor = uint64(t.index), t.executor
		if s.op.joins {
			s.op, s.joined = s.op.joining(t.op), t.generic
		}
	}
}

func (p *caseParser) twoClients(s *Step, n *node, what string, words *sentence) {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) != 2 {
		p.r.At(n, "a list of two clients", "%s is %s", what, n.CountOrKind())
		return
	}
	var names []string
	for i, item := range n.Items {
		name, ok := p.r.readName(item, what)
		if !ok {
			return
		}
		if slices.Contains(names, name) {
			p.r.At(item, "another client", "%s has %q twice", what, name)
		}
		names = append(names, name)
		s.args[i] = p.use(name, item, s)
	}
	words.object(strings.Join(names, " with "))
}

// waitArgument reads none, infinite, or a duration that the driver agrees to wait for.
func (p *caseParser) waitArgument(s *Step, a argument, n *node, what string, words *sentence) {
	switch n.Text {
	case "none":
		words.add("no wait")
	case "infinite":
		s.args[a.slot] = math.MaxUint32
		words.add("infinite wait")
	default:
		if n.Kind != strictyaml.ScalarKind || n.Tag != "!!str" || !durationText.MatchString(n.Text) {
			p.r.At(n, "none, infinite, or "+wantDuration, "%s is %s", what, n.Describe())
			return
		}
		if d, ok := p.r.Duration(n, what, maxStepTime); ok {
			s.args[a.slot] = uint64(d.Milliseconds())
			s.wait = d
			words.add("wait " + strictyaml.ShortDuration(d))
		}
	}
}

func (p *caseParser) numbers(s *Step, a argument, n *node, what string) {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) > abi.MaxArgs-a.slot {
		p.r.At(n, fmt.Sprintf("a list of at most %d numbers", abi.MaxArgs-a.slot), "%s is %s", what, n.CountOrKind())
		return
	}
	for i, item := range n.Items {
		if number, ok := p.r.Number(item, what, 0, a.max); ok {
			s.args[a.slot+i] = number
		}
	}
}

// versions reads a range.
func (p *caseParser) versions(s *Step, a argument, n *node, what string, words *sentence) {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) != 2 {
		p.r.At(n, "the lowest and the highest version, such as [1.0, 1.1]", "%s is %s", what, n.CountOrKind())
		return
	}
	for i, item := range n.Items {
		version, ok := p.r.readVersion(item, what)
		if !ok {
			return
		}
		s.args[a.slot+i] = version
	}
	lowest, highest := s.args[a.slot], s.args[a.slot+1]
	if highest == 0 || lowest > highest {
		p.r.At(n, "the lowest and the highest version, such as [1.0, 1.1]", "%s is from %s to %s", what, versionString(lowest), versionString(highest))
		return
	}
	words.add(a.name + " " + versionString(lowest) + " to " + versionString(highest))
}

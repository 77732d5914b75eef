package suites

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// readStep reads one item of a list of steps: an operation, or outside loops a loop.
func (p *caseParser) readStep(n *node) {
	if p.r.Full() {
		return
	}
	m, ok := p.r.Mapping(n, "a step")
	if !ok {
		return
	}
	key, body := p.operationOf(n)
	if key == nil {
		return
	}
	if key.Text == loopKey {
		p.readLoopStep(n, m)
		return
	}
	op := p.vocabulary.find(key.Text, body)
	s := Step{Index: len(p.c.Steps), Op: op.name, Line: n.Line, Part: p.part, Runs: 1, op: op, context: op.contexts[0].code, executor: op.executor}
	words := &sentence{}
	words.add(op.name)
	nodes := stepNodes{step: n}

	m.Take(op.name)
	if n := m.Take(keyName); n != nil {
		p.stepName(&s, n)
	}
	if n := m.Take(keyMisuse); n != nil {
		s.Misuse, _ = p.r.Bool(n, op.name+": misuse")
	}
	if op.misuse {
		s.Misuse = true
	}
	p.nextOn(&s, m)
	p.entrySteps = nil
	inside := p.arguments(&s, body, words)
	entry := p.entrySteps
	p.expectation(&s, m, body)
	p.settleGeneric(&s, n)
	p.timing(&s, m, &nodes)
	p.reportOutside(m, s.op)
	p.place(&s, n, inside)
	p.finish(&s, n, words)
	p.steps = append(p.steps, nodes)
	p.c.Steps = append(p.c.Steps, s)
	p.readEntry(&s, entry)
}

// operationOf finds the one key of a step that is an operation.
func (p *caseParser) operationOf(n *node) (key, body *node) {
	var found []strictyaml.Pair
	for _, candidate := range n.Pairs {
		if p.vocabulary.byName[candidate.Key.Text] != nil || candidate.Key.Text == loopKey {
			found = append(found, candidate)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].Key, found[0].Value
	case len(found) > 1:
		p.r.At(found[1].Key, "one operation a step", "the step has two operations, %s and %s", found[0].Key.Text, found[1].Key.Text)
		return nil, nil
	}
	for _, candidate := range n.Pairs {
		if !slices.Contains(commonNames(), candidate.Key.Text) {
			p.r.At(candidate.Key, "one of "+p.vocabulary.list(), "unknown step %s%s",
				candidate.Key.Describe(), strictyaml.Hint(candidate.Key.Text, p.vocabulary.names()))
			return nil, nil
		}
	}
	p.r.At(n, "one of "+p.vocabulary.list(), "the step has no operation")
	return nil, nil
}

// reportOutside reports what stands beside the operation and does not belong there.
func (p *caseParser) reportOutside(m *mapping, op *operation) {
	for _, candidate := range m.Rest() {
		if name := candidate.Key.Text; slices.Contains(op.keys(), name) {
			m.Skip(name)
			p.r.At(candidate.Key, fmt.Sprintf("%s: {%s: …}", op.name, name), "%s stands beside %s, not in it", name, op.name)
		}
	}
	m.What = op.name + "'s step"
	m.Done()
}

func (p *caseParser) stepName(s *Step, n *node) {
	name, ok := p.r.readName(n, "name")
	if !ok {
		return
	}
	switch line, taken := p.names[name]; {
	case taken:
		p.r.At(n, "a name of its own", "step %q is already on line %d", name, line)
	case p.vocabulary.byName[name] != nil:
		p.r.At(n, "another name", "%q is the name of an operation", name)
	default:
		p.names[name] = n.Line
		s.Name = name
	}
}

// timing reads within, at_least, timeout and repeat.
func (p *caseParser) timing(s *Step, m *mapping, nodes *stepNodes) {
	op := s.op
	repeat := 1
	if n := m.Take(keyRepeat); n != nil {
		repeat = p.count(n, op.name+": repeat", maxRepeat)
		switch {
		case p.loop != nil:
			p.r.At(n, "", "a step in a loop can't have a repeat of its own")
		case s.async():
			p.r.At(n, "", "%s can't be repeated on a thread", op.name)
		case !op.loop:
			p.r.At(n, "", "%s can't be repeated", op.name)
		case p.entry != nil:
			p.r.At(n, "", "a step of DriverEntry can't be repeated")
		}
	}
	looping := p.loop != nil || repeat > 1
	if !p.inLoop() && p.entry == nil {
		p.c.batches = append(p.c.batches, batch{first: s.Index, count: 1, repeat: repeat, parallel: 1})
	}
	s.batch = len(p.c.batches) - 1
	bound := func(key string, words string, value, compare uint16) {
		if slices.ContainsFunc(op.args, func(a argument) bool { return a.name == key }) {
			return // join and state have a within of their own; reportOutside says so
		}
		n := m.Take(key)
		if n == nil {
			return
		}
		d, ok := p.r.Duration(n, op.name+": "+key, p.longest(s))
		switch {
		case !ok:
		case s.async():
			p.r.At(n, "within in the join", "the step only starts thread %q", s.Thread)
		case s.Record:
			p.r.At(n, "no "+key+", or no record", "a recorded step is not judged")
		default:
			s.Checks = append(s.Checks, Check{Name: key, Want: words + " " + strictyaml.ShortDuration(d),
				Text:  strings.ReplaceAll(key, "_", " ") + " " + strictyaml.ShortDuration(d),
				conds: []condition{{value: value, compare: compare, want: uint64(d)}}})
		}
	}
	elapsed := uint16(abi.ValueElapsedNS)
	if looping {
		elapsed = abi.ValueMaxNS
	}
	bound(keyWithin, "at most", elapsed, abi.LE)
	bound(keyAtLeast, "at least", abi.ValueElapsedNS, abi.GE)
	if n := m.Take(keyTimeout); n != nil {
		nodes.timeout = n
		s.Timeout, _ = p.r.Duration(n, op.name+": timeout", p.longest(s))
	}
}

// repeats reports whether a step may run more than once: in a loop, or by a repeat of its own.
func (p *caseParser) repeats(step *node) bool { return p.inLoop() || step.Get(keyRepeat) != nil }

func (p *caseParser) inLoop() bool { return p.loop != nil }

// place settles the context in which the step runs.
func (p *caseParser) place(s *Step, n *node, inside *mapping) {
	var at *node
	if inside != nil && len(s.op.contexts) > 1 {
		at = inside.Take("at")
	}
	switch {
	case at != nil && s.async():
		p.r.At(at, "thread or at, not both", "a step on thread %q runs there", s.Thread)
	case at != nil:
		var names []named
		for _, c := range s.op.contexts {
			names = append(names, named{c.name, uint64(c.code)})
		}
		if code, ok := p.r.readOneOf(at, s.op.name+": at", names); ok {
			s.context = uint16(code)
		}
	case s.async():
	case p.c.Irql != "" && s.Part == OwnSteps && s.allows(p.c.Irql):
		s.context = map[string]uint16{"dispatch": abi.ContextSpin, "dpc": abi.ContextDPC}[p.c.Irql]
	case p.inLoop() && p.loop.parallel > 1:
		// Already on a kernel thread that the driver waits for with a limit.
	case s.op.guard == guardAlways, s.op.guard == guardIfWait && s.waits():
		s.context = abi.ContextGuard
	}
	if at != nil && s.waits() && s.context >= abi.ContextSpin {
		p.r.At(at, "passive or guard", "a capture with a wait needs PASSIVE_LEVEL, and this one is at %s", at.Text)
	}
	if inside != nil {
		p.reportInside(inside, s.op)
	}
}

// reportInside reports what stands in the operation and does not belong there.
func (p *caseParser) reportInside(inside *mapping, op *operation) {
	for _, candidate := range inside.Rest() {
		if name := candidate.Key.Text; slices.Contains(commonNames(), name) {
			inside.Skip(name)
			p.r.At(candidate.Key, fmt.Sprintf("%s beside %s, with the same indent", name, op.name), "%s stands in %s, not beside it", name, op.name)
		}
	}
	inside.Done()
}

// allows reports whether the step may run at an IRQL that its case asks for.
func (s *Step) allows(irql string) bool {
	return !s.waits() && slices.ContainsFunc(s.op.contexts, func(c contextName) bool { return c.name == irql })
}

// waits reports whether the step is a capture that may wait.
func (s *Step) waits() bool { return s.op.guard == guardIfWait && s.args[1] != 0 }

// finish checks the step as a whole and puts it into words.
func (p *caseParser) finish(s *Step, n *node, words *sentence) {
	if s.Misuse {
		p.misuses++
		if !p.c.Misuse {
			p.r.At(n, "misuse: true in the case", "%s misuses WSK, but its case does not say so", s.Op)
		}
	}
	if s.op.settle != nil {
		s.op.settle(p, s)
	}
	p.settleSockets(s)
	p.settleHandles(s, n)
	p.settleLife(s, n)
	if p.entry != nil && (s.executor == byAgent || s.op.outside) {
		p.r.At(n, "a step of the driver's own", "%s can't run in DriverEntry: the agent does that, and only afterwards", s.Op)
	}
	if p.inLoop() && !s.op.loop {
		p.r.At(n, "an operation that may run in a loop", "%s in a loop", s.Op)
	}
	p.proveTaken(s, n)
	conditions := 0
	for _, c := range s.Checks {
		conditions += len(c.conds)
	}
	if conditions > abi.MaxChecks {
		p.r.At(n, "fewer checks: use another inspect", "the step has too many checks")
	}
	switch {
	case s.async():
		words.add("on thread " + s.Thread)
	case s.context == abi.ContextSpin:
		words.add("at DISPATCH_LEVEL under a spin lock")
	case s.context == abi.ContextDPC:
		words.add("in a DPC")
	}
	for _, c := range s.Checks {
		if c.Text != "" && !c.implied {
			words.add(c.Text)
		}
	}
	if b := p.c.batches[s.batch]; !p.inLoop() && b.repeat > 1 {
		words.add(fmt.Sprintf("%d times", b.repeat))
	}
	s.Runs = p.c.batches[s.batch].repeat * p.c.batches[s.batch].parallel
	s.Text = words.String()
	if s.Part != OwnSteps {
		s.Text = string(s.Part) + ": " + s.Text
	}
}

// stepsCalled finds the step of that name, else all of the operation of that name. Where no step has the name, names are what
// each of them goes by.
func stepsCalled(steps []Step, ref string) (found []*Step, names []string) {
	for i := range steps {
		s := &steps[i]
		if s.Name == ref {
			return []*Step{s}, nil
		}
		if s.Op == ref {
			found = append(found, s)
		}
		names = append(names, cmp.Or(s.Name, s.Op))
	}
	return found, names
}

package suites

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
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

// expectation reads expect and record.
func (p *caseParser) expectation(s *Step, m *mapping, body *node) {
	op := s.op
	s.Expect = []winerr.NTStatus{op.expect}
	if n := m.Take(keyRecord); n != nil {
		s.Record = p.record(s, n)
		if s.Record {
			s.Expect = nil
			p.records++
			switch {
			case op.fixed:
				p.r.At(n, "", "%s is a check: there is nothing to record", op.name)
			case s.async():
				p.r.At(n, "record: true beside the join", "the step only starts thread %q", s.Thread)
			case len(s.Checks) > 0:
				p.r.At(body, "no checks, or no record", "a recorded step is not judged, but this one checks %s", s.Checks[0].Name)
			}
		}
	}
	defer p.settleNext(s)
	n := m.Take(keyExpect)
	if n == nil {
		return
	}
	codes, ok := p.r.readStatuses(n, op.name+": expect")
	switch {
	case !ok:
	case op.fixed:
		p.r.At(n, "no expect", "%s has only one outcome that passes", op.name)
	case s.Record:
		p.r.At(n, "either expect or record", "a recorded step is not judged")
	case s.async():
		p.r.At(n, "expect beside the join", "the step only starts thread %q", s.Thread)
	case len(s.Checks) > 0 && !op.always && slices.ContainsFunc(codes, func(c winerr.NTStatus) bool { return !c.Success() && (c.Error() || !op.request) }):
		p.r.At(body, "checks only where success is expected", "%s is not known when %s fails", s.Checks[0].Name, op.name)
	default:
		s.Expect = codes
	}
}

// nextOn reads which statuses end a pass through a loop; whether they go with the others is seen later.
func (p *caseParser) nextOn(s *Step, m *mapping) {
	n := m.Take(keyNextOn)
	if n == nil {
		return
	}
	s.nextAt = n
	if !p.inLoop() {
		p.r.At(n, "expect: with a list", "next_on means nothing outside of a loop")
	}
	items := []*node{n}
	if n.Kind == strictyaml.SequenceKind {
		items = n.Items
	}
	for _, item := range items {
		if item.Kind == strictyaml.ScalarKind && item.Text == wordRefused {
			s.Yields = true
		} else if code, ok := p.r.readStatus(item, s.Op+": next_on"); ok {
			s.Next = append(s.Next, code)
		}
	}
}

// settleNext holds next_on and what the step expects together.
func (p *caseParser) settleNext(s *Step) {
	if s.nextAt == nil {
		return
	}
	switch twice := slices.IndexFunc(s.Next, func(code winerr.NTStatus) bool { return slices.Contains(s.Expect, code) }); {
	case s.Record:
		p.r.At(s.nextAt, "either next_on or record", "a recorded step is not judged")
	case s.op.fixed:
		p.r.At(s.nextAt, "no next_on", "%s has only one outcome that passes", s.op.name)
	case twice >= 0:
		p.r.At(s.nextAt, "each status once", "%s is in both expect and next_on", s.Next[twice].Name())
	case len(s.Expect)+len(s.Next) > abi.MaxExpect:
		p.r.At(s.nextAt, fmt.Sprintf("at most %d statuses", abi.MaxExpect), "expect and next_on have %d statuses together", len(s.Expect)+len(s.Next))
	}
}

// record reads whether a step is only noted, and which of its values with its status; an empty list notes
// nothing at all.
func (p *caseParser) record(s *Step, n *node) bool {
	what := s.op.name + ": record"
	if n.Kind != strictyaml.SequenceKind {
		yes, _ := p.r.Bool(n, what)
		return yes
	}
	var known []string
	for _, v := range s.op.values {
		known = append(known, v.name)
	}
	s.recorded = p.r.readNames(n, what)
	s.silent = len(n.Items) == 0
	for i, name := range s.recorded {
		if !slices.Contains(known, name) {
			p.r.At(n.Items[i], "one of "+strings.Join(known, ", "), "%s reports no %q%s", s.op.name, name, strictyaml.Hint(name, known))
		}
	}
	return true
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

// wordRefused stands for the driver's own refusal in next_on.
const wordRefused = "refused"

// nextWords says what ends a pass: "STATUS_DEVICE_NOT_READY or refused".
func (s *Step) nextWords() string {
	words := make([]string, 0, len(s.Next)+1)
	for _, code := range s.Next {
		words = append(words, code.Name())
	}
	if s.Yields {
		words = append(words, wordRefused)
	}
	return strings.Join(words, " or ")
}

// sentence gathers the words of a step: "capture a, no wait".
type sentence struct{ parts []string }

func (w *sentence) add(text string) { w.parts = append(w.parts, text) }

// object adds a word to the part before: "capture" becomes "capture a".
func (w *sentence) object(text string) { w.parts[len(w.parts)-1] += " " + text }

// socket adds a socket by the role that it has: "accept l", "to c".
func (w *sentence) socket(name string, a argument) {
	if a.name == "socket" {
		w.object(name)
		return
	}
	w.add(a.name + " " + name)
}

func (w *sentence) String() string { return strings.Join(w.parts, ", ") }

// succeeds reports whether STATUS_SUCCESS is all that the step is expected to return.
func (s *Step) succeeds() bool {
	return slices.Equal(s.Expect, []winerr.NTStatus{winerr.StatusSuccess})
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

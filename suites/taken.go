package suites

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
)

// taken is what an earlier step of the case reported, where a number could stand: {from: query, value: high}. It is
// known only in the guest, while the case runs: the driver takes it there, and agent and controller judge by it.
type taken struct {
	step  int // which step's, by its index
	keep  int // under which number that is kept, from 1 on
	value value
	of    string // the step as the suite calls it
}

const (
	keyFrom  = "from"
	keyValue = "value"
)

// wire is WSKT_FROM; 0 where nothing is taken.
func (t *taken) wire() uint16 {
	if t == nil {
		return 0
	}
	return uint16(t.keep)<<8 | t.value.index
}

func (t *taken) String() string { return t.value.name + " of " + t.of }

// number is what was taken; ok is false where the step did not report it.
func (t *taken) number(known map[int][]uint64) (number uint64, ok bool) {
	values := known[t.step]
	if int(t.value.index) >= len(values) {
		return 0, false
	}
	return values[t.value.index], true
}

// takes reports whether what is demanded may be an earlier step's value: of the kinds that are numbers to everyone.
func (f checkForm) takes() bool { return f.part == whole && f.value.takes() }

func (v value) takes() bool {
	return v.kind == valueNumber || v.kind == valueVersion || v.kind == valueBytes
}

func (v value) kindWords() string {
	switch v.kind {
	case valueVersion:
		return "a version"
	case valueBytes:
		return "a size"
	}
	return "a number"
}

// takeArgument reads {from: STEP, value: NAME} for an argument.
func (p *caseParser) takeArgument(s *Step, a argument, n *node, what string, words *sentence) {
	told, ok := s.op.value(a.told)
	if !ok {
		return
	}
	if t := p.take(s, told, n, what); t != nil {
		s.takes, s.takesTo = t, a.slot
		words.add(a.name + " " + t.String())
	}
}

// takeWanted reads the same for what a check demands.
func (p *caseParser) takeWanted(s *Step, f checkForm, n *node, what string, check Check) {
	t := p.take(s, f.value, n, what)
	if t == nil {
		return
	}
	check.Want = f.compared(t.String())
	check.Text = f.subject() + " " + check.Want
	check.form = f
	check.conds = []condition{{value: f.value.index, compare: f.compare, from: t}}
	s.Checks = append(s.Checks, check)
}

// proveTaken has a step, written at n, report what its argument was: the driver could have taken anything.
func (p *caseParser) proveTaken(s *Step, n *node) {
	switch {
	case s.takes == nil:
		return
	case s.async():
		p.r.At(n, "the step without thread:", "%s takes %s, but on thread %q nobody would see what it took", s.Op, s.takes, s.Thread)
		return
	case s.Record:
		p.r.At(n, "the step without record:", "%s takes %s, but nobody would judge what it took", s.Op, s.takes)
		return
	}
	for _, a := range s.op.args {
		if a.told == "" || a.slot != s.takesTo {
			continue
		}
		told, _ := s.op.value(a.told)
		form := checkForm{name: a.name, value: told, compare: abi.EQ}
		s.Checks = append(s.Checks, Check{Name: a.name, Want: s.takes.String(), Text: a.name + " " + s.takes.String(),
			subject: a.name, value: told, form: form, implied: true,
			conds: []condition{{value: told.index, compare: abi.EQ, from: s.takes}}})
	}
}

// take reads {from: STEP, value: NAME}, in place of a value like v.
func (p *caseParser) take(s *Step, v value, n *node, what string) *taken {
	m, ok := p.r.Mapping(n, what)
	if !ok {
		return nil
	}
	m.What = what
	from := m.Need(keyFrom, "from: an earlier step, by its name or its operation")
	name := m.Need(keyValue, "value: what that step reports")
	m.Done()
	if from == nil || name == nil {
		return nil
	}
	source := p.earlier(from, what)
	if source == nil || !p.canTake(s, source, from, what) {
		return nil
	}
	reported, ok := p.reported(source, v, name, what)
	if !ok {
		return nil
	}
	if source.keep == 0 {
		kept := 0
		for i := range p.c.Steps {
			kept = max(kept, p.c.Steps[i].keep)
		}
		if kept == abi.MaxKept {
			p.r.At(from, fmt.Sprintf("values of at most %d steps", abi.MaxKept), "%s takes from one step more than can be kept", what)
			return nil
		}
		source.keep = kept + 1
	}
	return &taken{step: source.Index, keep: source.keep, value: reported, of: from.Text}
}

// earlier finds a step before this one, by its name or by an operation that stands there once.
func (p *caseParser) earlier(n *node, what string) *Step {
	const want = "a step before this one, by its name or its operation"
	if !p.r.Value(n, what+": "+keyFrom, want) {
		return nil
	}
	found, names := stepsCalled(p.c.Steps, n.Text)
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		p.r.At(n, want, "%s: there is no step %s before this one%s", what, n.Describe(), strictyaml.Hint(n.Text, names))
	default:
		p.r.At(n, "the name: of one of them", "%s: there are %d steps %s before this one", what, len(found), n.Text)
	}
	return nil
}

// canTake reports whether what the source reports is sure to be known, and to the driver, when the step runs.
func (p *caseParser) canTake(s, source *Step, n *node, what string) bool {
	b := p.c.batches[source.batch]
	switch {
	case s.op.executor == byAgent:
		p.r.At(n, "a value of its own", "%s: the agent executes %s, and takes nothing from other steps", what, s.Op)
	case source.op.executor == byAgent || source.executor == byAgent:
		p.r.At(n, "a step of the driver's", "%s: the agent executes %s on line %d, and the driver knows nothing of it", what, source.Op, source.Line)
	case source.async():
		p.r.At(n, "a step without thread:", "%s: %s on line %d is only started, on thread %q", what, source.Op, source.Line, source.Thread)
	case source.Record:
		p.r.At(n, "a step that is judged", "%s: %s on line %d is only recorded: it may have failed", what, source.Op, source.Line)
	case b.repeats() || !b.counted():
		p.r.At(n, "a step that runs once", "%s: %s on line %d runs more than once", what, source.Op, source.Line)
	case len(source.Next) > 0 || !allSuccess(source.Expect):
		p.r.At(n, "a step that has to succeed", "%s: %s on line %d may fail, and reports nothing then", what, source.Op, source.Line)
	case source.Index < p.lost:
		p.r.At(n, "a step after that", "%s: what %s on line %d reported went with the driver, on line %d", what, source.Op, source.Line, p.lostAt)
	default:
		return true
	}
	return false
}

func allSuccess(codes []winerr.NTStatus) bool {
	return !slices.ContainsFunc(codes, func(code winerr.NTStatus) bool { return !code.Success() })
}

// reported finds a value of the source that can stand for v.
func (p *caseParser) reported(source *Step, v value, n *node, what string) (value, bool) {
	var names []string
	for _, one := range source.op.values {
		if one.kind == v.kind {
			names = append(names, one.name)
		}
	}
	want := "one of " + strings.Join(names, ", ")
	if len(names) == 0 {
		p.r.At(n, "", "%s: %s reports nothing that is %s", what, source.Op, v.kindWords())
		return value{}, false
	}
	if !p.r.Value(n, what+": "+keyValue, want) {
		return value{}, false
	}
	found, ok := source.op.value(n.Text)
	switch {
	case !ok:
		p.r.At(n, want, "%s: %s reports no %s%s", what, source.Op, n.Describe(), strictyaml.Hint(n.Text, names))
	case found.kind != v.kind:
		p.r.At(n, want, "%s: %s of %s is not %s", what, found.name, source.Op, v.kindWords())
		ok = false
	}
	return found, ok
}

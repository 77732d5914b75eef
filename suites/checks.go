package suites

import (
	"fmt"
	"math"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
)

// checks reads the demands on what the operation reports.
func (p *caseParser) checks(s *Step, m *mapping) {
	if len(m.Rest()) == 0 {
		return // as with most steps, of the hundreds that each command reads
	}
	major, hasMajor := uint64(0), false
	for _, f := range s.op.forms() {
		n := m.Take(f.name)
		if n == nil {
			continue
		}
		what := s.Op + ": " + f.name
		if f.kind() == argExit && n.Kind == strictyaml.SequenceKind && f.compare == abi.EQ && !s.async() {
			p.exits(s, f, n, what)
			continue
		}
		if s.async() {
			instead := "an inspect after the join"
			if s.executor == byAgent {
				instead = f.name + " in the join"
			}
			p.r.At(n, instead, "%s: the step only starts thread %q", what, s.Thread)
			continue
		}
		check := Check{Name: f.name, subject: f.subject(), value: f.value, part: f.part}
		if n.Kind == strictyaml.MappingKind && f.takes() {
			p.takeWanted(s, f, n, what, check)
			continue
		}
		want, words, ok := p.wanted(s, f, n, what)
		if !ok {
			continue
		}
		check.Want, check.Text = words, f.subject()+" "+words
		switch f.part {
		case majorPart:
			major, hasMajor = want, true
			check.conds = []condition{
				{value: f.value.index, compare: abi.GE, want: want << 8},
				{value: f.value.index, compare: abi.LE, want: want<<8 | 0xFF}}
		case minorPart:
			if !hasMajor {
				p.r.At(n, "major beside it", "%s needs major", f.name)
				continue
			}
			check.conds = []condition{{value: f.value.index, compare: f.compare, want: major<<8 | want}}
		default:
			check.conds = []condition{{value: f.value.index, compare: f.compare, want: want}}
		}
		s.Checks = append(s.Checks, check)
	}
}

// wanted reads the value of a check, and puts it into words.
func (p *caseParser) wanted(s *Step, f checkForm, n *node, what string) (want uint64, words string, ok bool) {
	switch f.kind() {
	case argBool:
		var on bool
		if on, ok = p.r.Bool(n, what); on {
			want = 1
		}
	case argVersion:
		want, ok = p.r.readVersion(n, what)
	case argSize:
		want, ok = p.r.readSize(n, what)
	case argExit:
		want, ok = p.exitCode(n, what)
	case argDuration:
		var d time.Duration
		d, ok = p.r.Duration(n, what, p.longest(s))
		want = uint64(d)
	case argStatus:
		var code winerr.NTStatus
		code, ok = p.r.readStatus(n, what)
		want = uint64(code)
	case argName:
		want, ok = p.r.readOneOf(n, what, f.value.names)
	case argSlots:
		want, ok = p.slots(n, what, f.value.names)
	default:
		highest := uint64(math.MaxUint32)
		if f.part != whole {
			highest = 255
		}
		want, ok = p.r.Number(n, what, 0, highest)
	}
	words = f.value.format(want)
	if f.part != whole {
		words = fmt.Sprint(want)
	}
	return want, f.compared(words), ok
}

// compared puts how a value compares with another before that: "at least 1.0".
func (f checkForm) compared(words string) string {
	switch f.compare {
	case abi.GE:
		return "at least " + words
	case abi.LE:
		return "at most " + words
	}
	return words
}

func (p *caseParser) slots(n *node, what string, names []named) (uint64, bool) {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 {
		p.r.At(n, "a list of functions of WSK_PROVIDER_DISPATCH", "%s is %s", what, n.CountOrKind())
		return 0, false
	}
	var bits uint64
	for _, item := range n.Items {
		bit, ok := p.r.readOneOf(item, what, names)
		if !ok {
			return 0, false
		}
		bits |= bit
	}
	return bits, true
}

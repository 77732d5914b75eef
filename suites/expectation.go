package suites

import (
	"fmt"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
)

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

// succeeds reports whether STATUS_SUCCESS is all that the step is expected to return.
func (s *Step) succeeds() bool {
	return slices.Equal(s.Expect, []winerr.NTStatus{winerr.StatusSuccess})
}

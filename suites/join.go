package suites

import (
	"slices"

	"wskharness/driver/abi"
)

// joining is the join of a thread that is at an operation of the agent's: beside what every join reports, it reports
// what that operation does.
func (o *operation) joining(started *operation) *operation {
	if started == nil || started.executor != byAgent || slices.ContainsFunc(started.values, func(v value) bool { return v.index >= abi.PlanValueJoinedCount }) {
		return o
	}
	join := *o
	join.values = slices.Clone(o.values)
	for _, v := range started.values {
		v.index += abi.PlanValueJoined
		join.values = append(join.values, v)
	}
	return &join
}

// joiningAny is the operation itself, or of a join one of whatever thread.
func (o *operation) joiningAny(ops []operation) *operation {
	if o.code != abi.OpJoin {
		return o
	}
	for i := range ops {
		if ops[i].thread {
			o = o.joining(&ops[i])
		}
	}
	return o
}

// demands is what the step's outputs are judged by: of a step on a thread that is known when it is joined. It is nil
// where nothing is written.
func (s *Step) demands() *generic {
	switch {
	case s.Async():
		return nil
	case s.joined != nil:
		return s.joined
	}
	return s.generic
}

// onThread reports, and says, that a demand on outputs stands in a step that only starts a thread.
func (p *caseParser) onThread(s *Step, n *node, key string) bool {
	if s.Async() {
		p.r.At(n, key+" in the join", "%s: %s: the step only starts thread %q", s.op.name, key, s.Thread)
	}
	return s.Async()
}

// joinOutputs reads what a thread's operation has to have written.
func (p *caseParser) joinOutputs(s *Step, given map[string]*node) {
	for _, key := range []string{"out", "stdout", "stderr"} {
		n := given[key]
		switch {
		case n == nil:
			continue
		case s.joined == nil:
			p.r.At(n, "a thread that runs a program, or is at a request to a device", "%s of %s, which writes nothing", key, s.about())
			return
		case s.joined.device != (key == "out"):
			p.r.At(n, "stdout and stderr of a program, out of a device", "%s of %s", key, s.about())
			return
		}
	}
	if s.joined == nil {
		return
	}
	s.joined.listExits(s.Checks)
	all := *s.joined // the step that started the thread has demands of its own
	all.outputs = slices.Clone(all.outputs)
	p.programOutputs(s, &all, given)
	p.deviceOutput(s, &all, given["out"])
	s.joined = &all
}

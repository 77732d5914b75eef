package suites

import (
	"fmt"
	"slices"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/winerr"
)

// threadOperations are the steps about a named thread, and the one that only takes time.
func threadOperations() []operation {
	thread := []value{
		{name: "thread_status", index: abi.ValueThreadStatus, kind: valueStatus, doc: "what the thread's operation returned"},
		{name: "thread_done", index: abi.ValueThreadDone, kind: valueBool, doc: "the thread's operation has returned"},
		{name: "thread_ns", index: abi.ValueThreadNS, kind: valueTime, doc: "how long the thread's operation took"},
	}
	return []operation{
		{name: "blocked", code: abi.OpBlocked, expect: winerr.StatusTimeout, fixed: true, outside: true, values: thread,
			asSeen: "still blocked", wanted: blockedWords, failed: (*judgement).notBlocked,
			doc: "Passes when a thread's operation has not returned for as long as given.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "for", kind: argDuration, slot: 1, required: true, doc: "how long it must stay blocked"}}},
		{name: "join", code: abi.OpJoin, joins: true, outside: true, always: true, values: thread,
			read: (*caseParser).joinOutputs, inTime: joinedWords, failed: (*judgement).programFailed,
			doc: "Waits for a thread's operation; its status is the step's status. Where the agent executes the operation, what that reports can be checked here, too.",
			args: []argument{
				{name: "thread", kind: argThread, required: true, doc: "the thread, as the step that started it called it"},
				{name: "within", kind: argDuration, slot: 1, initial: 10000, doc: "how long to wait for it; 10s unless given"},
				{name: "out", kind: argPattern, doc: "of a request to a device: the output, as in `ioctl`"},
				{name: "stdout", kind: argOutput, doc: "of a program: what it has to have written, as in `run`"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"}}},
		{name: "sleep", code: abi.OpSleep, either: true, loop: true, scalar: "for",
			doc:  "Does nothing for a while; `sleep: 1s` will do.",
			args: []argument{{name: "for", kind: argDuration, required: true, doc: "how long"}}},
	}
}

func blockedWords(s *Step) string {
	return fmt.Sprintf("%s to be blocked for %s", s.about(), strictyaml.ShortDuration(s.wait))
}

func joinedWords(s *Step) string {
	return fmt.Sprintf("%s to return within %s", s.about(), strictyaml.ShortDuration(s.wait))
}

// notBlocked says what the thread's operation returned, and when.
func (j *judgement) notBlocked() string {
	values := j.result.Values
	if j.result.Status != winerr.StatusSuccess || len(values) <= abi.ValueThreadNS {
		return ""
	}
	return fmt.Sprintf("it returned %s after %s", winerr.NTStatus(values[abi.ValueThreadStatus]).String(), elapsed(values[abi.ValueThreadNS]))
}

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
	if !o.joins {
		return o
	}
	for i := range ops {
		if ops[i].thread {
			o = o.joining(&ops[i])
		}
	}
	return o
}

// joinOutputs reads what a thread's operation has to have written.
func (p *caseParser) joinOutputs(in stepReading) {
	s, given := in.step, in.given
	for _, key := range []string{"out", "stdout", "stderr"} {
		n := given[key]
		switch {
		case n == nil:
			continue
		case s.joined == nil:
			p.r.At(n, "a thread that runs a program, or is at a request to a device", "%s is demanded of %s, which writes nothing", key, s.about())
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

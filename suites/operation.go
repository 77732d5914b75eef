package suites

import (
	"time"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

// operation describes one kind of step. The table of operations is the single source of what a
// step may say: the loader validates with it, the compiler encodes with it, and the JSON Schema
// and the reference are written from it.
type operation struct {
	name   string
	code   uint32
	doc    string
	args   []argument
	values []value

	contexts []contextName // where it may run; the first is the default. nil: atPassive
	guard    guardRule
	thread   bool            // may be started on a named thread
	loop     bool            // may run in a loop, and be repeated
	expect   winerr.NTStatus // what it returns when all is well
	fixed    bool            // expect is the only status it can be asked to return
	scalar   string          // the argument that may stand alone, without a mapping around it
	misuse   bool            // can corrupt or stop a machine whatever its arguments
	always   bool            // its values are known whatever it returns
	socket   bool            // its status is an IRP's: Arg[4] has options, Arg[5] how long to wait for it
	requires string          // a capability that a case with this step requires, without saying so

	variant []string // not empty: it is the operation of this name where one of these arguments is given
	request bool     // it is a request to a device

	executor executor
	either   bool          // whoever runs the steps around it does: the driver or the agent
	life     life          // what it does to the driver as a whole
	needs    bool          // of the agent's: the driver has to be loaded for it
	starts   bool          // may have steps that DriverEntry runs
	outside  bool          // can't be one of those: the agent does it, and only afterwards
	joins    bool          // it ends what was started on a thread, and reports what that reports
	timeout  time.Duration // after which it counts as hung, beyond what it waits by its own word; 0: as every other
	longest  time.Duration // that it may take, or be waited for; 0: maxStepTime

	// What the table can't say of it; nil, or empty, where there is nothing.

	read        func(*caseParser, stepReading)                             // reads what is left, when all arguments and checks are read
	client      func(p *caseParser, name string, at *node, s *Step) uint64 // what becomes of its client; nil: that is used
	settle      func(*caseParser, *Step)                                   // follows what the step comes to, when its expectation is read
	asSeen      string                                                     // what it has to come to, for people; empty: its statuses
	wanted      func(*Step) string                                         // likewise, in the message of a deviation
	inTime      func(*Step) string                                         // what has to happen before its time is up; nil: that it returns
	failed      func(*judgement) string                                    // what became of it that did not return as expected; "": the status says it
	unjudged    func(*Step, StepResult) string                             // which check was not judged, and why; "": all were
	sample      func(*Step) bool                                           // whether only the sample can do it; nil: where the driver does it
	sampleCheck func(*Step, Check) bool                                    // whether only the sample can answer that
}

// stepReading is a step that is being read: where it is written, which arguments it has, and the words that it is put into.
type stepReading struct {
	step  *Step
	body  *node
	given map[string]*node
	words *sentence
}

// contextName is a value of `at:`.
type contextName struct {
	name string
	code uint16
	doc  string
}

func atPassive() contextName {
	return contextName{"passive", abi.ContextCaller, "PASSIVE_LEVEL, on the thread that runs the case"}
}

func atGuard() contextName {
	return contextName{"guard", abi.ContextGuard, "PASSIVE_LEVEL, on a thread that is waited for with a limit"}
}

func atDispatch() contextName {
	return contextName{"dispatch", abi.ContextSpin, "DISPATCH_LEVEL, under a spin lock"}
}

func atDPC() contextName {
	return contextName{"dpc", abi.ContextDPC, "DISPATCH_LEVEL, in a deferred procedure call"}
}

// guardRule says when an operation runs on a guard thread unless the step says otherwise: a call
// that can block must never take the thread that watches over it.
type guardRule int

const (
	guardNever guardRule = iota
	guardAlways
	guardIfWait // a capture with a wait
)

func (o *operation) forms() []checkForm {
	var forms []checkForm
	for _, v := range o.values {
		forms = append(forms, v.forms()...)
	}
	return forms
}

func (o *operation) value(name string) (value, bool) {
	for _, v := range o.values {
		if v.name == name {
			return v, true
		}
	}
	return value{}, false
}

// keys lists what may stand inside the step's mapping.
func (o *operation) keys() []string {
	var keys []string
	for _, a := range o.args {
		keys = append(keys, a.name)
	}
	if o.thread {
		keys = append(keys, "thread")
	}
	if o.starts {
		keys = append(keys, entryKey)
	}
	if len(o.contexts) > 1 {
		keys = append(keys, "at")
	}
	for _, f := range o.forms() {
		keys = append(keys, f.name)
	}
	return keys
}

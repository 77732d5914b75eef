package suites

import (
	"time"

	"wskharness/driver/abi"
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

	contexts []contextName // where it may run; the first is the default
	guard    guardRule
	thread   bool   // may be started on a named thread
	loop     bool   // may run in a loop, and be repeated
	expect   uint32 // what it returns when all is well
	fixed    bool   // expect is the only status it can be asked to return
	scalar   string // the argument that may stand alone, without a mapping around it
	misuse   bool   // can corrupt or stop a machine whatever its arguments
	always   bool   // its values are known whatever it returns
	socket   bool   // its status is an IRP's: Arg[4] has options, Arg[5] how long to wait for it
	requires string // a capability that a case with this step requires, without saying so

	variant []string // not empty: it is the operation of this name where one of these arguments is given
	request bool     // it is a request to a device

	executor executor
	life     life          // what it does to the driver as a whole
	needs    bool          // of the agent's: the driver has to be loaded for it
	starts   bool          // may have steps that DriverEntry runs
	patience time.Duration // after which it counts as hung, unless the step says; 0: as every other
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

type argKind int

const (
	argBool argKind = iota
	argNumber
	argVersion
	argWait
	argDuration
	argSize
	argClient
	argClients
	argThread
	argName // one of names
	argNumbers
	argSlots
	argStatus
	argSocket   // a socket in use
	argMaking   // a socket that the step makes, unless it fails
	argSwitch   // true or false, both of which say something
	argVersions // [lowest, highest], in two slots

	// Of generic steps, which read these themselves (generic.go).
	argText
	argTexts
	argData    // {hex: 00 ff} and the like
	argPattern // likewise, with digits left open, or what is in it
	argControlCode
	argHandle   // a handle in use
	argOpening  // a handle that the step makes
	argLocal    // a file here
	argPath     // a path in the guest
	argFileName // a plain name
	argOutput   // {equals: …, contains: …, matches: …}
	argEnv      // {NAME: value}
	argInput    // {text: …}, {hex: …} or {file: …}
	argRegistry // a value of the registry
	argRegName  // its name, which may be empty
	argTags     // a list of pool tags
	argExit     // an exit code, or a list of them
)

// argument is a key inside a step.
type argument struct {
	name     string
	doc      string
	kind     argKind
	slot     int    // which WSKT_STEP.Arg it goes to
	shift    uint   // of names, numbers and sockets: by how many bits to the left
	plus     uint64 // of sockets and durations: added to the index or the milliseconds, where 0 means none
	flag     uint64 // of an argBool: the bit that it sets there
	off      string // of an argSwitch: the word before its name when it is false
	required bool
	misuse   bool
	max      uint64 // of numbers
	initial  uint64 // when the key is absent
	names    []named
	hex      bool   // a number that people write as 0x…
	requires string // a capability that a case with it requires, without saying so
	told     string // the value in which the operation reports what the argument was; it may be an earlier step's then
}

type named struct {
	name string
	code uint64
}

type valueKind int

const (
	valueNumber valueKind = iota
	valueBool
	valueVersion // major << 8 | minor
	valueSlots
	valueStatus
	valueName // one of names
	valueBytes
	valueTime // nanoseconds; reported, not checked
	valueSpan // nanoseconds; checked as durations
	valueExit // an exit code of a program; checked as a number, or as one of a list
)

// value is one number that an operation reports (WSKT_RESULT.Value), under the name by which
// checks, known issues and messages call it.
type value struct {
	name  string
	doc   string
	index uint16
	kind  valueKind
	names []named
	parts bool // of a version: may also be checked as major and minor
	held  bool // known only while something is captured
	cause bool // of a status: why the operation's other values are as they are, where it is a failure
	given bool // what an argument of the same name was: there is nothing to check
}

// dispatchSlots are the functions of WSK_PROVIDER_DISPATCH in order (WSK_PROVIDER_DISPATCH in the
// WDK reference); the last three came with Windows 7.
func dispatchSlots() []named {
	return []named{
		{"WskSocket", 1 << 0},
		{"WskSocketConnect", 1 << 1},
		{"WskControlClient", 1 << 2},
		{"WskGetAddressInfo", 1 << 3},
		{"WskFreeAddressInfo", 1 << 4},
		{"WskGetNameInfo", 1 << 5},
	}
}

// blocks are the states in which a registration block is handed to WskRegister.
func blocks() []named {
	return []named{{"as_left", 0}, {"zeroed", abi.RegZeroedBlock}, {"filled", abi.RegFilledBlock}}
}

func phases() []named {
	return []named{
		{"inactive", abi.PhaseInactive},
		{"starting", abi.PhaseStarting},
		{"listening", abi.PhaseListening},
		{"failed", abi.PhaseFailed},
		{"stopping", abi.PhaseStopping},
	}
}

// checkForm is a way to check a value: a key inside a step, beside the arguments.
type checkForm struct {
	name    string
	doc     string
	value   value
	compare uint16
	part    versionPart
}

type versionPart int

const (
	whole versionPart = iota
	majorPart
	minorPart
)

// forms lists the checks that a value offers.
func (v value) forms() []checkForm {
	exact := checkForm{name: v.name, doc: v.doc, value: v, compare: abi.EQ}
	atLeast := checkForm{name: v.name + "_at_least", doc: v.doc, value: v, compare: abi.GE}
	atMost := checkForm{name: v.name + "_at_most", doc: v.doc, value: v, compare: abi.LE}
	if v.given {
		return nil
	}
	switch v.kind {
	case valueTime:
		return nil
	case valueBool, valueStatus, valueName:
		return []checkForm{exact}
	case valueSlots:
		exact.compare = abi.Has
		return []checkForm{exact}
	case valueBytes, valueSpan:
		return []checkForm{atMost, atLeast}
	case valueVersion:
		forms := []checkForm{exact, atLeast, atMost}
		if v.parts {
			forms = append(forms,
				checkForm{"major", "major number of the version", v, abi.EQ, majorPart},
				checkForm{"minor", "minor number of the version; needs major", v, abi.EQ, minorPart},
				checkForm{"minor_at_least", "minor number of the version; needs major", v, abi.GE, minorPart})
		}
		return forms
	default:
		return []checkForm{exact, atLeast, atMost}
	}
}

// subject is what the check is about: a value, or a part of one.
func (f checkForm) subject() string {
	switch f.part {
	case majorPart:
		return "major"
	case minorPart:
		return "minor"
	}
	return f.value.name
}

func (f checkForm) kind() argKind {
	switch {
	case f.part != whole:
		return argNumber
	case f.value.kind == valueBool:
		return argBool
	case f.value.kind == valueVersion:
		return argVersion
	case f.value.kind == valueSlots:
		return argSlots
	case f.value.kind == valueStatus:
		return argStatus
	case f.value.kind == valueName:
		return argName
	case f.value.kind == valueBytes:
		return argSize
	case f.value.kind == valueSpan:
		return argDuration
	case f.value.kind == valueExit:
		return argExit
	}
	return argNumber
}

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

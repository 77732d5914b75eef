package suites

import "wskharness/driver/abi"

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

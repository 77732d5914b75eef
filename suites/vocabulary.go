package suites

import (
	"slices"
	"strings"
)

// vocabulary is the table of operations, ready for look-ups.
type vocabulary struct {
	ops    []operation
	byName map[string]*operation
}

func newVocabulary() *vocabulary {
	v := &vocabulary{ops: operations(), byName: map[string]*operation{}}
	for i := range v.ops {
		if len(v.ops[i].variant) == 0 || v.byName[v.ops[i].name] == nil {
			v.byName[v.ops[i].name] = &v.ops[i]
		}
	}
	return v
}

// find is the operation of a step: of several with one name the one whose arguments are given.
func (v *vocabulary) find(name string, body *node) *operation {
	for i := range v.ops {
		op := &v.ops[i]
		if op.name == name && slices.ContainsFunc(op.variant, func(key string) bool { return body.Get(key) != nil }) {
			return op
		}
	}
	return v.byName[name]
}

// names lists what a step may be, loop included.
func (v *vocabulary) names() []string {
	var names []string
	for _, o := range v.ops {
		if !slices.Contains(names, o.name) {
			names = append(names, o.name)
		}
	}
	return append(names, loopKey)
}

func (v *vocabulary) list() string { return strings.Join(v.names(), ", ") }

const (
	loopKey  = "loop"
	entryKey = "steps" // inside a step that starts the driver: what DriverEntry does
)

// commonKey is a key that stands beside the operation of a step.
type commonKey struct {
	name string
	doc  string
}

const (
	keyName    = "name"
	keyExpect  = "expect"
	keyRecord  = "record"
	keyNextOn  = "next_on"
	keyWithin  = "within"
	keyAtLeast = "at_least"
	keyTimeout = "timeout"
	keyRepeat  = "repeat"
	keyMisuse  = "misuse"
)

func commonKeys() []commonKey {
	return []commonKey{
		{keyName, "a name for the step, by which known issues and reports can call it"},
		{keyExpect, "the status that must come back, or a list of those that may; STATUS_SUCCESS unless given"},
		{keyRecord, "true: note the status, don't judge it; a list of values: note them, too; an empty list: note nothing, to tidy up after such a step"},
		{keyNextOn, "in a loop: a status, or a list, that is as good, but ends this pass through the steps; `refused` is the driver's own word that a client's or a socket's state does not allow the call"},
		{keyWithin, "the call must return within this time"},
		{keyAtLeast, "the call must take at least this time"},
		{keyTimeout, "after this time the call counts as hung; its own wait and 5s unless given"},
		{keyRepeat, "how often to run the step, 1 unless given"},
		{keyMisuse, "true: the step does what the documentation forbids; only in a case with misuse: true"},
	}
}

func commonNames() []string {
	var names []string
	for _, k := range commonKeys() {
		names = append(names, k.name)
	}
	return names
}

package suites

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
	closes   bool   // of sockets and handles: it is gone after the step
	closed   bool   // of sockets: it may be closed, and what was left pending then is meant
	told     string // the value in which the operation reports what the argument was; it may be an earlier step's then
}

type named struct {
	name string
	code uint64
}

package suites

import (
	"time"

	"wskharness/driver/abi"
	"wskharness/suites/parameters"
	"wskharness/winerr"
)

// Catalog is everything that was loaded, in the order of the files and of the cases in them.
type Catalog struct {
	Suites []*Suite
	known  []*KnownIssue
}

// Suite is a named set of cases that are about one subject.
type Suite struct {
	Name  string
	Doc   string
	Cases []*Case
	File  string
	Line  int

	verifier *Verifier // of its cases that say nothing else
}

// Basis says why a case expects what it expects.
type Basis string

const (
	Documented Basis = "documented" // the WDK reference promises it
	WineTest   Basis = "wine-test"  // Wine's driver tests report it of Windows
	Recorded   Basis = "recorded"   // nothing promises it: noted, not judged
)

// Case is one test. It is immutable after Load, and safe to share.
type Case struct {
	Suite    string
	ID       string // with its parameters, where it has some: waits[version=1.0]
	Doc      string // the rule that the case checks, as a sentence
	Source   string // where the rule is written, such as nf-wsk-wskregister
	Basis    Basis
	Tags     []string
	Timeout  time.Duration // for its set-up and its steps
	TearDown time.Duration // for its tear-down, beyond Timeout; 0 where it has none
	Requires []string      // capabilities that a guest must have for it
	Verifier *Verifier     // what Driver Verifier has to be at meanwhile; nil: nothing
	Misuse   bool          // can corrupt a machine: runs only when named
	Repeat   int           // how often each thread runs the steps, at least 1
	Parallel int           // how many threads do, at least 1
	Irql     string        // "", "dispatch" or "dpc": where steps run that may run there
	Steps    []Step
	File     string
	Line     int
	Role     Role // what it is to its suite

	once    once                   // what its suite does once
	family  string                 // the id as written, which all combinations of its parameters share
	params  []parameters.Parameter // those that are in the id
	batches []batch
	clients []string // by index
	sockets []string // likewise
	handles []string
}

// Name is how a case is called everywhere: suite.case.
func (c *Case) Name() string { return c.Suite + "." + c.ID }

// Longest is how long the case may take in all.
func (c *Case) Longest() time.Duration { return c.Timeout + c.TearDown }

// Step is one operation or check of a case. Its Index is the one by which the agent's journal
// calls it: it counts from 0 through the case, loops included.
type Step struct {
	Index   int
	Op      string            // such as "capture"
	Name    string            // given in the suite; empty for most
	Text    string            // the step in words: "capture a, no wait"
	Record  bool              // note the status, don't judge it
	Misuse  bool              // does what the documentation forbids
	Expect  []winerr.NTStatus // statuses that pass; empty with Record
	Checks  []Check
	Timeout time.Duration     // after which the step counts as hung
	Thread  string            // the named thread that it is started on; empty: waited for
	Runs    int               // how often it runs in all when everything passes; 0: time or chance decide, and at least once
	Next    []winerr.NTStatus // in a loop: statuses that are as good, but end the pass through its steps
	Yields  bool              // in a loop: where the driver refuses it, that ends the pass, too, and does not count
	Line    int
	Part    Part

	op       *operation
	executor executor
	client   string   // of steps about a client
	target   string   // of steps about a thread
	makes    []string // sockets that there are after it
	closes   string   // a socket that is gone after it
	recorded []string // names of the values that are noted with the status
	silent   bool     // neither judged nor noted: it tidies up after a step that was only noted
	context  uint16
	thread   uint16 // index + 1
	args     [abi.MaxArgs]uint64
	wait     time.Duration // how long the step may take by its own word
	nextAt   *node         // where next_on is written
	batch    int
	group    uint16 // of its batch, where that has some
	weight   uint16 // of that, in its first step
	generic  *generic
	poolTags []string // of reload: whose pool is looked at
	opens    string   // a handle that there is after it
	shuts    string   // a handle that is gone after it
	joined   *generic // of a join: that of the step that began what is joined
	keep     int      // later steps take what it reports, under this number; 0: none does
	takes    *taken   // what one of its arguments is
	takesTo  int      // which of args
}

// Part is where in its case a step stands.
type Part string

const (
	OwnSteps Part = "" // the steps of the case itself
	SetUp    Part = "set-up"
	TearDown Part = "tear-down"    // runs whatever became of the steps before
	Health   Part = "health check" // likewise, behind all of that: whether what was tested is as it has to be for the next case
)

// After reports whether steps of this part run whatever became of those before, in a time of their own.
func (p Part) After() bool { return p == TearDown || p == Health }

// Reboots reports whether the guest reboots in the step, and the run goes on after that.
func (s *Step) Reboots() bool { return s.op.life&lifeReboots != 0 }

// ManagesDriver reports whether the driver is started or stopped for the step.
func (s *Step) ManagesDriver() bool { return s.op.life != 0 }

// async reports whether the step only starts its operation, on a named thread.
func (s *Step) async() bool { return s.Thread != "" }

// Check is a demand on what a step reports.
type Check struct {
	Name string // as in the suite: "major", "within"
	Want string // in words: "1", "at least 200ms"
	Text string // both: "major 1", "minor at least 0", "within 1s"

	subject string
	value   value
	part    versionPart
	form    checkForm // of one whose demand an earlier step reports
	implied bool      // said by an argument, and not once more
	conds   []condition
	oneOf   []uint64 // the value has to be one of these; empty: only conds say what it has to be
	inGuest bool     // the outputs are judged here, too, and say more
}

type condition struct {
	value   uint16
	compare uint16
	want    uint64
	from    *taken // not nil: what an earlier step reports is wanted
}

// CapabilityDoc says what a capability that a case may require means, or "" for one that the
// builtin suites don't use.
func CapabilityDoc(name string) string {
	switch name {
	case CapabilityQuery:
		return "a WSK provider whose WskQueryProviderCharacteristics works"
	case CapabilityRundown:
		return "a WSK provider whose WskDeregister waits for captures and fails those that come later"
	case CapabilitySocketRaces:
		return "a WSK provider whose sockets may be closed while calls on them are pending or complete; Wine's own may fault then, or close a handle twice"
	case "verifier":
		return "a machine on which Driver Verifier is at work"
	case CapabilityEventLog:
		return "the event log of Windows"
	case CapabilityProviderControl:
		return "a WSK provider that provider steps can control: netio: model of a wine target, or one of your own with control: true"
	}
	return ""
}

// Capabilities that cases may require: names that guests and suites have to agree on.
const (
	CapabilityQuery           = "wsk-query"
	CapabilityRundown         = "wsk-rundown"
	CapabilitySocketRaces     = "wsk-socket-races"
	CapabilityProviderControl = "provider-control" // implied by provider and provider_state
	CapabilityEventLog        = "event-log"        // implied by event_log
)

// Capabilities are all that a case may require: those above, and what the facts of a guest tell by themselves. A case that
// required any other would be skipped everywhere.
func Capabilities() []string {
	return []string{
		CapabilityQuery, CapabilityRundown, CapabilitySocketRaces, "verifier", CapabilityProviderControl, CapabilityEventLog,
		"windows", "wine", "x64", "admin", "irql", "signatures", "test-signing", "hvci", "secure-boot",
	}
}

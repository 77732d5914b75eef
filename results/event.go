package results

import "time"

// Kind says what an event is about, and with that which of its parts are there.
type Kind string

const (
	KindRunStarted   Kind = "run-started"    // Run; always the first event, and only that
	KindRunResumed   Kind = "run-resumed"    // Notice (optional); the run goes on under a new controller
	KindTargetPhase  Kind = "target-phase"   // Target (empty: of the run as a whole, as the build is), Phase
	KindTargetFacts  Kind = "target-facts"   // Target, Guest
	KindPackage      Kind = "package"        // Package
	KindDriverRun    Kind = "driver-run"     // Target, DriverRun
	KindCaseStarted  Kind = "case-started"   // Target, Case, Attempt
	KindStep         Kind = "step"           // Target, Case, Attempt, Step
	KindCaseFinished Kind = "case-finished"  // Target, Case, Attempt, Verdict
	KindReplanned    Kind = "case-replanned" // Target, Case, Attempt, Notice: why; an attempt without verdict is void
	KindEvidence     Kind = "evidence"       // Target, Evidence; Case and Attempt where it is theirs
	KindNotice       Kind = "notice"         // Notice; Target and Case where it is theirs
	KindRunFinished  Kind = "run-finished"   // Finish
)

// Format is the version of the journal's layout. Within one version fields are only added. Since 2 a pass counts only
// with the clean end of the driver run that it rests on; since 3 a guest has fields, and not a text.
const Format = 3

// Event is one line of the journal.
type Event struct {
	Seq  uint64    `json:"seq"` // from 1, without gaps; given by the journal
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`

	Target  string `json:"target,omitempty"`
	Case    string `json:"case,omitempty"`    // suite.case
	Attempt int    `json:"attempt,omitempty"` // from 1, per target and case

	Run       *Run       `json:"run,omitempty"`
	Phase     *Phase     `json:"phase,omitempty"`
	Guest     *Guest     `json:"guest,omitempty"`
	Package   *Package   `json:"package,omitempty"`
	DriverRun *DriverRun `json:"driverRun,omitempty"`
	Step      *Step      `json:"step,omitempty"`
	Verdict   *Verdict   `json:"verdict,omitempty"`
	Evidence  *Evidence  `json:"evidence,omitempty"`
	Notice    *Notice    `json:"notice,omitempty"`
	Finish    *Finish    `json:"finish,omitempty"`
}

// Run is what is known of a run before it starts.
type Run struct {
	Format    int          `json:"format"` // filled in by the journal
	ID        string       `json:"id"`
	Version   string       `json:"version"`             // of wskharness
	Command   string       `json:"command"`             // the command line, quoted for a shell
	Selection string       `json:"selection,omitempty"` // as the user gave it
	Seed      uint64       `json:"seed,omitempty"`      // of all that is left to chance; 0: nothing is
	Shuffled  bool         `json:"shuffled,omitempty"`  // so is the order of the cases
	Host      string       `json:"host,omitempty"`      // the controller's
	System    string       `json:"system,omitempty"`    // that the controller ran on: "Debian GNU/Linux 12 (bookworm), Linux 6.1.0, amd64"
	Go        string       `json:"go,omitempty"`        // what it was built with: go1.26.0
	Policy    Policy       `json:"policy,omitzero"`
	Plan      []PlanTarget `json:"plan"`
}

// PlanTarget is what shall run on one target, in order.
type PlanTarget struct {
	Name string `json:"name"`
	// Guest is what the target is expected to be, as far as that is known without asking
	// it. The facts and verdicts that follow are more exact.
	Guest  Guest      `json:"guest,omitzero"`
	Repeat int        `json:"repeat,omitempty"` // attempts of each case; 0 means 1
	Cases  []PlanCase `json:"cases"`
}

// PlanCase is one case of the plan.
type PlanCase struct {
	Name   string   `json:"name"` // suite.case
	Doc    string   `json:"doc,omitempty"`
	Source string   `json:"source,omitempty"` // the documentation that it is taken from
	Tags   []string `json:"tags,omitempty"`
	Basis  Basis    `json:"basis,omitempty"`
}

// Basis says on what ground a case judges.
type Basis string

const (
	Documented Basis = "documented" // the public documentation says so
	Observed   Basis = "observed"   // Windows is reported to do so
	Recorded   Basis = "recorded"   // nothing is judged: what happens is noted
)

// The phases of a target's part in a run. Phases may come again: a guest that crashed is reverted
// and deployed to anew. Build is of the run as a whole, and goes on beside them.
const (
	PhaseBuild    = "build"
	PhaseAcquire  = "acquire"
	PhaseConnect  = "connect"
	PhaseDeploy   = "deploy"
	PhaseVerifier = "verifier"
	PhaseCases    = "cases"
	PhaseRevert   = "revert"
	PhaseClean    = "clean"
	PhaseRelease  = "release"
)

// Phase tells of a phase's start or end.
type Phase struct {
	Name    string        `json:"name"`
	State   PhaseState    `json:"state"`
	Elapsed time.Duration `json:"elapsedNs,omitempty"` // when done or failed
	Detail  string        `json:"detail,omitempty"`    // a few words: "4 files, 312 KiB"
	Kept    string        `json:"kept,omitempty"`      // of a release that left the guest up: its name, for `run --on` and `vm down`
	Error   string        `json:"error,omitempty"`     // when failed: what was attempted, on what, why, what to do
}

// PhaseState is where a phase has got to.
type PhaseState string

const (
	PhaseStarted PhaseState = "started"
	PhaseDone    PhaseState = "done"
	PhaseFailed  PhaseState = "failed" // infrastructure: the exit code will say so
)

// BuiltElsewhere stands in the place of a driver's toolchain where it was ready when the run began.
const BuiltElsewhere = "built elsewhere"

// Package is the driver that is tested.
type Package struct {
	File      string `json:"file"`
	SHA256    string `json:"sha256"`              // lower-case hexadecimal, of the signed file
	Size      int64  `json:"size"`                // bytes
	Toolchain string `json:"toolchain,omitempty"` // what built it, or BuiltElsewhere
	Signer    string `json:"signer,omitempty"`
	Cached    bool   `json:"cached,omitempty"` // nothing had to be built
}

// DriverRun tells of one run of the driver on a target: from its start in the guest to its end. Whatever passed in it is
// proven only by its clean end.
type DriverRun struct {
	N     int            `json:"n"` // from 1, on its target
	State DriverRunState `json:"state"`
	Boot  string         `json:"boot,omitempty"`  // when started: the boot id of the guest that it was given to
	Clean bool           `json:"clean,omitempty"` // when ended: the driver was unloaded, or left, as it should be, and the guest said so
	Why   string         `json:"why,omitempty"`   // when ended, and not clean: why nothing of it is proven
}

// DriverRunState is where a driver run has got to.
type DriverRunState string

const (
	DriverStarted DriverRunState = "started" // the guest was given it
	DriverEnded   DriverRunState = "ended"
)

// Evidence is something that explains an outcome: a fault, a dump, a log. It comes before the
// verdict that it explains, or after.
type Evidence struct {
	Kind   string `json:"kind"`             // fault, dump, memory, event-log, console; of a hang: hang, under-way, forced-dump
	File   string `json:"file,omitempty"`   // slash-separated, relative to the run folder
	SHA256 string `json:"sha256,omitempty"` // lower-case hexadecimal
	Size   int64  `json:"size,omitempty"`   // bytes
	Text   string `json:"text,omitempty"`   // "Unhandled page fault on write access to …"
	Module string `json:"module,omitempty"` // where it happened …
	Offset uint64 `json:"offset,omitempty"` // … bytes from the module's start
	Source string `json:"source,omitempty"` // … and where that is in the sources: "DoFault (driver/probe/fault.c:42)"
	// Signature is the same for the same crash, in whichever case, target or run: "0xD1 wsksample.sys+0x1a2c".
	Signature string `json:"signature,omitempty"`
}

// Notice is a remark for the reader.
type Notice struct {
	Level Level  `json:"level,omitempty"`
	Text  string `json:"text"`
}

// Level is how much a notice matters.
type Level string

const (
	Info    Level = "info"
	Warning Level = "warning"
	// Progress is what is being done that takes long: for whoever waits, and of no interest afterwards.
	Progress Level = "progress"
)

// Finish is how a run ended.
type Finish struct {
	Reason Reason `json:"reason"`
	Error  string `json:"error,omitempty"` // with Failed and NotBuilt
}

// Reason is why a run ended. A record without one was left by a controller that was killed.
type Reason string

const (
	Done        Reason = "done"        // all that was planned was attempted
	Interrupted Reason = "interrupted" // the user ended it
	NotBuilt    Reason = "not-built"   // building or signing failed: there was nothing to test with
	Failed      Reason = "failed"      // the harness itself could not go on
)

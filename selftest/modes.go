package selftest

import (
	"context"
	"maps"
	"time"

	"wskharness/results"
)

// mode is one way to misbehave, and what a run has to call it.
type mode struct {
	name string
	doc  string

	cases   []string      // of the suite selftest, in their order
	defect  string        // that the sample is built with; empty: none
	crashes bool          // the machine does by itself: somebody has to tell of it
	quick   time.Duration // the harness's own limits, where nothing but one of them ends the mode; 0: as ever

	// phase is where the driver run is disturbed; nil: nobody disturbs it.
	phase *phase
	// disturb does something to the machine while the phase is under way: that waits until it is let go. It returns a
	// reason to skip the mode where the machine can't do that.
	disturb func(ctx context.Context, s stage) (skip string, err error)
	cuts    bool // the disturbance ends the phase, which waits for nothing else
	holds   bool // the disturbance lasts until the phase's case is judged, and the run goes on behind it

	want    map[string]verdict // by case
	notices []string           // words of notices that there have to be: what happened was not missed
}

// verdict is what is expected of a case: its outcome, and words of its reason and evidence.
type verdict struct {
	outcome results.Outcome
	words   []string
}

// quickLimit is what a limit of the harness's own is made where the mode waits for it.
const quickLimit = 4 * time.Second

var well = verdict{outcome: results.Pass}

// allModes are all that the selftest does. Cases that come after the misbehaviour have to run all the same.
func allModes() []mode {
	one := func(name string, outcome results.Outcome, words ...string) map[string]verdict {
		return map[string]verdict{"selftest." + name: {outcome, words}, "selftest.well": well}
	}
	mid := midCase("waits")
	all := []mode{
		{name: "failing-step", doc: "a step that is not as declared", cases: []string{"fails", "well"},
			want: one("fails", results.Fail, "STATUS_INVALID_PARAMETER", "STATUS_SUCCESS")},
		{name: "ioctl-hang", doc: "a request that does not come back", cases: []string{"hangs", "well"}, defect: "OVERSTAYS",
			want: one("hangs", results.Hang, "step 1 of selftest.hangs (fault, hang", "kernel thread", "1 × thread with a call that has not returned")},
		{name: "capture-kept", doc: "a capture that is never released", cases: []string{"keeps", "well"}, defect: "NO_RELEASE",
			want: one("keeps", results.Fail, "provider capture not released")},
		{name: "page-fault", crashes: true, doc: "the driver faults", cases: []string{"page_fault", "well"},
			want: one("page_fault", results.Bugcheck, "wsksample.sys+0x", "DoFault", "signature")},
		{name: "bugcheck", crashes: true, doc: "KeBugCheckEx with known parameters", cases: []string{"bugcheck", "well"},
			want: one("bugcheck", results.Bugcheck, "0x000000E2", "0x11, 0x22, 0x33, 0x44")},
		{name: "endless-output", doc: "a command in the guest prints for ever", cases: mid.cases, phase: mid, disturb: flood,
			want: one("waits", results.Pass)},
		{name: "disk-full", doc: "the guest's disk fills up in mid-case", cases: []string{"well", "writes", "after"}, phase: midCase("writes"), disturb: fillDisk, holds: true,
			want: map[string]verdict{"selftest.well": well, "selftest.writes": {results.Error, []string{"could not write its journal", "112", "the disk of", "is full"}}, "selftest.after": well}},
		{name: "wrong-clock", doc: "the guest's clock goes wrong in mid-case, and right again", cases: mid.cases, phase: mid, disturb: shiftClock, holds: true,
			want: one("waits", results.Pass)},
	}
	for _, p := range phases() {
		for _, d := range disturbances() {
			all = append(all, p.disturbedBy(d)...)
		}
	}
	return all
}

// disturbance is what can be done to a driver run, whichever phase it is in.
type disturbance struct {
	name, doc string
	do        func(ctx context.Context, s stage) (skip string, err error)
	cuts      bool
	outcome   results.Outcome // of what is to blame for the end of the driver run; pass: it goes on
	words     []string        // of its reason
	notice    string
}

func disturbances() []disturbance {
	return []disturbance{
		// A driver that dwells is let go: it would hold up the reboot of a machine that has nothing else to be trusted again.
		{name: "agent-killed", doc: "the agent is killed", do: killAgent,
			outcome: results.Lost, words: []string{"in the same boot"}},
		{name: "host-killed", doc: "the process that hosts the driver is killed", do: killHost, cuts: true,
			outcome: results.Bugcheck, words: []string{"0x0000042B"}},
		{name: "reboot", doc: "the machine reboots", do: reboot, cuts: true,
			outcome: results.Lost, words: []string{"rebooted unexpectedly"}},
		{name: "winrm-away", doc: "the WinRM service goes away and returns", do: unplug,
			outcome: results.Pass, notice: "contact with the guest was lost, and restored"},
		{name: "hang", doc: "nothing comes back", do: leave, cuts: true, outcome: results.Hang},
	}
}

// phase is a part of a driver run in which it can be disturbed: whoever is at work there waits until it is let go.
type phase struct {
	name string // as a mode's has it, behind that of the disturbance
	doc  string

	cases  []string // of the suite selftest, in their order
	defect string   // with which the driver dwells here (driver/probe/dwell.h); empty: the agent waits here
	armed  bool     // the driver is asked to dwell before it is first loaded, and not by a step of a case
	keeps  bool     // the agent is asked to wait before the second case

	begun func(results.Event) bool // nil: the driver makes a file
	over  func(results.Event) bool // it went on, and did nothing else

	blamed string             // what ends a driver run here: a case, or one of the harness's own
	where  string             // words of its reason: it ended here
	others map[string]verdict // that do not pass, where a driver run ends here
	once   []string           // that do not run, where the driver crashes or hangs here: it is not started again
	again  string             // words of the notice that what passed before runs again

	hang  *stuck // how nothing comes back here
	brief bool   // the agent does not wait as long as it takes for contact to be lost and found again
}

// stuck is what differs from a phase that is disturbed from outside.
type stuck struct {
	cases  []string // nil: they are the same; and so is what is empty
	defect string
	quick  time.Duration
	words  []string // that tell of it
}

// midCase is the phase in which a case waits by itself.
func midCase(name string) *phase {
	return &phase{doc: "in mid-case", cases: []string{name, "well"}, blamed: "selftest." + name, where: "(run cmd.exe",
		begun: stepBack(name, 0), over: stepBack(name, holdSteps)}
}

func phases() []*phase {
	unproven := verdict{results.Error, []string{"not proven"}}
	again := "what had passed in it (1 of its 3 cases) runs again"
	return []*phase{
		midCase("waits"),
		{name: "at-start", doc: "while DriverEntry is under way", cases: []string{"well", "after"}, defect: "DWELLS_IN_ENTRY", armed: true,
			over: caseIs(results.KindCaseStarted, "well"), blamed: "deploy.start", where: "while the driver was being started", once: []string{"well", "after"},
			hang: &stuck{quick: quickLimit, words: []string{"DriverEntry did not return in time"}}},
		{name: "between-cases", doc: "between two cases", cases: []string{"well", "after"}, keeps: true,
			begun: caseIs(results.KindCaseFinished, "well"), over: caseIs(results.KindCaseStarted, "after"), blamed: "deploy.stop", where: "before the next case began", others: map[string]verdict{"selftest.well": unproven},
			hang: &stuck{quick: quickLimit, words: []string{"did not answer before the next case began"}}},
		{name: "at-tear-down", doc: "in a case's tear-down", cases: []string{"before", "winds_up", "after"},
			begun: stepBack("winds_up", 1), over: stepBack("winds_up", 1+holdSteps), blamed: "selftest.winds_up", where: "(tear-down: run cmd.exe", again: again,
			hang: &stuck{cases: []string{"before", "hangs_at_last", "after"}, defect: "OVERSTAYS", words: []string{"within its own limit"}}},
		{name: "at-tidy-up", doc: "while the driver tidies up after a case", cases: []string{"before", "arms", "after"}, defect: "DWELLS_IN_RESET",
			over: caseIs(results.KindCaseStarted, "after"), blamed: "selftest.arms", where: "after the last step", again: again, brief: true,
			hang: &stuck{words: []string{"the driver did not tidy up in its time"}}},
		{name: "at-unload", doc: "while the driver is being unloaded", cases: []string{"well", "after"}, defect: "DWELLS_IN_UNLOAD", armed: true,
			over: isProven, blamed: "deploy.stop", where: "while the driver was being unloaded", others: map[string]verdict{"selftest.well": unproven, "selftest.after": unproven},
			hang: &stuck{quick: quickLimit, words: []string{"did not unload"}}},
		{name: "at-bring-back", doc: "while a case loads the driver again", cases: []string{"before", "reloads", "after"}, defect: "DWELLS_IN_ENTRY",
			over: stepBack("reloads", 3), blamed: "selftest.reloads", where: "in step 3 (load)", again: again,
			hang: &stuck{cases: []string{"before", "reloads_soon", "after"}, words: []string{"within its own limit", "no return within"}}},
		{name: "at-case-end", doc: "while the driver is loaded again that a case has left unloaded", cases: []string{"before", "unloads", "after"}, defect: "DWELLS_IN_ENTRY",
			over: caseIs(results.KindCaseStarted, "after"), blamed: "selftest.unloads", where: "after the last step", again: again,
			hang: &stuck{quick: quickLimit, words: []string{"could not be brought back: DriverEntry did not return in time"}}},
	}
}

// stepBack tells that a step of a case is back, or one behind it.
func stepBack(name string, index int) func(results.Event) bool {
	return func(e results.Event) bool {
		return e.Kind == results.KindStep && e.Case == "selftest."+name && e.Step.Index >= index
	}
}

func caseIs(kind results.Kind, name string) func(results.Event) bool {
	return func(e results.Event) bool { return e.Kind == kind && e.Case == "selftest."+name }
}

func isProven(e results.Event) bool { return e.DriverRun != nil && e.DriverRun.Clean }

// disturbedBy is the mode in which a phase is disturbed so; none where there is no such phase, or another mode shows it.
func (p *phase) disturbedBy(d disturbance) []mode {
	hangs := d.outcome == results.Hang
	if hangs && p.hang == nil || p.brief && d.outcome == results.Pass {
		return nil
	}
	m := mode{name: d.name, doc: d.doc + " " + p.doc, cases: p.cases, defect: p.defect, phase: p, disturb: d.do, cuts: d.cuts, want: map[string]verdict{}}
	if p.name != "" {
		m.name += "-" + p.name
	}
	blamed, words := p.blamed, append([]string{p.where}, d.words...)
	if hangs {
		words, m.quick = p.hang.words, p.hang.quick
		if p.hang.defect != "" {
			m.defect, m.phase = p.hang.defect, nil // it hangs by itself
		}
		if p.hang.cases != nil {
			blamed, m.cases = "selftest."+p.hang.cases[1], p.hang.cases
		}
	}
	for _, name := range m.cases {
		m.want["selftest."+name] = well
	}
	if d.notice != "" {
		m.notices = append(m.notices, d.notice)
	}
	if d.outcome == results.Pass {
		return []mode{m}
	}
	maps.Copy(m.want, p.others)
	m.want[blamed] = verdict{d.outcome, words}
	if d.outcome != results.Lost {
		for _, name := range p.once {
			m.want["selftest."+name] = verdict{results.NotRun, []string{p.blamed}}
		}
	}
	if p.again != "" {
		m.notices = append(m.notices, p.again)
	}
	return []mode{m}
}

package journal

import (
	"fmt"
	"slices"
)

// Shape is what a run's plan lets its journal hold.
type Shape struct {
	Run      string      // the run's id
	ABI      int         // of the plan
	SHA256   string      // of the driver that was deployed, lower-case hexadecimal
	Cases    []CaseShape // in their order
	Resident bool        // the driver is never unloaded: driver-left stands for driver-stop
}

// CaseShape is a case of a plan. Cases that are in a plan more than once may share Reboots.
type CaseShape struct {
	Steps   int
	Reboots []int // the steps that reboot the guest, in their order
}

// Bounds of what a step may write (docs/protocol.md, "output").
const (
	maxStreamBytes = 64 << 10 // of stderr, and of a stdout that is no report
	maxReportBytes = 4 << 20  // of a report, and of a stdout that is one
	maxLastBytes   = 4 << 10  // of the end of a stream that is longer
)

// Phase is where a journal has got to: which records may come next.
type Phase string

// The phases, in the order in which a run has them.
const (
	PhaseBegin    Phase = "before run-start"
	PhaseStart    Phase = "before driver-start"
	PhaseRefused  Phase = "after a driver-start that failed"
	PhaseCases    Phase = "between cases"
	PhaseCase     Phase = "in a case"
	PhaseOutput   Phase = "between a step's output and its result"
	PhaseReboot   Phase = "after the order to reboot"
	PhaseBooted   Phase = "after a boot, before the result of the step that ordered it"
	PhaseStopped  Phase = "after the driver's end"
	PhaseFinished Phase = "after run-end"
)

// Grammar holds a journal to docs/protocol.md, "The grammar of a journal": it takes one record after the other, and
// refuses the first that can't be there. The zero value is none: use [NewGrammar].
type Grammar struct {
	shape Shape
	phase Phase
	boot  string
	ended int  // cases
	step  int  // in a case: the step that comes next, or one after it
	cut   bool // records are missing, as run-end has yet to say
	wrote map[string]int
}

// NewGrammar is the grammar of the journal of one run, at its beginning.
func NewGrammar(s Shape) *Grammar { return &Grammar{shape: s, phase: PhaseBegin} }

// Phase is where the journal has got to.
func (g *Grammar) Phase() Phase { return g.phase }

// OutOfTurnError is a record that its journal can't have at its place.
type OutOfTurnError struct {
	Record Record
	Phase  Phase // of the journal before it
	Why    string
}

func (e *OutOfTurnError) Error() string {
	return fmt.Sprintf("record %d (%s) of the guest's journal, at byte %d, can't be there, %s: %s",
		e.Record.Seq, e.Record.Ev, e.Record.Offset, e.Phase, e.Why)
}

// Accept takes the next record. The error is an *[OutOfTurnError], after which nothing in the journal can be believed.
func (g *Grammar) Accept(r Record) error {
	if why := g.accept(r); why != "" {
		return &OutOfTurnError{Record: r, Phase: g.phase, Why: why}
	}
	return nil
}

// accept returns why the record can't be there, and moves on where it can.
func (g *Grammar) accept(r Record) (why string) {
	switch r.Ev {
	case EvRunStart:
		return g.runStart(r)
	case EvDriverStart:
		return g.driverStart(r)
	case EvCaseStart:
		return g.caseStart(r)
	case EvOutput:
		return g.output(r)
	case EvStep:
		return g.result(r)
	case EvReboot:
		return g.reboot(r)
	case EvBoot:
		return g.booted(r)
	case EvCaseEnd:
		return g.caseEnd(r)
	case EvDriverStop, EvDriverLeft:
		return g.driverEnd(r)
	case EvRunEnd:
		return g.runEnd(r)
	}
	return "no run has such a record"
}

const notNow = "it does not belong here"

func (g *Grammar) runStart(r Record) string {
	switch {
	case g.phase != PhaseBegin:
		return notNow
	case r.Run != g.shape.Run:
		return fmt.Sprintf("it is of the run %q", r.Run)
	case r.ABI != g.shape.ABI:
		return fmt.Sprintf("the agent's ABI is %d, the plan's %d", r.ABI, g.shape.ABI)
	case r.Cases != len(g.shape.Cases):
		return fmt.Sprintf("the plan has %d cases, and not %d", len(g.shape.Cases), r.Cases)
	}
	g.phase, g.boot = PhaseStart, r.Boot
	return ""
}

func (g *Grammar) driverStart(r Record) string {
	switch {
	case g.phase != PhaseStart:
		return notNow
	case !r.OK:
		g.phase = PhaseRefused
	case r.SHA256 != g.shape.SHA256:
		return fmt.Sprintf("the driver that was started has SHA-256 %s, not the deployed %s", orNone(r.SHA256), g.shape.SHA256)
	default:
		g.phase = PhaseCases
	}
	return ""
}

func (g *Grammar) caseStart(r Record) string {
	switch {
	case g.phase != PhaseCases:
		return notNow
	case r.N >= len(g.shape.Cases):
		return fmt.Sprintf("the plan has no case %d: it has %d", r.N, len(g.shape.Cases))
	case r.N != g.ended:
		return fmt.Sprintf("it is case %d whose turn it is, and not %d", g.ended, r.N)
	}
	g.phase, g.step, g.wrote = PhaseCase, 0, nil
	return ""
}

// inCase checks what all records of a step have: a case that is under way, and a step whose turn may be.
func (g *Grammar) inCase(r Record, phases ...Phase) string {
	switch {
	case !slices.Contains(phases, g.phase):
		return notNow
	case r.N != g.ended:
		return fmt.Sprintf("it is of case %d, and case %d is under way", r.N, g.ended)
	case r.Step >= g.shape.Cases[r.N].Steps:
		return fmt.Sprintf("case %d has %d steps, and no step %d", r.N, g.shape.Cases[r.N].Steps, r.Step)
	case r.Step < g.step:
		return fmt.Sprintf("step %d of case %d had its turn", r.Step, r.N)
	case g.phase != PhaseCase && r.Step != g.step:
		return fmt.Sprintf("it is of step %d, and that of step %d has to come first", r.Step, g.step)
	}
	return ""
}

func (g *Grammar) output(r Record) string {
	if why := g.inCase(r, PhaseCase, PhaseOutput); why != "" {
		return why
	}
	most := maxReportBytes
	if r.Of == "stderr" {
		most = maxStreamBytes
	}
	if g.phase == PhaseCase {
		g.wrote = map[string]int{}
	}
	of := r.Of
	if r.Last {
		of, most = "end of the "+r.Of, maxLastBytes
	}
	if g.wrote[of] += len(r.Data); g.wrote[of] > most {
		return fmt.Sprintf("of the %s of a step at most %d bytes are kept, and these are %d", of, most, g.wrote[of])
	}
	g.phase, g.step = PhaseOutput, r.Step
	return ""
}

func (g *Grammar) result(r Record) string {
	if why := g.inCase(r, PhaseCase, PhaseOutput, PhaseReboot, PhaseBooted); why != "" {
		return why
	}
	switch reboots := slices.Contains(g.shape.Cases[r.N].Reboots, r.Step); {
	case reboots && g.phase == PhaseCase:
		return fmt.Sprintf("step %d reboots the guest, and its order to do so is missing", r.Step)
	case reboots && g.phase == PhaseReboot && r.OK:
		return fmt.Sprintf("step %d is said to have rebooted the guest, and no boot came of it", r.Step)
	}
	g.phase, g.step = PhaseCase, r.Step+1
	return ""
}

func (g *Grammar) reboot(r Record) string {
	if why := g.inCase(r, PhaseCase); why != "" {
		return why
	}
	if !slices.Contains(g.shape.Cases[r.N].Reboots, r.Step) {
		return fmt.Sprintf("step %d of case %d does not reboot the guest", r.Step, r.N)
	}
	g.phase, g.step = PhaseReboot, r.Step
	return ""
}

func (g *Grammar) booted(r Record) string {
	switch {
	case g.phase != PhaseReboot:
		return notNow
	case r.Boot == g.boot:
		return "its boot id is that of the boot before"
	}
	g.phase, g.boot = PhaseBooted, r.Boot
	return ""
}

func (g *Grammar) caseEnd(r Record) string {
	switch {
	case g.phase != PhaseCase:
		return notNow
	case r.N != g.ended:
		return fmt.Sprintf("it is of case %d, and case %d is under way", r.N, g.ended)
	case r.Ran > g.shape.Cases[r.N].Steps:
		return fmt.Sprintf("case %d has %d steps, and %d are said to have run", r.N, g.shape.Cases[r.N].Steps, r.Ran)
	}
	g.phase = PhaseCases
	g.ended++
	return ""
}

// driverEnd takes driver-stop, or driver-left. In the place of another record it says that those before it could not be
// written.
func (g *Grammar) driverEnd(r Record) string {
	switch {
	case g.phase == PhaseBegin, g.phase == PhaseStopped, g.phase == PhaseFinished:
		return notNow
	case r.Ev == EvDriverStop && g.shape.Resident && g.phase != PhaseRefused:
		return "by the plan the driver is never unloaded"
	case r.Ev == EvDriverLeft && !g.shape.Resident && g.phase != PhaseRefused:
		return "by the plan the driver is unloaded at the end"
	case r.OK && r.SHA256 != g.shape.SHA256:
		return fmt.Sprintf("the driver's file has SHA-256 %s, not the deployed %s", orNone(r.SHA256), g.shape.SHA256)
	}
	g.cut = g.phase != PhaseCases && g.phase != PhaseRefused
	g.phase = PhaseStopped
	return ""
}

func (g *Grammar) runEnd(r Record) string {
	if why := g.mayEnd(r); why != "" {
		return why
	}
	g.phase = PhaseFinished
	return ""
}

// mayEnd returns why run-end can't be there.
func (g *Grammar) mayEnd(r Record) string {
	// A plan is read when the run begins, and after each reboot. Of a run whose guest is another's the driver is left alone.
	// Both may end a run where nothing else can.
	alone := r.Why == "plan" && (g.phase == PhaseBegin || g.phase == PhaseReboot) ||
		r.Why == "lease" && (g.phase == PhaseStart || g.phase == PhaseCases || g.phase == PhaseReboot)
	cut := g.cut || !alone && g.phase != PhaseCases && g.phase != PhaseRefused && g.phase != PhaseStopped
	switch {
	case g.phase == PhaseFinished, !alone && (g.phase == PhaseBegin || r.Why == "plan" || r.Why == "lease" && r.Win32 == 0):
		return notNow
	case cut && r.Win32 == 0:
		return "records are missing before it, and it does not say why"
	case r.Win32 == 0 && r.Cases != g.ended:
		return fmt.Sprintf("%d cases have ended, and not %d", g.ended, r.Cases)
	case r.Why == "done" && g.phase != PhaseStopped:
		return "it says that all was done, but the driver's end is not told"
	case r.Why == "done" && g.ended != len(g.shape.Cases):
		return fmt.Sprintf("it says that all was done, but %d of %d cases have ended", g.ended, len(g.shape.Cases))
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

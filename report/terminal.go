package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"wskharness/results"
)

// maxSteps is how many steps of an attempt are shown with its verdict.
const maxSteps = 1000

// TerminalOptions say where and how [Terminal] shows a run.
type TerminalOptions struct {
	Out io.Writer // verdicts and the summary
	Err io.Writer // progress, on a terminal

	Steps  bool                // every step, with its status and time
	Getenv func(string) string // default os.Getenv: NO_COLOR, CLICOLOR_FORCE, TERM

	width int // columns, of tests; 0: those of the terminal, and no limit where there is none
}

// Terminal shows a run while it goes on: a line for every verdict, failures with all that is known
// of them right away, and, where Err is a terminal, what each target is doing. It is a subscriber of the run's journal, and
// shows what that tells of the state of the run: its own are only the lines and bars that it has shown. Where it comes to a
// run that goes on already, or is resumed, it begins with the plan, and shows what is new.
// Its methods may be called from several goroutines.
type Terminal struct {
	opts     TerminalOptions
	outTTY   *os.File
	errTTY   *os.File
	progress bool

	mu    sync.Mutex
	view  view
	begun bool            // the plan is shown
	ready map[string]bool // the targets of which it is shown that they are
	bars  *bars           // nil where there is nothing to draw on
	under string          // the target and attempt that the last lines shown are of
}

// NewTerminal makes a view that has not shown anything yet. Close must be called after the run.
func NewTerminal(opts TerminalOptions) *Terminal {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	t := &Terminal{opts: opts, outTTY: terminalOf(opts.Out), errTTY: terminalOf(opts.Err), ready: make(map[string]bool)}
	t.progress = t.errTTY != nil && opts.Getenv("TERM") != "dumb"
	t.view = newView(t.colors(), t.width(), &results.Run{})
	return t
}

func (t *Terminal) colors() palette { return coloring(t.outTTY != nil, t.opts.Getenv) }

func (t *Terminal) width() int { return cmp.Or(t.opts.width, widthOf(t.outTTY)) }

// Handle shows one event. Its error is that of writing to Out.
func (t *Terminal) Handle(u results.Update) error {
	if u.Replay {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	if !t.begun && u.State.Whole().Run.ID != "" {
		lines = t.start(u.State)
	}
	lines = append(lines, t.show(u)...)
	if len(lines) > 0 && u.Kind != results.KindEvidence {
		t.under = ""
		if u.Kind == results.KindCaseFinished {
			t.under = attemptOf(u)
		}
	}
	return t.print(lines)
}

// show returns the lines that an event is worth.
func (t *Terminal) show(u results.Update) []string {
	target := u.State.Target(u.Target)
	bar := t.bars.of(u.Target)
	switch u.Kind {
	case results.KindRunResumed:
		return []string{"", t.view.paint(bold, "resumed")}
	case results.KindPackage:
		return t.view.driver(u.Package)
	case results.KindTargetPhase:
		return t.phase(u)
	case results.KindCaseStarted:
		bar.begin(u.Case)
		return t.announce(target)
	case results.KindEvidence:
		return t.evidence(u)
	case results.KindCaseFinished:
		bar.end(target.Verdicts, target.Bad)
		return t.verdict(u)
	case results.KindNotice:
		return t.notice(u.Event)
	case results.KindRunFinished:
		t.bars.stop()
		t.bars = nil
		said := func(p results.PhaseRecord) bool { return p.Error == u.Finish.Error }
		if u.Finish.Error != "" && !slices.ContainsFunc(u.State.Whole().Phases, said) { // told already, with the phase that it is of
			return t.view.trouble("", &results.Phase{Name: "run", Error: u.Finish.Error})
		}
	}
	return nil
}

// start shows the plan, and sets up the progress.
func (t *Terminal) start(state *results.Fold) []string {
	run := &state.Whole().Run
	t.begun = true
	t.view = newView(t.colors(), t.width(), run)
	if t.progress {
		t.bars = newBars(t.errTTY, coloring(true, t.opts.Getenv))
	}
	var names, suites []string
	var cases int
	for i := range run.Plan {
		p := &run.Plan[i]
		names = append(names, Printable(p.Name))
		cases += len(p.Cases) * max(1, p.Repeat)
		for k := range p.Cases {
			if s := Printable(p.Cases[k].Suite()); s != "" && !slices.Contains(suites, s) {
				suites = append(suites, s)
			}
		}
		target := state.Target(p.Name)
		t.bars.add(p, columns(longest(run.Plan)))
		t.bars.of(p.Name).end(target.Verdicts, target.Bad)
	}
	what := count(cases, "case", "cases")
	if len(suites) > 0 {
		what += " of " + strings.Join(suites, ", ")
	}
	head := t.view.paint(bold, "wskharness "+Printable(run.Version)) + "  " + t.view.paint(dim, "run "+Printable(run.ID))
	return append(append([]string{head}, t.view.broken(what+" on "+strings.Join(names, ", "), 0, false)...), "")
}

func longest(plan []results.PlanTarget) string {
	var name string
	for _, p := range plan {
		if columns(Printable(p.Name)) > columns(name) {
			name = Printable(p.Name)
		}
	}
	return name
}

func attemptOf(u results.Update) string { return fmt.Sprintf("%s %s#%d", u.Target, u.Case, u.Attempt) }

func (t *Terminal) phase(u results.Update) []string {
	p := u.Phase
	if u.Target == "" {
		return t.finished("", p)
	}
	target, bar := u.State.Target(u.Target), t.bars.of(u.Target)
	bar.phase(p)
	switch {
	case p.State == results.PhaseStarted && p.Name == results.PhaseCases:
		return t.announce(target)
	case p.State == results.PhaseStarted:
		return nil
	case p.Name == results.PhaseRelease:
		bar.remove()
	}
	return t.finished(Printable(targetLabel(&target.TargetRecord)), p)
}

// finished tells of a phase that is over, where it failed, and where somebody wants to know all.
// A revert is always told: after it the guest is another one.
func (t *Terminal) finished(label string, p *results.Phase) []string {
	switch {
	case p.State == results.PhaseFailed:
		return t.view.trouble(label, p)
	case p.State != results.PhaseDone:
		return nil
	case !t.opts.Steps && p.Name != results.PhaseRevert:
		return nil
	}
	line := p.Name + " " + Duration(p.Elapsed)
	if label != "" {
		line = label + ": " + line
	}
	if p.Detail != "" {
		line += ", " + p.Detail
	}
	return []string{t.view.paint(dim, "  "+Printable(line))}
}

// announce tells once that a target is ready for its cases.
func (t *Terminal) announce(target *results.TargetState) []string {
	if t.ready[target.Name] {
		return nil
	}
	t.ready[target.Name] = true
	return append(t.view.ready(&target.TargetRecord, target.Spent()), "")
}

func (t *Terminal) verdict(u results.Update) []string {
	target := u.State.Target(u.Target)
	c, a := target.Case(u.Case), target.Attempt(u.Case, u.Attempt).Latest()
	a.Verdict = *u.Verdict // also where it is better than one before it, and does not count
	out := append(t.announce(target), t.view.verdict(&target.TargetRecord, c, u.Attempt, u.Verdict))
	if t.opts.Steps {
		out = append(out, t.view.steps(a.Steps[:min(len(a.Steps), maxSteps)])...)
	}
	if u.Verdict.Outcome.Bad() {
		for _, d := range explain(c, &a) {
			out = append(out, t.view.detail(d)...)
		}
	}
	return out
}

// evidence leaves what comes before its verdict to be shown there; what comes later is shown now, under the name of its case
// where the lines above are of another one.
func (t *Terminal) evidence(u results.Update) []string {
	target := u.State.Target(u.Target)
	if a := target.Attempt(u.Case, u.Attempt); a != nil && a.Open {
		return nil
	}
	var lines []string
	if of := attemptOf(u); t.under != of {
		t.under = of
		lines = append(lines, t.view.heading(&target.TargetRecord, u.Event))
	}
	return append(lines, t.view.detail(detail{label: evidenceLabel(u.Evidence), text: evidenceText(u.Evidence), code: true})...)
}

func (t *Terminal) notice(e results.Event) []string {
	if e.Notice.Level != results.Warning && e.Notice.Level != results.Progress && !t.opts.Steps {
		return nil
	}
	text := Printable(e.Notice.Text)
	if e.Target != "" {
		text = Printable(e.Target) + ": " + text
	}
	if e.Notice.Level != results.Warning {
		return []string{t.view.paint(dim, "  "+text)}
	}
	return []string{"  " + t.view.paint(yellow, "note") + strings.Repeat(" ", detailIndent-6) + text}
}

// print puts lines where verdicts go; on a screen with progress at its bottom, above that.
func (t *Terminal) print(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	text := strings.Join(lines, "\n") + "\n"
	w := t.opts.Out
	if t.bars != nil && sameTerminal(t.outTTY, t.errTTY) {
		w = t.bars
	}
	_, err := io.WriteString(w, text)
	return err
}

// LogWriter takes whole lines for people, such as those of a logger, to Err without spoiling the
// progress there.
func (t *Terminal) LogWriter() io.Writer { return logWriter{t} }

type logWriter struct{ t *Terminal }

func (l logWriter) Write(p []byte) (int, error) {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if l.t.bars != nil {
		return l.t.bars.Write(p)
	}
	return l.t.opts.Err.Write(p)
}

// Summary shows the end of the run on Out: what came of it, on which guests, and where the
// reports are. It ends the progress.
func (t *Terminal) Summary(rec *results.Record, dir string, reports []string) error {
	if err := t.Close(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return summarize(t.opts.Out, newView(t.colors(), t.width(), &rec.Run), rec, dir, reports)
}

// Close ends the progress and leaves the screen in order. It may be called more than once.
func (t *Terminal) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bars.stop()
	t.bars = nil
	return nil
}

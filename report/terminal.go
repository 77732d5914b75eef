package report

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"wskharness/results"
)

// maxBuffered is how many steps of an attempt are kept to be shown with its verdict.
const maxBuffered = 1000

// TerminalOptions say where and how [Terminal] shows a run.
type TerminalOptions struct {
	Out io.Writer // verdicts and the summary
	Err io.Writer // progress, on a terminal

	Color  ColorMode           // default ColorAuto
	Steps  bool                // every step, with its status and time
	Width  int                 // columns; 0: those of the terminal, and no limit where there is none
	Getenv func(string) string // default os.Getenv: NO_COLOR, CLICOLOR_FORCE, TERM
}

// Terminal shows a run while it goes on: a line for every verdict, failures with all that is known
// of them right away, and, where Err is a terminal, what each target is doing. It is a [Handler].
// Its methods may be called from several goroutines.
type Terminal struct {
	opts     TerminalOptions
	outTTY   *os.File
	errTTY   *os.File
	progress bool

	mu      sync.Mutex
	view    view
	targets map[string]*liveTarget
	bars    *bars  // nil where there is nothing to draw on
	failed  string // the error of the last phase that failed before any target
	under   string // the target and attempt that the last lines shown are of
}

// liveTarget is what the view must remember of a target.
type liveTarget struct {
	results.TargetRecord
	cases map[string]*results.PlanCase
	ready bool
	spent time.Duration // in phases that are over
	open  map[string]*results.Attempt
	bar   *bar
}

// NewTerminal makes a view that has not shown anything yet. Close must be called after the run.
func NewTerminal(opts TerminalOptions) *Terminal {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	t := &Terminal{opts: opts, outTTY: terminalOf(opts.Out), errTTY: terminalOf(opts.Err)}
	t.progress = t.errTTY != nil && opts.Getenv("TERM") != "dumb"
	t.targets = make(map[string]*liveTarget)
	t.view = newView(t.colors(), t.width(), &results.Run{})
	return t
}

func (t *Terminal) colors() palette {
	return coloring(t.opts.Color, t.outTTY != nil, t.opts.Getenv)
}

func (t *Terminal) width() int {
	if t.opts.Width > 0 {
		return t.opts.Width
	}
	return widthOf(t.outTTY)
}

// Handle shows one event. Its error is that of writing to Out.
func (t *Terminal) Handle(e results.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.show(e)
	if len(lines) > 0 && e.Kind != results.KindEvidence {
		t.under = ""
		if e.Kind == results.KindCaseFinished {
			t.under = e.Target + " " + attemptKey(e)
		}
	}
	return t.print(lines)
}

// show takes in the event and returns the lines that it is worth.
func (t *Terminal) show(e results.Event) []string {
	switch e.Kind {
	case results.KindRunStarted:
		return t.start(e.Run)
	case results.KindRunResumed:
		return []string{"", t.view.paint(bold, "resumed")}
	case results.KindPackage:
		return t.view.driver(e.Package)
	case results.KindTargetPhase:
		return t.phase(e)
	case results.KindTargetFacts:
		live := t.target(e.Target)
		if guest := e.Facts[results.FactGuest]; guest != "" {
			live.Guest = guest
		}
	case results.KindCaseStarted:
		live := t.target(e.Target)
		lines := t.ready(live)
		live.attempt(e)
		live.bar.begin(e)
		return lines
	case results.KindStep:
		live := t.target(e.Target)
		if a := live.attempt(e); len(a.Steps) < maxBuffered {
			a.Steps = append(a.Steps, *e.Step)
		}
	case results.KindEvidence:
		return t.evidence(e)
	case results.KindCaseFinished:
		return t.verdict(e)
	case results.KindReplanned:
		delete(t.target(e.Target).open, attemptKey(e))
	case results.KindNotice:
		return t.notice(e)
	case results.KindRunFinished:
		t.bars.stop()
		t.bars = nil
		if e.Finish.Error != "" && e.Finish.Error != t.failed { // told already, with the phase that it is of
			return t.view.trouble("", &results.Phase{Name: "run", Error: e.Finish.Error})
		}
	}
	return nil
}

func (t *Terminal) start(run *results.Run) []string {
	t.view = newView(t.colors(), t.width(), run)
	if t.progress {
		t.bars = newBars(t.errTTY, coloring(t.opts.Color, true, t.opts.Getenv))
	}
	var names, suites []string
	var cases int
	for i := range run.Plan {
		p := &run.Plan[i]
		live := t.target(p.Name)
		live.Guest = p.Guest
		names = append(names, plain(p.Name))
		cases += len(p.Cases) * max(1, p.Repeat)
		for k := range p.Cases {
			c := &p.Cases[k]
			live.cases[c.Name] = c
			if s := plain(c.Suite()); s != "" && !slices.Contains(suites, s) {
				suites = append(suites, s)
			}
		}
		live.bar = t.bars.add(p, columns(longest(run.Plan)))
	}
	what := count(cases, "case", "cases")
	if len(suites) > 0 {
		what += " of " + strings.Join(suites, ", ")
	}
	head := t.view.paint(bold, "wskharness "+plain(run.Version)) + "  " + t.view.paint(dim, "run "+plain(run.ID))
	return append(append([]string{head}, t.view.broken(what+" on "+strings.Join(names, ", "), 0, false)...), "")
}

func longest(plan []results.PlanTarget) string {
	var name string
	for _, p := range plan {
		if columns(plain(p.Name)) > columns(name) {
			name = plain(p.Name)
		}
	}
	return name
}

func (t *Terminal) target(name string) *liveTarget {
	live := t.targets[name]
	if live == nil {
		live = &liveTarget{
			TargetRecord: results.TargetRecord{Name: name},
			cases:        make(map[string]*results.PlanCase),
			open:         make(map[string]*results.Attempt),
		}
		t.targets[name] = live
	}
	return live
}

func attemptKey(e results.Event) string { return fmt.Sprintf("%s#%d", e.Case, e.Attempt) }

// attempt is the one under way that the event belongs to.
func (live *liveTarget) attempt(e results.Event) *results.Attempt {
	key := attemptKey(e)
	if live.open[key] == nil {
		live.open[key] = &results.Attempt{Number: e.Attempt}
	}
	return live.open[key]
}

func (live *liveTarget) plan(name string) *results.PlanCase {
	if c := live.cases[name]; c != nil {
		return c
	}
	return &results.PlanCase{Name: name}
}

func (t *Terminal) phase(e results.Event) []string {
	p := e.Phase
	if e.Target == "" {
		if p.State == results.PhaseFailed {
			t.failed = p.Error
		}
		return t.finished("", p)
	}
	live := t.target(e.Target)
	live.bar.phase(p)
	if p.State == results.PhaseStarted {
		if p.Name == results.PhaseCases {
			return t.ready(live)
		}
		return nil
	}
	live.spent += p.Elapsed
	if p.Name == results.PhaseRelease {
		live.bar.remove()
	}
	return t.finished(plain(targetLabel(&live.TargetRecord)), p)
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
	return []string{t.view.paint(dim, "  "+plain(line))}
}

func (t *Terminal) ready(live *liveTarget) []string {
	if live.ready {
		return nil
	}
	live.ready = true
	return append(t.view.ready(&live.TargetRecord, live.spent), "")
}

func (t *Terminal) verdict(e results.Event) []string {
	live := t.target(e.Target)
	a := live.attempt(e)
	delete(live.open, attemptKey(e))
	a.Verdict = *e.Verdict
	if e.Verdict.Guest != "" {
		live.Guest = e.Verdict.Guest
	}
	live.bar.end(e)
	c := live.plan(e.Case)
	out := append(t.ready(live), t.view.verdict(&live.TargetRecord, c, e.Attempt, e.Verdict))
	if t.opts.Steps {
		out = append(out, t.view.steps(a.Steps)...)
	}
	if e.Verdict.Outcome.Bad() {
		out = append(out, t.view.details(c, a)...)
	}
	return out
}

// evidence keeps what comes before its verdict, to show it there; what comes later is shown now, under the name of its case
// where the lines above are of another one.
func (t *Terminal) evidence(e results.Event) []string {
	live := t.target(e.Target)
	if a := live.open[attemptKey(e)]; a != nil {
		a.Evidence = append(a.Evidence, *e.Evidence)
		return nil
	}
	var lines []string
	if of := e.Target + " " + attemptKey(e); t.under != of {
		t.under = of
		lines = append(lines, t.view.heading(&live.TargetRecord, e))
	}
	return append(lines, t.view.detail(detail{label: evidenceLabel(e.Evidence), text: evidenceText(e.Evidence), code: true})...)
}

func (t *Terminal) notice(e results.Event) []string {
	if e.Notice.Level != results.Warning && e.Notice.Level != results.Progress && !t.opts.Steps {
		return nil
	}
	text := plain(e.Notice.Text)
	if e.Target != "" {
		text = plain(e.Target) + ": " + text
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
	return Summary(t.opts.Out, rec, SummaryOptions{
		Dir: dir, Reports: reports, Width: t.width(), Color: bool(t.colors()),
	})
}

// Close ends the progress and leaves the screen in order. It may be called more than once.
func (t *Terminal) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bars.stop()
	t.bars = nil
	return nil
}

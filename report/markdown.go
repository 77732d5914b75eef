package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"wskharness/results"
)

// Bounds of the summary: GitHub takes at most 1 MiB of it.
const (
	markdownFailures = 50  // told in full
	markdownRows     = 500 // of a table
	markdownCell     = 400 // bytes of a text in a table
	markdownText     = 2 << 10
	markdownLines    = 20
	markdownBlock    = 8 << 10 // of what a program has written
	blockLines       = 40
)

// Markdown writes the record as a summary for people: it is summary.md, and fits the job summaries
// of GitHub and GitLab. What matters comes first: the totals by target with its guest, the
// failures with all that is known of them, then what was expected to fail, what was recorded, and
// where the time went.
func Markdown(w io.Writer, rec *results.Record) error {
	m := &markdown{}
	m.head(rec)
	m.totals(rec)
	m.machines(rec)
	m.trouble(rec)
	m.failures(rec)
	m.known(rec)
	m.programs(rec)
	m.recorded(rec)
	m.left(rec)
	m.loops(rec)
	m.times(rec)
	m.all(rec)
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

type markdown struct{ strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// row writes a table's row. Cells are Markdown already.
func (m *markdown) row(cells ...string) { m.line("| %s |", strings.Join(cells, " | ")) }

// table writes its head; a column whose name ends in a colon is set to the right.
func (m *markdown) table(columns ...string) {
	rule := make([]string, len(columns))
	for i, c := range columns {
		rule[i] = "---"
		if strings.HasSuffix(c, ":") {
			columns[i], rule[i] = strings.TrimSuffix(c, ":"), "---:"
		}
	}
	m.row(columns...)
	m.row(rule...)
}

// section is a table under its title, where it has rows; of very many, the first.
func (m *markdown) section(title, intro string, columns []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	m.line("## %s\n", title)
	if intro != "" {
		m.line("%s\n", intro)
	}
	m.table(columns...)
	for _, row := range rows[:min(len(rows), markdownRows)] {
		m.row(row...)
	}
	m.line("")
}

func (m *markdown) head(rec *results.Record) {
	m.line("# wskharness: %s\n", Headline(rec, rec.Run.Policy))
	started := "not started"
	if !rec.Started.IsZero() {
		started = rec.Started.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	m.line("Run %s, %s, %s, with wskharness %s:\n", code(rec.Run.ID), started, Duration(rec.Elapsed()), escape(rec.Run.Version+controller(rec)))
	m.fence(rec.Run.Command)
	if p := rec.Package; p != nil {
		m.line("Driver %s, %s, SHA-256 %s.\n", code(p.File), Bytes(p.Size), code(p.SHA256))
	}
	switch seed := code(fmt.Sprint(rec.Run.Seed)); {
	case rec.Run.Shuffled:
		m.line("In the shuffled order of seed %s.\n", seed)
	case rec.Run.Seed != 0:
		m.line("Chosen by chance: seed %s.\n", seed)
	}
}

// controller is where a run was controlled from, as far as its record says.
func controller(rec *results.Record) (text string) {
	if rec.Run.Go != "" {
		text = " (" + rec.Run.Go + ")"
	}
	if rec.Run.System != "" {
		text += " on " + rec.Run.System
	}
	return text
}

// machines says what runs the machines of the targets, where that is known.
func (m *markdown) machines(rec *results.Record) {
	said := false
	for _, t := range rec.Targets {
		if t.Guest.RunBy != "" {
			m.line("- %s is run by %s", code(t.Name), escape(t.Guest.RunBy))
			said = true
		}
	}
	if said {
		m.line("")
	}
}

func (m *markdown) totals(rec *results.Record) {
	var present []results.Outcome
	columns := []string{"target", "guest", "cases:"}
	for _, o := range slices.Backward(results.Outcomes()) {
		if rec.Counts[o] > 0 {
			present = append(present, o)
			columns = append(columns, string(o)+":")
		}
	}
	m.table(append(columns, "time:")...)
	for i := range rec.Targets {
		t := &rec.Targets[i]
		counts := t.Counts()
		cells := []string{escape(targetLabel(t)), escape(guestLine(t.Guest)), fmt.Sprint(len(t.Cases))}
		for _, o := range present {
			cells = append(cells, fmt.Sprint(counts[o]))
		}
		m.row(append(cells, Duration(total(t.Phases)))...)
	}
	m.line("")
}

func (m *markdown) trouble(rec *results.Record) {
	var told []string
	if rec.Error != "" {
		told = append(told, "The run: "+rec.Error)
	}
	if rec.Reason == "" {
		told = append(told, "The record of the run has no end: its controller was killed, or is still at work.")
	}
	told = append(told, troubles(rec, "Target ")...)
	for _, n := range rec.Notices {
		if n.Level == results.Warning {
			told = append(told, n.Text)
		}
	}
	if len(told) == 0 {
		return
	}
	m.line("## Trouble\n")
	for _, text := range told[:min(len(told), markdownFailures)] {
		m.item(text)
	}
	m.line("")
}

// item is one of a list. What follows its first line, a compiler's output for example, is shown as it is.
func (m *markdown) item(text string) {
	all := lines(results.Clip(text, markdownText), markdownLines)
	if len(all) == 0 {
		return
	}
	m.line("- %s", escape(all[0]))
	for _, line := range all[1:] {
		if text := span(line); text != "" {
			m.line("  - %s", text)
		}
	}
}

func (m *markdown) failures(rec *results.Record) {
	bad := cases(rec, isBad)
	if len(bad) == 0 {
		return
	}
	m.line("## Failures\n")
	for i, f := range bad {
		if i == markdownFailures {
			m.line("%d more are in junit.xml and in the table of all cases.\n", len(bad)-i)
			break
		}
		m.failure(f.target, f.rec)
	}
}

func (m *markdown) failure(t *results.TargetRecord, c *results.CaseRecord) {
	m.line("### %s: %s on %s\n", c.Final, code(c.Name), escape(targetLabel(t)))
	if c.Doc != "" {
		m.line("%s\n", escape(results.Clip(c.Doc, markdownText)))
	}
	m.line("- guest: %s", escape(guestLine(t.Guest)))
	if h := history(c); h != "" {
		if c.Final == results.Flaky {
			h += "; the first that failed"
		}
		m.line("- %s", escape(h))
	}
	a := c.Telling()
	if a == nil {
		m.line("")
		return
	}
	details := explain(&c.PlanCase, a)
	for _, d := range details {
		if d.label == "rerun" || d.block {
			continue
		}
		if !d.code {
			m.line("- %s: %s", escape(d.label), escape(results.Clip(d.text, markdownText)))
			continue
		}
		for _, text := range lines(results.Clip(d.text, markdownText), 20) {
			m.line("- %s: %s", escape(d.label), code(text))
		}
	}
	m.line("")
	for _, d := range details {
		if d.block {
			m.block(d)
		}
	}
	if a.Verdict.Rerun != "" {
		m.line("Run it again:\n")
		m.fence(a.Verdict.Rerun)
	}
}

func (m *markdown) known(rec *results.Record) {
	var rows [][]string
	for _, k := range cases(rec, isKnown) {
		var source string
		if a := k.rec.Telling(); a != nil && a.Verdict.Known != nil {
			source = a.Verdict.Known.Source
		}
		rows = append(rows, k.row(cell(k.rec.Why()), cell(source)))
	}
	m.section("Known issues", "These failed in exactly the way that is declared for their guest.",
		[]string{"case", "target", "what is known", "source"}, rows)
}

func (m *markdown) recorded(rec *results.Record) {
	var rows [][]string
	for _, r := range cases(rec, hasRecorded) {
		for _, o := range observations(r.rec) {
			rows = append(rows, r.row(cell(o.Name), code(results.Clip(o.Value, markdownCell))))
		}
	}
	m.section("Recorded, not judged", "", []string{"case", "target", "what", "value"}, rows)
}

// left lists the cases that say nothing about the driver, with the reason for each.
func (m *markdown) left(rec *results.Record) {
	var rows [][]string
	for _, l := range cases(rec, isLeft) {
		rows = append(rows, l.row(string(l.rec.Final), cell(l.rec.Why())))
	}
	m.section("Not tested", "", []string{"case", "target", "outcome", "why"}, rows)
}

// loops tells how the runs of the steps went that ran more than once.
func (m *markdown) loops(rec *results.Record) {
	var rows [][]string
	for _, c := range cases(rec, func(c *results.CaseRecord) bool { return c.Telling() != nil }) {
		for _, s := range c.rec.Telling().Steps {
			l, seed := s.Loop, ""
			if l == nil {
				continue
			}
			if l.Seed != 0 {
				seed = fmt.Sprint(l.Seed)
			}
			rows = append(rows, c.row(cell(s.Text), fmt.Sprint(l.Runs), fmt.Sprint(l.Threads), seed,
				latency(l.P50), latency(l.P95), latency(l.P99), latency(l.Max)))
		}
	}
	m.section("Loops", "", []string{"case", "target", "step", "runs:", "threads:", "seed:", "p50:", "p95:", "p99:", "max:"}, rows)
}

// programs lists every test of every program: the readers of a run want to find them by name.
func (m *markdown) programs(rec *results.Record) {
	var rows [][]string
	more := 0
	for _, r := range cases(rec, func(c *results.CaseRecord) bool { a := c.Telling(); return a != nil && len(a.Verdict.Tests) > 0 }) {
		v := &r.rec.Telling().Verdict
		for _, t := range v.Tests {
			rows = append(rows, r.row(cell(t.Name), cell(joined(t.Outcome, testWhy(t)))))
		}
		for _, n := range v.TestsLeft {
			more += n
		}
	}
	m.section("Tests of programs", "", []string{"case", "target", "test", "outcome"}, rows)
	if more += max(0, len(rows)-markdownRows); more > 0 {
		m.line("%s not listed.\n", count(more, "more test is", "more tests are"))
	}
}

// row begins with the case and its target.
func (p placed) row(cells ...string) []string {
	return append([]string{code(p.rec.Name), escape(targetLabel(p.target))}, cells...)
}

func (m *markdown) times(rec *results.Record) {
	m.line("## Times\n")
	if t := times(rec.Phases); len(t) > 0 {
		m.line("- beside the targets: %s", escape(strings.Join(t, ", ")))
	}
	for i := range rec.Targets {
		if t := times(rec.Targets[i].Phases); len(t) > 0 {
			m.line("- %s: %s", escape(targetLabel(&rec.Targets[i])), escape(strings.Join(t, ", ")))
		}
	}
	m.line("- in all: %s\n", Duration(rec.Elapsed()))
}

func (m *markdown) all(rec *results.Record) {
	all := cases(rec, func(*results.CaseRecord) bool { return true })
	m.line("<details><summary>All %s</summary>\n", count(len(all), "case", "cases"))
	m.table("outcome", "case", "target", "time:")
	for i, c := range all {
		if i == markdownRows {
			m.row("…", fmt.Sprintf("%d more are in junit.xml", len(all)-i), "", "")
			break
		}
		m.row(string(c.rec.Final), code(c.rec.Name), escape(targetLabel(c.target)), Duration(c.rec.Elapsed()))
	}
	m.line("\n</details>")
}

// block shows lines that a program has written, as they are.
func (m *markdown) block(d detail) {
	all := lines(results.Clip(d.text, markdownBlock), blockLines)
	ticks := strings.Repeat("`", max(3, longestRun(strings.Join(all, "\n"))+1))
	m.line("%s:\n\n%stext\n%s\n%s\n", escape(d.label), ticks, strings.Join(all, "\n"), ticks)
}

// fence shows a command to be copied.
func (m *markdown) fence(command string) {
	ticks := strings.Repeat("`", max(3, longestRun(command)+1))
	m.line("%ssh\n%s\n%s\n", ticks, Printable(results.Clip(command, markdownText)), ticks)
}

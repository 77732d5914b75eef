package report

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wskharness/results"
)

// Most of a list that is shown on a terminal; summary.md has all.
const summaryRows = 40

// summarize writes what a person wants to know at the end of a run: known issues apart from
// failures, what was recorded, what was not tested, and last, where the eye is, the result with
// the guests that it holds for, the times, and where the reports are: names in dir, which is as the user would type it;
// where it is empty they are not told.
func summarize(w io.Writer, v view, rec *results.Record, dir string, reports []string) error {
	s := &summary{view: v}
	s.known(rec)
	s.recorded(rec)
	s.left(rec)
	s.failed(rec)
	s.trouble(rec)
	s.result(rec)
	s.reports(dir, reports)
	if _, err := io.WriteString(w, s.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

type summary struct {
	strings.Builder
	view view
}

func (s *summary) line(parts ...string) {
	s.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n")
}

func (s *summary) title(text string) {
	s.line()
	s.line(s.view.paint(bold, text))
}

// broken writes a text in as many lines as it takes.
func (s *summary) broken(text string, indent int, sgr string) {
	for _, line := range s.view.broken(text, indent, false) {
		s.line(strings.Repeat(" ", indent), s.view.paint(sgr, line))
	}
}

func (s *summary) known(rec *results.Record) {
	known := cases(rec, isKnown)
	title := count(len(known), "known issue", "known issues") + ", failing just as declared"
	s.grouped(title, rec, known, func(p placed) string { return Printable(p.rec.Why()) })
}

func (s *summary) left(rec *results.Record) {
	s.grouped("not tested", rec, cases(rec, isLeft), func(p placed) string { return string(p.rec.Final) + ": " + Printable(p.rec.Why()) })
}

// grouped lists cases, where there are some, under what they have in common: one cause often shows in several of them.
func (s *summary) grouped(title string, rec *results.Record, cases []placed, why func(placed) string) {
	var reasons []string
	names := make(map[string][]string)
	for _, c := range cases {
		reason := why(c)
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], s.named(rec, c))
	}
	if len(reasons) > 0 {
		s.title(title)
	}
	for _, reason := range reasons {
		s.broken(reason, 2, yellow)
		listed := names[reason]
		if more := len(listed) - summaryRows; more > 0 {
			listed = append(listed[:summaryRows:summaryRows], fmt.Sprintf("and %d more", more))
		}
		s.broken(strings.Join(listed, ", "), 6, dim)
	}
}

// named is a case with its target where there are several.
func (s *summary) named(rec *results.Record, p placed) string {
	if len(rec.Targets) > 1 {
		return Printable(p.rec.Name) + " on " + Printable(targetLabel(p.target))
	}
	return Printable(p.rec.Name)
}

// full reports that a list is as long as it may be, having told how many more there are.
func (s *summary) full(i, all int) bool {
	if i == summaryRows {
		s.line(s.view.paint(dim, fmt.Sprintf("  … %d more in %s", all-i, markdownName)))
	}
	return i == summaryRows
}

func (s *summary) recorded(rec *results.Record) {
	recorded := cases(rec, hasRecorded)
	var width int
	for _, r := range recorded {
		width = min(max(width, columns(s.named(rec, r))), 48)
	}
	for i, r := range recorded {
		if i == 0 {
			s.title("recorded, not judged")
		}
		if s.full(i, len(recorded)) {
			return
		}
		name := s.named(rec, r)
		for _, line := range s.view.broken(Printable(observed(observations(r.rec))), 2+width+2, false) {
			s.line("  ", pad(name, width), "  ", line)
			name = ""
		}
	}
}

// failed names again, in one place, what was told in full when it happened.
func (s *summary) failed(rec *results.Record) {
	bad := cases(rec, isBad)
	for i, b := range bad {
		if i == 0 {
			s.title("failures")
		}
		if s.full(i, len(bad)) {
			return
		}
		word := string(b.rec.Final)
		gap := strings.Repeat(" ", max(0, outcomeColumns-len(word))+2)
		s.line("  ", s.view.outcome(b.rec.Final, word), gap, s.view.paint(bold, s.named(rec, b)))
		if h := history(b.rec); h != "" {
			s.line(strings.Repeat(" ", detailIndent), h)
		}
		a := b.rec.Telling()
		if a == nil {
			continue
		}
		s.broken(Printable(message(b.rec.Final, &a.Verdict)), detailIndent, "")
		if a.Verdict.Rerun != "" {
			s.line(strings.Repeat(" ", detailIndent), s.view.paint(bold, Printable(a.Verdict.Rerun)))
		}
	}
}

func (s *summary) trouble(rec *results.Record) {
	told := troubles(rec, "")
	if rec.Error != "" {
		told = slices.Insert(told, 0, rec.Error)
	}
	if len(told) > 0 {
		s.title("trouble")
	}
	for _, text := range told {
		for _, line := range lines(text, 20) {
			s.broken(line, 2, "")
		}
	}
}

func (s *summary) result(rec *results.Record) {
	s.line()
	policy := rec.Run.Policy
	sgr := "1;32"
	switch results.ExitCode(rec, policy) {
	case results.ExitOK:
		if rec.Counts[results.Skip] == rec.Counts.Total() || rec.Counts[results.Flaky] > 0 {
			sgr = "1;33"
		}
	case results.ExitFailed:
		sgr = "1;31"
	default:
		sgr = "1;35"
	}
	for i, line := range s.view.broken(Headline(rec, policy), 0, false) {
		if i == 0 {
			line = strings.ToUpper(line[:1]) + line[1:]
		}
		s.line(s.view.paint(sgr, line))
	}
	s.targets(rec)
	s.entry("time", s.took(rec.Elapsed(), rec.Phases))
	s.kept(rec)
}

// kept says of the guests that were left up how to go on with them.
func (s *summary) kept(rec *results.Record) {
	for i := range rec.Targets {
		if name := Printable(rec.Targets[i].Kept); name != "" {
			s.entry("kept up", []string{name + ": wskharness run --on " + name, "wskharness vm exec " + name + " -- cmd",
				"wskharness vm down " + name + ", when done with it"})
		}
	}
}

// targets gives the counts of each target, with the guest that they hold for.
func (s *summary) targets(rec *results.Record) {
	for i := range rec.Targets {
		t := &rec.Targets[i]
		told := s.view.broken(Printable(guestLine(t.Guest)), s.indent(), false)
		told = append(told, s.counts(t)...)
		s.entry(Printable(t.Name), append(told, s.took(total(t.Phases), t.Phases)...))
	}
}

// indent is where the texts of the result start.
func (s *summary) indent() int { return 2 + s.view.label + 2 }

func (s *summary) entry(label string, lines []string) {
	for _, line := range s.view.entry(label, lines...) {
		s.line(line)
	}
}

// room is the width left beside the labels; 0 for no limit.
func (s *summary) room() int {
	if s.view.width == 0 {
		return 0
	}
	return max(20, s.view.width-s.indent())
}

func (s *summary) counts(t *results.TargetRecord) []string {
	counts := t.Counts()
	var parts []string
	for _, o := range slices.Backward(results.Outcomes()) {
		if counts[o] == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", counts[o], o)
		if n := recordedOnly(t); o == results.Pass && n > 0 {
			part += fmt.Sprintf(" (%d judged, %d recorded)", counts[o]-n, n)
		}
		parts = append(parts, s.view.outcome(o, part))
	}
	return pack(parts, " · ", s.room())
}

// recordedOnly counts the passes of which nothing was judged.
func recordedOnly(t *results.TargetRecord) int {
	var n int
	for i := range t.Cases {
		if t.Cases[i].Final == results.Pass && t.Cases[i].Basis == results.Recorded {
			n++
		}
	}
	return n
}

// took says how long something was, and where that time went.
func (s *summary) took(elapsed time.Duration, phases []results.PhaseRecord) []string {
	where := times(phases)
	if len(where) == 0 {
		return []string{Duration(elapsed)}
	}
	where[0] = Duration(elapsed) + ": " + where[0]
	return pack(where, " · ", s.room())
}

func (s *summary) reports(dir string, names []string) {
	if dir == "" {
		return
	}
	var paths []string
	for _, name := range names {
		paths = append(paths, Printable(filepath.Join(dir, name)))
	}
	if len(paths) == 0 {
		paths = []string{Printable(filepath.Join(dir, results.JournalName))}
	}
	s.entry("reports", paths)
}

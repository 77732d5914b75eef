package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"wskharness/report"
	"wskharness/results"
)

// table prints what came of the defects, for a terminal or a log.
type table struct {
	out     io.Writer
	colours bool
	width   int
}

func newTable(out *os.File) *table {
	r := &table{out: out, width: 120}
	if term.IsTerminal(int(out.Fd())) {
		r.colours = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(out.Fd())); err == nil && width > 40 {
			r.width = min(width, 160)
		}
	}
	return r
}

const (
	bold  = "1"
	dim   = "2"
	red   = "1;31"
	green = "32"
)

func (r *table) paint(sgr, s string) string {
	if !r.colours {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// text prints words in lines that fit, each indented.
func (r *table) text(indent int, sgr, s string) {
	margin := strings.Repeat(" ", indent)
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && indent+len([]rune(line))+1+len([]rune(word)) > r.width {
			fmt.Fprintln(r.out, margin+r.paint(sgr, line))
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		fmt.Fprintln(r.out, margin+r.paint(sgr, line))
	}
}

func (r *table) begin(defects, cases, guests int) {
	fmt.Fprintf(r.out, "%d defects, each against %d cases on a Wine guest with the model, %d guests side by side\n\n", defects, cases, guests)
}

// The columns of a line: verdict, defect, and how long it took.
func (r *table) head(sgr, word, name, took string) {
	fmt.Fprintf(r.out, "%s  %s %6s\n", r.paint(sgr, fmt.Sprintf("%-10s", word)), r.paint(bold, fmt.Sprintf("%-36s", name)), took)
}

func (r *table) finding(f finding, cases int) {
	sgr, word := green, "caught"
	if !f.ok() {
		sgr, word = red, "NOT CAUGHT"
		if f.by() != nil {
			word = "WRONG"
		}
	}
	r.head(sgr, word, f.defect.String(), report.Duration(f.took))
	r.text(12, "", f.defect.doc)
	if by := f.by(); by != nil {
		r.text(12, "", fmt.Sprintf("%s (%s)", by.name, by.outcome))
		r.text(14, dim, "rule  "+by.rule)
		r.text(14, dim, "said  "+by.message)
	} else {
		r.text(12, red, "not by "+expected(f.defect))
	}
	var others []string
	for _, c := range f.caught {
		if by := f.by(); by == nil || c.name != by.name {
			others = append(others, c.name)
		}
	}
	if len(others) > 0 {
		const shown = 5
		text := "also " + strings.Join(others[:min(shown, len(others))], ", ")
		if more := len(others) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if f.stopped && f.ran < cases {
			text += fmt.Sprintf("; stopped after %d cases", f.ran)
		}
		r.text(14, dim, text)
	}
	for _, wrong := range f.wrong {
		r.text(12, red, wrong)
	}
}

// expected is what has to catch a defect, or why nothing has to.
func expected(d defect) string {
	var words []string
	for _, c := range d.by {
		word := c.pattern
		if c.outcome != results.Fail {
			word += " (" + string(c.outcome) + ")"
		}
		words = append(words, word)
	}
	switch {
	case d.awaits != "":
		return "not in the table: awaits " + d.awaits
	case d.other != "":
		return "not in the table: shown by " + d.other
	}
	return strings.Join(words, ", ")
}

func (r *table) list(all []defect) {
	for _, d := range all {
		fmt.Fprintln(r.out, r.paint(bold, d.String()))
		r.text(2, "", d.doc)
		r.text(2, dim, expected(d))
	}
}

// end prints the sum, and what was not tried.
func (r *table) end(findings []finding, chosen []defect, took time.Duration) {
	good, all := map[part]int{}, map[part]int{}
	for _, f := range findings {
		all[f.defect.part]++
		if f.ok() {
			good[f.defect.part]++
		}
	}
	sgr := green
	if good[model]+good[sample] < len(findings) {
		sgr = red
	}
	fmt.Fprintf(r.out, "\n%s in %s: %d of %d of the model, %d of %d of the sample\n",
		r.paint(sgr, fmt.Sprintf("%d of %d defects caught", good[model]+good[sample], len(findings))),
		report.Duration(took), good[model], all[model], good[sample], all[sample])
	for _, d := range chosen {
		if len(d.by) == 0 {
			r.text(0, dim, fmt.Sprintf("%s is %s", d, expected(d)))
		}
	}
}

// idle prints which cases caught nothing. Some can't, since no defect breaks their rule; but a case that nothing can
// break may prove nothing.
func (r *table) idle(findings []finding, cases []string) {
	useful := map[string]bool{}
	for _, f := range findings {
		for _, c := range f.caught {
			useful[c.name] = true
		}
	}
	idle := slices.DeleteFunc(slices.Clone(cases), func(name string) bool { return useful[name] })
	if len(idle) > 0 {
		fmt.Fprintf(r.out, "\n%d of %d cases caught nothing:\n", len(idle), len(cases))
		r.text(2, dim, strings.Join(idle, ", "))
	}
}

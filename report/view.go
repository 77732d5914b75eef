package report

import (
	"fmt"
	"strings"
	"time"

	"wskharness/results"
)

// view lays out lines for a person. A width of 0 means that lines may be of any length.
type view struct {
	palette
	width  int
	label  int // columns for the labels of the head and the result
	target int // columns for the target; 0 where there is only one
	name   int // columns for the case
}

// The columns of a verdict line: two of indent, the outcome, two between.
const (
	outcomeColumns = len(results.KnownIssue) // "unexpected-pass" is longer, and rare: it takes from the name
	detailIndent   = 2 + outcomeColumns + 2
	labelColumns   = 10
	elapsedColumns = 7
	minNote        = 28 // columns below which a cut note says too little
)

// newView measures what a plan will need.
func newView(p palette, width int, run *results.Run) view {
	v := view{palette: p, width: width, label: columns("reports")}
	for _, t := range run.Plan {
		v.label = min(max(v.label, columns(Printable(t.Name))), 24)
		if len(run.Plan) > 1 {
			label := targetLabel(&results.TargetRecord{Name: Printable(t.Name), Guest: t.Guest})
			v.target = min(max(v.target, columns(label)), 24)
		}
		for _, c := range t.Cases {
			v.name = min(max(v.name, columns(Printable(c.Name))), 40)
		}
	}
	return v
}

// verdict is the line of one attempt: outcome, target where there are several, case, time, and a
// few words where there is something to say and room for it.
func (v view) verdict(t *results.TargetRecord, c *results.PlanCase, number int, verdict *results.Verdict) string {
	word := string(verdict.Outcome)
	shift := max(0, len(word)-outcomeColumns)
	line := "  " + v.outcome(verdict.Outcome, word) + strings.Repeat(" ", max(0, outcomeColumns-len(word))+2)
	used := detailIndent + shift
	if v.target > 0 {
		label := pad(Printable(targetLabel(t)), v.target)
		line += label + "  "
		used += columns(label) + 2
	}
	name := pad(attemptName(c.Name, number), v.name-shift)
	weight := ""
	if verdict.Outcome.Bad() {
		weight = bold
	}
	elapsed := strings.Repeat(" ", elapsedColumns)
	if verdict.Elapsed > 0 {
		elapsed = fmt.Sprintf("%*s", elapsedColumns, Duration(verdict.Elapsed))
	}
	line += v.paint(weight, name) + " " + v.paint(dim, elapsed)
	used += columns(name) + 1 + columns(elapsed)
	if note := v.note(verdict, used+2); note != "" {
		line += "  " + v.paint(dim, note)
	}
	return strings.TrimRight(line, " ")
}

// attemptName is a case, with the number of an attempt that is not the first.
func attemptName(name string, number int) string {
	if number > 1 {
		return fmt.Sprintf("%s #%d", Printable(name), number)
	}
	return Printable(name)
}

// heading names an attempt whose verdict stands further up, above what came of it later.
func (v view) heading(t *results.TargetRecord, e results.Event) string {
	name := attemptName(e.Case, e.Attempt)
	if v.target > 0 || name == "" {
		name = strings.TrimSpace(pad(Printable(targetLabel(t)), v.target) + "  " + name)
	}
	return strings.Repeat(" ", detailIndent) + v.paint(dim, name+":")
}

// note is the remark at the end of a verdict line; what does not fit is in the summary anyway.
func (v view) note(verdict *results.Verdict, used int) string {
	var note string
	switch {
	case verdict.Outcome == results.KnownIssue && verdict.Known != nil:
		note = Printable(verdict.Known.Reason)
	case verdict.Outcome == results.Pass && len(verdict.Records) > 0:
		note = "recorded: " + Printable(observed(verdict.Records))
	case verdict.Outcome == results.Pass && verdict.Effort != nil:
		note = effortText(verdict.Effort)
	case verdict.Outcome == results.Pass && len(verdict.Tests) > 0:
		note = countTests(verdict)
	case !verdict.Outcome.Bad():
		note = Printable(verdict.Reason)
	}
	if v.width == 0 || used+columns(note) <= v.width {
		return note
	}
	if v.width-used < minNote {
		return ""
	}
	return fit(note, v.width-used)
}

// detail puts the label in its column and the text beside it. What is to be copied is not broken.
func (v view) detail(d detail) []string {
	var text []string
	for _, line := range lines(d.text, 20) {
		text = append(text, v.broken(line, detailIndent+labelColumns, d.label == "rerun")...)
	}
	out := make([]string, len(text))
	for i, line := range text {
		label := ""
		if i == 0 {
			label = Printable(d.label)
		}
		out[i] = strings.Repeat(" ", detailIndent) + v.paint(dim, pad(label, labelColumns)) + v.accent(d.label, line)
	}
	return out
}

func (v view) accent(label, s string) string {
	switch label {
	case "actual", "fault":
		return v.paint(red, s)
	case "expected":
		return v.paint(green, s)
	case "rerun":
		return v.paint(bold, s)
	}
	return s
}

// broken wraps a line to the room that is left of it.
func (v view) broken(line string, indent int, whole bool) []string {
	if whole || v.width == 0 || columns(line) <= v.width-indent || v.width-indent < 20 {
		return []string{line}
	}
	return wrap(line, v.width-indent)
}

// step is the line of one step, for those who want to see each.
func (v view) step(s *results.Step, width int) string {
	text := pad(Printable(s.Text), width)
	line := strings.Repeat(" ", detailIndent) + v.paint(dim, fmt.Sprintf("%2d", s.Index+1)) + "  " + text + "  "
	status := Printable(s.Status)
	if len(s.Values) > 0 {
		var values []string
		for _, value := range s.Values {
			values = append(values, Printable(value.Name)+"="+Printable(value.Value))
		}
		status += " " + strings.Join(values, " ")
	}
	if !s.OK {
		status = v.paint("1;31", status)
		if s.Expected != "" {
			status += ", expected " + Printable(s.Expected)
		}
	}
	return line + status + "  " + v.paint(dim, stepTime(s))
}

// steps lines up the steps of an attempt.
func (v view) steps(steps []results.Step) []string {
	var width int
	for i := range steps {
		width = min(max(width, columns(Printable(steps[i].Text))), 48)
	}
	out := make([]string, len(steps))
	for i := range steps {
		out[i] = v.step(&steps[i], width)
	}
	return out
}

// trouble tells of a phase that failed.
func (v view) trouble(label string, p *results.Phase) []string {
	line := "  " + v.outcome(results.Error, string(results.Error)) + strings.Repeat(" ", outcomeColumns-len(results.Error)+2)
	if label != "" {
		line += Printable(label) + ": "
	}
	out := []string{line + Printable(p.Name) + " " + v.paint(dim, "after "+Duration(p.Elapsed))}
	return append(out, v.detail(detail{label: "reason", text: p.Error})...)
}

// entry writes lines beside their label, as in the head and in the result.
func (v view) entry(label string, lines ...string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = "  " + v.paint(bold, pad(label, v.label)) + "  " + line
		label = ""
	}
	return out
}

// ready says that a target is about to run its cases, and what it is.
func (v view) ready(t *results.TargetRecord, elapsed time.Duration) []string {
	text := Printable(guestLine(t.Guest)) + ", ready in " + Duration(elapsed)
	return v.entry(Printable(t.Name), v.broken(text, 2+v.label+2, false)...)
}

// driver says what is tested.
func (v view) driver(p *results.Package) []string {
	from := "just built"
	switch {
	case p.Cached:
		from = "unchanged"
	case p.Toolchain == results.BuiltElsewhere:
		from = results.BuiltElsewhere
	}
	about := fmt.Sprintf("%s, %s, sha256 %s, %s", Printable(p.File), Bytes(p.Size), Printable(p.SHA256[:min(len(p.SHA256), 12)]), from)
	if p.Signer != "" {
		about += ", signed by " + Printable(p.Signer)
	}
	return v.entry("driver", v.broken(about, 2+v.label+2, false)...)
}

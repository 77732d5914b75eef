package report

import (
	"cmp"
	"fmt"
	"strings"

	"wskharness/results"
)

// detail is one labelled line of what is to be said about a case; every view shows the same.
type detail struct {
	label string
	text  string // may come from a guest, may have several lines
	code  bool   // is to be shown and copied letter by letter
	block bool   // has lines that belong together, with their indentation
}

// explain says all that a person needs who looks at an attempt that is not as it should be: what
// was expected, what came, what evidence there is, and how to run it again.
func explain(c *results.PlanCase, a *results.Attempt) []detail {
	v := &a.Verdict
	var all []detail
	add := func(label, text string, code bool) {
		if text != "" {
			all = append(all, detail{label: label, text: text, code: code})
		}
	}
	block := func(label, text string) {
		if text != "" {
			all = append(all, detail{label: label, text: text, code: true, block: true})
		}
	}
	if d := v.Deviation; d != nil {
		add("step", stepLabel(d), true)
		add("expected", d.Expected, true)
		add("actual", d.Actual, true)
		if d.Elapsed > 0 {
			add("after", Duration(d.Elapsed), false)
		}
		if d.In != nil {
			add("in", placeText(d.In), true)
		}
		add("at", d.Place, true)
	}
	if v.Known != nil {
		add("declared", joined(v.Known.Reason, v.Known.Source), false)
	}
	add("reason", v.Reason, false)
	block("tests", failedTests(v))
	for _, w := range v.Wrote {
		block(writtenLabel(w, v.Deviation), w.Text)
	}
	for _, e := range a.Evidence {
		add(evidenceLabel(&e), evidenceText(&e), true)
	}
	add("source", c.Source, true)
	add("rerun", v.Rerun, true)
	return all
}

func stepLabel(d *results.Deviation) string {
	if d.Step < 0 {
		return d.Text
	}
	return strings.TrimSpace(fmt.Sprintf("%d  %s", d.Step+1, d.Text))
}

// writtenLabel names a stream, and its step where another one deviated first.
func writtenLabel(w results.Written, d *results.Deviation) string {
	if d != nil && d.Step == w.Step {
		return w.Of
	}
	return fmt.Sprintf("%s %d", w.Of, w.Step+1)
}

func joined(reason, source string) string {
	if source == "" {
		return reason
	}
	return reason + " (" + source + ")"
}

func evidenceLabel(e *results.Evidence) string { return cmp.Or(e.Kind, "evidence") }

// evidenceText puts in one text what is known of a piece of evidence: its words, where it happened in a module, whether that
// is signed, and its file.
func evidenceText(e *results.Evidence) string {
	var parts []string
	if e.Text != "" {
		parts = append(parts, e.Text)
	}
	if e.Module != "" {
		place := fmt.Sprintf("%s+0x%x", e.Module, e.Offset)
		if e.Source != "" {
			place += " in " + e.Source
		}
		parts = append(parts, place)
	}
	if e.Signature != "" {
		parts = append(parts, "signature "+e.Signature)
	}
	if e.File != "" && e.Size > 0 {
		parts = append(parts, e.File+" ("+Bytes(e.Size)+")")
	} else if e.File != "" {
		parts = append(parts, e.File)
	}
	return strings.Join(parts, "\n")
}

// message says a bad attempt in one line.
func message(o results.Outcome, v *results.Verdict) string {
	if d := v.Deviation; d != nil {
		where := "expected"
		if d.Step >= 0 {
			where = fmt.Sprintf("step %d (%s): expected", d.Step+1, d.Text)
		}
		return fmt.Sprintf("%s %s, got %s", where, d.Expected, d.Actual)
	}
	return cmp.Or(v.Reason, string(o))
}

// history says how the attempts of a repeated case went: "10 attempts: 9 pass, 1 fail".
func history(c *results.CaseRecord) string {
	if len(c.Attempts) < 2 {
		return ""
	}
	counts := make(results.Counts)
	var void int
	for _, a := range c.Attempts {
		if a.Void != "" {
			void++
			continue
		}
		counts[a.Verdict.Outcome]++
	}
	var parts []string
	for _, o := range results.Outcomes() {
		if n := counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if void > 0 {
		parts = append(parts, fmt.Sprintf("%d void", void))
	}
	return fmt.Sprintf("%d attempts: %s", len(c.Attempts), strings.Join(parts, ", "))
}

// observed is what a case recorded, in one line.
func observed(records []results.Observation) string {
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = r.Name + " = " + r.Value
		if r.Name == "" {
			parts[i] = r.Value
		}
	}
	return strings.Join(parts, ", ")
}

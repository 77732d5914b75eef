package results

import (
	"fmt"
	"strings"
	"time"
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
func explain(c *PlanCase, a *Attempt) []detail {
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
			add("in", d.In.String(), true)
		}
		add("at", d.Place, true)
	}
	if v.Known != nil {
		add("declared", joined(v.Known.Reason, v.Known.Source), false)
	}
	add("reason", v.Reason, false)
	block("tests", v.failedTests())
	for _, w := range v.Wrote {
		block(w.label(v.Deviation), w.Text)
	}
	for _, e := range a.Evidence {
		add(e.label(), e.describe(), true)
	}
	add("source", c.Source, true)
	add("rerun", v.Rerun, true)
	return all
}

func stepLabel(d *Deviation) string {
	if d.Step < 0 {
		return d.Text
	}
	return strings.TrimSpace(fmt.Sprintf("%d  %s", d.Step+1, d.Text))
}

// label names a stream, and its step where another one deviated first.
func (w Written) label(d *Deviation) string {
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

func (e *Evidence) label() string {
	if e.Kind == "" {
		return "evidence"
	}
	return e.Kind
}

// describe puts in one text what is known of a piece of evidence.
func (e *Evidence) describe() string {
	var parts []string
	for _, part := range []string{e.Text, e.place(), e.signed(), e.File} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.File != "" && e.Size > 0 {
		parts[len(parts)-1] += " (" + Bytes(e.Size) + ")"
	}
	return strings.Join(parts, "\n")
}

func (e *Evidence) signed() string {
	if e.Signature == "" {
		return ""
	}
	return "signature " + e.Signature
}

// message says a bad attempt in one line.
func message(o Outcome, v *Verdict) string {
	if d := v.Deviation; d != nil {
		where := "expected"
		if d.Step >= 0 {
			where = fmt.Sprintf("step %d (%s): expected", d.Step+1, d.Text)
		}
		return fmt.Sprintf("%s %s, got %s", where, d.Expected, d.Actual)
	}
	if v.Reason != "" {
		return v.Reason
	}
	return string(o)
}

// history says how the attempts of a repeated case went: "10 attempts: 9 pass, 1 fail".
func (c *CaseRecord) history() string {
	if len(c.Attempts) < 2 {
		return ""
	}
	counts := make(Counts)
	var void int
	for _, a := range c.Attempts {
		if a.Void != "" {
			void++
			continue
		}
		counts[a.Verdict.Outcome]++
	}
	var parts []string
	for _, o := range Outcomes() {
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
func observed(records []Observation) string {
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = r.Name + " = " + r.Value
		if r.Name == "" {
			parts[i] = r.Value
		}
	}
	return strings.Join(parts, ", ")
}

// spent is the time of each kind of phase on a target, in the order in which they first came.
func spent(phases []PhaseRecord) []PhaseRecord {
	var sums []PhaseRecord
	index := make(map[string]int)
	for i := range phases {
		p := &phases[i]
		if !p.Ended {
			continue
		}
		if i, ok := index[p.Name]; ok {
			sums[i].Elapsed += p.own()
			continue
		}
		index[p.Name] = len(sums)
		sums = append(sums, PhaseRecord{Name: p.Name, Elapsed: p.own()})
	}
	return sums
}

// times says where the time of some phases went; what is too short to matter is left out.
func times(phases []PhaseRecord) []string {
	var parts []string
	for _, p := range spent(phases) {
		if p.Elapsed >= time.Millisecond {
			parts = append(parts, p.Name+" "+Duration(p.Elapsed))
		}
	}
	return parts
}

package report

import (
	"fmt"
	"strings"
)

// indented takes a line of a YAML block's beginning, of subtests, or of talk.
func (d *document) indented(line string, indent int) {
	if d.child == nil {
		text := line[indent:]
		if text == "---" && d.last != nil {
			d.yaml = indent
			return
		}
		if !tapLike(text) {
			d.talk("")
			return
		}
		if d.level == maxSubtests {
			d.wrongly("subtests that are nested deeper than %d times", maxSubtests)
			return
		}
		d.child = d.subtests(indent)
	}
	if d.child.base == 0 {
		d.child.base = indent
	}
	d.child.line(line[min(indent, d.child.base):])
	if d.child.gaveUp {
		d.bail(d.child.mistake)
	}
}

// subtests begins a document within the document.
func (d *document) subtests(base int) *document {
	sub := &document{planned: unplanned, level: d.level + 1, base: base, announced: d.headed}
	sub.add = sub.subtest
	d.headed = false
	return sub
}

func tapLike(text string) bool {
	kind, parts := lineKind(text)
	return kind != lineTalk && (kind != lineComment || strings.HasPrefix(strings.TrimLeft(parts.text, " "), "Subtest"))
}

// subtest takes in a test of a document that is a test's own.
func (d *document) subtest(one Result) {
	if one.Outcome != NotOK {
		return
	}
	d.bad++
	d.failed.line("not ok " + one.Name)
	if one.Detail != "" {
		d.failed.line("  " + strings.ReplaceAll(one.Detail, "\n", "\n  "))
	}
}

// judge takes in what came of the test's own subtests.
func (p *pending) judge(sub *document) {
	sub.finish()
	why := sub.problem()
	if why == "" && sub.mistake != "" && sub.planned >= 0 {
		why = sub.mistake
	}
	switch {
	case why == "" && sub.planned == 0 && p.Outcome == OK:
		p.Outcome, p.Detail = Skip, sub.reason // none of it ran
	case why == "" || p.Outcome == Todo:
	case p.Outcome == NotOK:
		p.why.line(sub.failed.String())
	default:
		p.why.line(fmt.Sprintf("it says %s, but of its subtests %s", p.Outcome, why))
		p.why.line(sub.failed.String())
		p.Outcome = NotOK
	}
}

// problem says why subtests prove nothing, or, of the whole report, what of its plan did not come.
func (d *document) problem() string {
	switch {
	case d.bad > 0:
		return fmt.Sprintf("%d failed", d.bad)
	case d.planned >= 0 && d.planned != d.count:
		return fmt.Sprintf("%d tests were planned, %d ran", d.planned, d.count)
	case d.planned < 0 && d.announced:
		return "there is no plan (1..N)"
	case d.child != nil && d.child.problem() != "":
		return "at the end are subtests of no test: " + d.child.problem()
	}
	return ""
}

func (d *document) settleBraces() {
	sub := d.child
	d.child, d.braced = nil, false
	switch {
	case sub == nil || d.last == nil:
	case sub.count > 0 || sub.planned >= 0:
		d.last.judge(sub)
	default:
		d.last.Name += " {" // of its name, after all
	}
}

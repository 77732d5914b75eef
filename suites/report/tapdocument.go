package report

import (
	"fmt"
	"strings"
)

const (
	unplanned   = -1
	maxSubtests = 64 // levels of subtests
)

// document is a list of tests with its plan: a whole report, or the subtests of one test, which are indented.
type document struct {
	add   func(Result)
	level int
	base  int // columns by which it is indented beyond the one around it

	planned  int
	reason   string // of a plan of no tests
	planLast bool   // tests came before the plan: none may come behind it
	version  bool   // its version has been told
	count    int
	strict   bool   // pragma +strict: talk is a mistake
	mistake  string // the first
	gaveUp   bool

	announced bool // by "# Subtest": it has to have a plan
	headed    bool // the subtests that come next are

	last   *pending
	yaml   int       // columns by which an open YAML block is indented; 0: none is open
	child  *document // subtests under way
	braced bool      // they are of the last test, in braces; else of the next one

	failed detail // of subtests: what failed
	bad    int
}

// pending is a test to which lines may still be added.
type pending struct {
	Result
	why detail
}

func (d *document) wrongly(format string, args ...any) {
	if d.mistake == "" {
		d.mistake = fmt.Sprintf(format, args...)
	}
}

// line takes the next line, without its end.
func (d *document) line(line string) {
	indent := indentOf(line)
	if d.yaml > 0 && d.inYAML(line, indent) {
		return
	}
	if indent > 0 && line != "" {
		d.indented(line, indent)
		return
	}
	switch kind, parts := lineKind(line); kind {
	case lineTest:
		d.test(parts)
	case linePlan:
		d.plan(line, parts)
	case lineBadPlan:
		d.wrongly("a plan that can't be read: %s", clip(line, 60))
	case lineVersion:
		d.versioned(parts.number)
	case linePragma:
		d.pragma(parts.text)
	case lineBail:
		d.bail(parts.text)
	case lineComment:
		d.comment(parts.text)
	default:
		d.talk(line)
	}
}

func (d *document) talk(line string) {
	if line == "}" && d.braced {
		d.settleBraces()
		return
	}
	if d.strict && line != "" {
		d.wrongly("with pragma +strict, a line that is nothing of TAP: %s", clip(line, 60))
	}
}

// inYAML takes a line of the block that follows a test, and reports whether it is of it.
func (d *document) inYAML(line string, indent int) bool {
	switch {
	case strings.TrimLeft(line, " \t") == "..." && indent <= d.yaml:
		d.yaml = 0
		return true
	case line == "":
		return true
	case indent >= d.yaml:
		d.last.why.line(line[d.yaml:])
		return true
	}
	d.yaml = 0
	d.wrongly("the YAML block of %q does not end", clip(d.last.Name, 60))
	return false
}

func (d *document) test(parts tapLine) {
	d.settle()
	own := d.child // subtests come before the test that they are of, or in braces behind it
	d.child = nil
	if d.planLast {
		d.wrongly("a test behind the plan, which comes first or last: is this two reports?")
	}
	d.count++
	if parts.number >= 0 && parts.number != d.count {
		d.wrongly("test %d comes where test %d should", parts.number, d.count)
	}
	description, braces := strings.CutSuffix(parts.text, "{")
	if braces = braces && (description == "" || strings.HasSuffix(description, " ")); !braces {
		description = parts.text
	}
	d.last = &pending{Result: outcomeOf(parts.passed, description)}
	if d.last.Name == "" {
		d.last.Name = fmt.Sprintf("test %d", d.count)
	}
	if own != nil {
		d.last.judge(own)
	}
	if braces {
		d.child, d.braced = d.subtests(0), true
	}
}

// outcomeOf is what a test line says of its test.
func outcomeOf(passed bool, description string) Result {
	name, word, reason := directive(description)
	one := Result{Name: name, Outcome: word, Detail: reason}
	switch {
	case word == "" && passed:
		one.Outcome = OK
	case word == "":
		one.Outcome = NotOK
	case word == Todo && passed:
		one.Detail = strings.TrimRight("it passes, though it is still to do: "+reason, ": ")
	case word == Skip && !passed:
		one.Outcome = NotOK
		one.Detail = strings.TrimRight("not ok, with SKIP; a test that was skipped is \"ok … # SKIP\": "+reason, ": ")
	}
	return one
}

// settle passes on the last test: nothing can be added to it any more.
func (d *document) settle() {
	if d.yaml > 0 {
		d.yaml = 0
		d.wrongly("the YAML block of %q does not end", clip(d.last.Name, 60))
	}
	if d.braced {
		d.settleBraces()
	}
	if d.last == nil {
		return
	}
	if d.last.Outcome == NotOK {
		text := detail{}
		text.line(d.last.Detail)
		text.line(d.last.why.String())
		d.last.Detail = text.String()
	}
	d.add(d.last.Result)
	d.last = nil
}

func (d *document) finish() {
	d.settle()
	if d.child != nil {
		d.child.finish()
	}
}

func (d *document) plan(line string, parts tapLine) {
	switch {
	case d.planned >= 0:
		d.wrongly("a second plan: %s", clip(line, 60))
		return
	case d.count > 0:
		d.planLast = true
	}
	d.planned, d.reason = parts.number, parts.text
	if word, reason := directiveWord(parts.text); word == Skip {
		d.reason = reason
	}
}

func (d *document) versioned(version int) {
	switch {
	case d.version || d.count > 0 || d.planned >= 0:
		d.wrongly("a second report begins in its middle (TAP version %d)", version)
	case version < 12 || version > 14:
		d.wrongly("TAP version %d is not known: 12 to 14 are", version)
	}
	d.version = true
}

func (d *document) pragma(keys string) {
	for key := range strings.FieldsFuncSeq(keys, func(r rune) bool { return r == ' ' || r == ',' }) {
		switch key {
		case "+strict":
			d.strict = true
		case "-strict":
			d.strict = false
		}
	}
}

func (d *document) bail(text string) {
	d.settle()
	if !strings.HasPrefix(text, "the program gave up") {
		text = "the program gave up: " + clip(text, maxName)
	}
	d.gaveUp, d.mistake = true, text
}

func (d *document) comment(text string) {
	text = strings.TrimPrefix(text, " ")
	switch {
	case strings.HasPrefix(text, "Subtest"):
		d.headed = true // some writers put it before the subtests, others at their head
		d.announced = d.announced || d.level > 0 && d.count == 0
	case d.last != nil && d.last.Outcome == NotOK:
		d.last.why.line(text)
	}
}

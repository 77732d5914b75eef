package report

import (
	"errors"
	"fmt"
	"strings"
)

// TAP reads a report in the Test Anything Protocol (testanything.org, versions 12 to 14). The error says why the report
// proves nothing.
//
//	not ok … # TODO    todo: it may fail
//	ok … # TODO        todo, and its detail says that it passes
//	ok … # SKIP        skip; also "skipped", as old writers have it
//	not ok … # SKIP    not ok: nothing has said that a failure does not count
//
// A directive begins at a # that no backslash stands before, with a blank before it and the end of a word behind its
// own. A test whose subtests failed, or are not all there, is not ok, whatever it says of itself. Lines that are nothing
// of TAP are the program's own talk.
func TAP(data []byte, page CodePage) (Report, error) {
	var r Report
	if len(data) == 0 {
		return r, errEmpty
	}
	text := Text(data, page)
	d := &document{planned: unplanned, add: r.add}
	for line := range strings.Lines(text) {
		d.line(strings.TrimRight(line, " \t\r\n"))
		if d.gaveUp {
			break
		}
	}
	d.finish()
	if why := d.wrong(&r, text); why != "" {
		return r, errors.New(why)
	}
	return r, nil
}

var errEmpty = errors.New("it is empty")

// wrong says why the whole report proves nothing.
func (d *document) wrong(r *Report, text string) string {
	switch why := d.problem(); {
	case d.gaveUp || d.mistake != "":
		return d.mistake
	case d.planned < 0:
		return "there is no plan (1..N): did the program end early?"
	case why != "":
		return why
	case d.planned == 0 && d.reason != "":
		return "no test ran: " + d.reason
	case d.planned == 0:
		return "no test ran"
	case !r.ran():
		return allSkipped(r)
	case !strings.HasSuffix(text, "\n") && d.cutMatters(r, lastLine(text)):
		return "its last line does not end: was the report cut off there?"
	}
	return ""
}

func allSkipped(r *Report) string {
	if n := r.Counts[Skip]; n > 1 {
		return fmt.Sprintf("no test ran: all %d were skipped", n)
	}
	return "no test ran: the only one was skipped"
}

func lastLine(text string) string {
	return strings.TrimRight(text[strings.LastIndexByte(text, '\n')+1:], " \t\r")
}

// cutMatters reports whether a last line without an end may have said something worse: a plan, of more tests; the only
// test that ran, that it was skipped.
func (d *document) cutMatters(r *Report, last string) bool {
	switch kind, parts := lineKind(last); kind {
	case linePlan:
		return true
	case lineTest:
		return parts.passed && r.Counts[OK]+r.Counts[Todo] == 1
	}
	return false
}

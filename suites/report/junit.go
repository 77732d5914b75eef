package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth is how deep elements may be in one another.
const maxDepth = 500

// JUnit reads a report in the XML of JUnit, as many programs write it: there is no standard of it. The error says why the
// report proves nothing.
//
// A test is what the worst of these says: its attributes status and result, its elements, as failure, error and skipped. A
// suite that has failed is a failure of its own. What the counters of a suite say has to be what its tests show
// ([suite.contradiction]).
func JUnit(data []byte, page CodePage) (Report, error) {
	var r Report
	if len(data) == 0 {
		return r, errEmpty
	}
	j := junit{report: &r, decoder: xml.NewDecoder(strings.NewReader(xmlText(data, page)))}
	j.decoder.Entity = xml.HTMLEntity
	j.decoder.CharsetReader = func(_ string, text io.Reader) (io.Reader, error) { return text, nil } // it is text already
	err := j.read()
	switch {
	case err != nil:
	case !j.rooted:
		err = errors.New("it is not JUnit XML: there is no testsuite")
	case r.Counts[NotOK] > 0: // that is worse, and explains the rest
	case j.contradiction != "":
		err = errors.New("it contradicts itself: " + j.contradiction)
	case r.Total() == 0:
		err = errors.New("no test ran")
	case !r.ran():
		err = errors.New(allSkipped(&r))
	}
	return r, err
}

// junit reads a document element by element.
type junit struct {
	report        *Report
	decoder       *xml.Decoder
	open          []*element
	rooted        bool // the root has come
	contradiction string
}

// element is one that is open.
type element struct {
	name  string
	suite *suite    // of a testsuite
	test  *testcase // of a testcase
	text  *detail   // where its text is kept
	told  *finding  // of one that says what its test is
	says  *tail     // of output: its end
	mute  bool      // output and properties: nothing in it says anything of a test
}

func (j *junit) read() error {
	for {
		token, err := j.decoder.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = j.begin(t)
		case xml.EndElement:
			j.end()
		case xml.CharData:
			j.text(string(t))
		}
		if err != nil {
			return err
		}
	}
}

func (j *junit) begin(t xml.StartElement) error {
	name := t.Name.Local
	switch {
	case len(j.open) == maxDepth:
		return fmt.Errorf("elements are nested deeper than %d times", maxDepth)
	case len(j.open) == 0 && j.rooted:
		line, _ := j.decoder.InputPos()
		return fmt.Errorf("a second document begins in line %d: a report is one", line)
	case len(j.open) == 0 && name != "testsuite" && name != "testsuites":
		return errors.New(otherFormat(name))
	}
	j.rooted = true
	e := &element{name: name, mute: j.muted()}
	switch {
	case e.mute:
	case name == "testsuite" || name == "testsuites":
		e.suite = newSuite(t.Attr)
	case name == "testcase":
		e.test = newTestcase(t.Attr)
	case name == "system-out" || name == "system-err":
		e.mute, e.says = true, &tail{}
	case name == "properties":
		e.mute = true
	default:
		if outcome := outcomeOfElement(name); outcome != "" || strings.HasPrefix(name, "flaky") {
			e.text = &detail{}
			e.told = &finding{element: name, outcome: outcome, message: attribute(t.Attr, "message"), kind: attribute(t.Attr, "type")}
		}
	}
	j.open = append(j.open, e)
	return nil
}

// text goes to the element that it is in.
func (j *junit) text(text string) {
	if len(j.open) == 0 {
		return
	}
	switch e := j.open[len(j.open)-1]; {
	case e.text != nil:
		e.text.more(text)
	case e.says != nil:
		e.says.more(text)
	}
}

func (j *junit) muted() bool { return len(j.open) > 0 && j.open[len(j.open)-1].mute }

func (j *junit) end() {
	e := j.open[len(j.open)-1]
	j.open = j.open[:len(j.open)-1]
	switch {
	case e.told != nil:
		e.told.body = e.text.String()
		j.tell(e.told)
	case e.says != nil:
		if at := len(j.open) - 1; j.open[at].test != nil {
			j.open[at].test.said.line(e.says.lines())
		}
	case e.test != nil:
		around := j.suiteAround()
		one := e.test.result(around.habit() == countsAssertions)
		around.tests++
		j.settle(one)
	case e.suite != nil:
		j.endSuite(e.suite)
	}
}

// tell gives what an element says to the test that it is in, or else to the suite.
func (j *junit) tell(f *finding) {
	for i := len(j.open) - 1; i >= 0; i-- {
		if t := j.open[i].test; t != nil {
			t.found = append(t.found, *f)
			return
		}
		if s := j.open[i].suite; s != nil {
			if f.outcome == NotOK {
				s.problems = append(s.problems, *f)
			}
			return
		}
	}
}

func (j *junit) suiteAround() *suite {
	for i := len(j.open) - 1; i >= 0; i-- {
		if s := j.open[i].suite; s != nil {
			return s
		}
	}
	return &suite{}
}

// settle counts a result in all the suites around it, and keeps it.
func (j *junit) settle(one Result) {
	for _, e := range j.open {
		if e.suite != nil {
			e.suite.count(one.Outcome)
		}
	}
	j.report.add(one)
}

func (j *junit) endSuite(s *suite) {
	for _, f := range s.problems {
		j.report.add(Result{Name: s.title(), Outcome: NotOK, Detail: f.text()})
		s.failed++
		for _, e := range j.open {
			if e.suite != nil {
				e.suite.failed++
			}
		}
	}
	if why := s.contradiction(); why != "" && j.contradiction == "" {
		j.contradiction = why
	}
	if around := j.suiteAround(); s.habit() != countsTests {
		around.ofAssertions = true
	}
}

func attribute(all []xml.Attr, name string) string {
	for _, a := range all {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

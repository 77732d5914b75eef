package suites

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// reportKind says how a program reports on tests of its own.
type reportKind int

const (
	noReport reportKind = iota
	reportTAP
	reportJUnit
)

// SubResult is one test of a program that a step ran.
type SubResult struct {
	Step    int
	Name    string
	Outcome string // ok, not ok, skip, todo
	Detail  string // why it failed or was skipped; may be empty
}

const (
	subOK    = "ok"
	subNotOK = "not ok"
	subSkip  = "skip"
	subTodo  = "todo"

	maxSubResults = 1000
	maxSubText    = 300
)

// SubResults gives the tests that programs of the case reported on. A report that makes no sense is told by Judge.
func (c *Case) SubResults(results []StepResult) []SubResult {
	var all []SubResult
	for _, r := range results {
		if r.Step < 0 || r.Step >= len(c.Steps) || c.Steps[r.Step].demands() == nil {
			continue
		}
		found, _ := c.Steps[r.Step].subResults(r.Outputs)
		for _, one := range found {
			one.Step = r.Step
			all = append(all, one)
		}
	}
	return all
}

func (s *Step) subResults(o Outputs) ([]SubResult, error) {
	g := s.demands()
	data, total := o.Report, o.ReportBytes
	if g.stdout {
		data, total = o.Out, o.OutBytes
	}
	if g.report != noReport && total != uint64(len(data)) {
		return nil, fmt.Errorf("the report has %d bytes; at most %d are read", total, len(data))
	}
	switch g.report {
	case reportTAP:
		return parseTAP(cleanText(data))
	case reportJUnit:
		return parseJUnit(data)
	}
	return nil, nil
}

// report judges the tests that a program reported on.
func (j *judgement) report() {
	if j.step.demands().report == noReport {
		return
	}
	found, err := j.step.subResults(j.result.Outputs)
	if err != nil {
		j.add(KindOutput, "", "a report of its tests", err.Error(), "expected a report of the program's tests: "+err.Error())
		return
	}
	var failed []string
	for _, one := range found {
		if one.Outcome == subNotOK {
			failed = append(failed, one.Name)
		}
	}
	if len(failed) > 0 {
		expected, actual := fmt.Sprintf("all %d tests of the program to pass", len(found)), fmt.Sprintf("%d failed: %s", len(failed), clipText(strings.Join(failed, ", "), maxSubText))
		j.add(KindOutput, "", expected, actual, fmt.Sprintf("expected %s; %s", expected, actual))
	}
}

var (
	tapTest = regexp.MustCompile(`^(not )?ok\b(?:[ \t]+([0-9]{1,9}))?[ \t]*(?:-[ \t]+)?(.*)$`)
	tapPlan = regexp.MustCompile(`^1\.\.([0-9]{1,9})(?:[ \t]*#[ \t]*(.*))?$`)
	tapDir  = regexp.MustCompile(`(?i)^(.*?)[ \t]*#[ \t]*(skip|todo)\b[ \t]*(.*)$`)
)

// parseTAP reads the Test Anything Protocol (testanything.org, versions 12 to 14). Tests inside tests and diagnostics are
// indented, and passed over: the test that they belong to says what they came to.
func parseTAP(text string) ([]SubResult, error) {
	var found []SubResult
	planned := -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == ' ' || line[0] == '\t' || line[0] == '#' {
			continue
		}
		if m := tapPlan.FindStringSubmatch(line); m != nil {
			if planned >= 0 {
				return found, errors.New("a second plan: " + clipText(line, 60))
			}
			planned, _ = strconv.Atoi(m[1])
			continue
		}
		if strings.HasPrefix(line, "Bail out!") {
			return found, errors.New("the program gave up: " + clipText(line, maxSubText))
		}
		m := tapTest.FindStringSubmatch(line)
		if m == nil {
			continue // anything else is the program's own talk
		}
		if len(found) == maxSubResults {
			return found, tooMany()
		}
		one := SubResult{Name: m[3], Outcome: subOK}
		if m[1] != "" {
			one.Outcome = subNotOK
		}
		number := len(found) + 1
		if m[2] != "" && m[2] != strconv.Itoa(number) {
			return found, fmt.Errorf("test %s comes where test %d should", m[2], number)
		}
		if d := tapDir.FindStringSubmatch(one.Name); d != nil {
			one.Name, one.Detail, one.Outcome = d[1], d[3], strings.ToLower(d[2])
		}
		if one.Name == "" {
			one.Name = fmt.Sprintf("test %d", number)
		}
		one.Name, one.Detail = clipText(one.Name, maxSubText), clipText(one.Detail, maxSubText)
		found = append(found, one)
	}
	switch {
	case planned < 0:
		return found, errors.New("there is no plan (1..N): did the program end early?")
	case planned != len(found):
		return found, fmt.Errorf("%d tests were planned, %d ran", planned, len(found))
	case planned == 0:
		return found, errors.New("no test ran")
	}
	return found, nil
}

// parseJUnit reads the test cases of JUnit XML, however deep its suites.
func parseJUnit(data []byte) ([]SubResult, error) {
	type message struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *message `xml:"failure"`
		Error   *message `xml:"error"`
		Skipped *message `xml:"skipped"`
	}
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var found []SubResult
	for suite := false; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			switch {
			case !suite:
				return found, errors.New("it is not JUnit XML: there is no testsuite")
			case len(found) == 0:
				return found, errors.New("no test ran")
			}
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("it is not XML: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "testsuite", "testsuites":
			suite = true
		case "testcase":
			var t testcase
			if err := decoder.DecodeElement(&t, &start); err != nil {
				return found, fmt.Errorf("it is not XML: %w", err)
			}
			if len(found) == maxSubResults {
				return found, tooMany()
			}
			one := SubResult{Name: t.Name, Outcome: subOK}
			if t.Class != "" {
				one.Name = t.Class + "." + t.Name
			}
			if t.Skipped != nil {
				one.Outcome, one.Detail = subSkip, t.Skipped.Message
			}
			for _, m := range []*message{t.Failure, t.Error} {
				if m != nil {
					one.Outcome, one.Detail = subNotOK, m.Message
				}
			}
			one.Name, one.Detail = clipText(one.Name, maxSubText), clipText(one.Detail, maxSubText)
			found = append(found, one)
		}
	}
}

func tooMany() error { return fmt.Errorf("more than %d tests", maxSubResults) }

func clipText(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

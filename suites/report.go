package suites

import (
	"fmt"
	"strings"

	"wskharness/suites/output"
	"wskharness/suites/report"
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
	Detail  string // why it failed or was skipped; several lines, may be empty
}

// SubResults gives the tests that programs of the case reported on, as far as they are kept, and how many of each outcome are
// not among them. A report that makes no sense is told by Judge.
func (c *Case) SubResults(results []StepResult) (kept []SubResult, left map[string]int) {
	left = map[string]int{}
	for _, r := range results {
		if r.Step < 0 || r.Step >= len(c.Steps) || c.Steps[r.Step].demands() == nil {
			continue
		}
		found, _ := c.Steps[r.Step].reported(r.Outputs)
		for _, one := range found.Results {
			kept = append(kept, SubResult{Step: r.Step, Name: one.Name, Outcome: string(one.Outcome), Detail: one.Detail})
		}
		for outcome, n := range found.Left() {
			left[string(outcome)] += n
		}
	}
	return kept, left
}

// reported reads the report of the step's program, if it makes one. The error says why it proves nothing.
func (s *Step) reported(o output.Outputs) (report.Report, error) {
	g := s.demands()
	data, total, page := o.Report, o.ReportBytes, o.Pages.ANSI
	if g.stdout {
		data, total, page = o.Out, o.OutBytes, o.Pages.OEM
	}
	if g.report != noReport && total != uint64(len(data)) {
		return report.Report{}, fmt.Errorf("it has %d bytes; at most %d are read", total, len(data))
	}
	switch g.report {
	case reportTAP:
		return report.TAP(data, report.CodePage(page))
	case reportJUnit:
		return report.JUnit(data, report.CodePage(page))
	}
	return report.Report{}, nil
}

// report judges the tests that a program reported on.
func (j *judgement) report() {
	if j.step.demands().report == noReport {
		return
	}
	found, err := j.step.reported(j.result.Outputs)
	if n := found.Counts[report.NotOK]; n > 0 {
		expected, actual := allPass(found.Total()), fmt.Sprintf("%d failed: %s", n, failedNames(&found))
		if err != nil {
			actual += "; and of the report: " + err.Error()
		}
		j.add(KindOutput, "", expected, actual, fmt.Sprintf("expected %s; %s", expected, actual))
		if names := found.Failed(); err == nil && len(names) == n {
			j.found[len(j.found)-1].Tests = names
		}
		return
	}
	if err != nil {
		j.add(KindOutput, "", "a report of its tests", err.Error(), "expected a report of the program's tests: "+err.Error())
	}
}

func allPass(tests int) string {
	if tests == 1 {
		return "the program's only test to pass"
	}
	return fmt.Sprintf("all %d tests of the program to pass", tests)
}

// failedNames names some of the tests that failed, and says how many more there are.
func failedNames(r *report.Report) string {
	const most = 300 // bytes
	names, n := "", 0
	for _, name := range r.Failed() {
		if n > 0 && len(names)+len(name) > most {
			break
		}
		if n++; n > 1 {
			names += ", "
		}
		names += strings.ReplaceAll(name, "\n", " ")
	}
	if more := r.Counts[report.NotOK] - n; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return names
}

// LastLines are the ends of what the step's program wrote to its streams, several lines each, for whoever wants to know why
// it failed. A report on its standard output that has tests which failed is left out: they are told.
func (s *Step) LastLines(o output.Outputs) []Reported {
	g := s.demands()
	if g == nil || g.bytes {
		return nil
	}
	told := false
	if g.stdout {
		found, err := s.reported(o)
		told = err == nil && found.Counts[report.NotOK] > 0
	}
	var all []Reported
	for _, stream := range []output.Stream{output.Stdout, output.Stderr} {
		if text := o.LastLines(stream); text != "" && !(told && stream == output.Stdout) {
			all = append(all, Reported{stream.String(), text})
		}
	}
	return all
}

package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wskharness/results"
	"wskharness/results/resultstest"
)

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// rule is what Jenkins' junit-10.xsd (of its xunit plugin) allows of an element.
type rule struct {
	required, optional, children []string
}

func junitSchema() map[string]rule {
	why := rule{optional: []string{"type", "message"}}
	return map[string]rule{
		"testsuites": {nil, []string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
		"testsuite": {
			[]string{"name", "tests", "failures", "errors"},
			[]string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
			[]string{"testsuite", "properties", "testcase", "system-out", "system-err"},
		},
		"properties": {nil, nil, []string{"property"}},
		"property":   {[]string{"name", "value"}, nil, nil},
		"testcase": {[]string{"name"}, []string{"time", "classname", "group"}, []string{
			"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError", "system-out", "system-err"}},
		"skipped": why, "error": why, "failure": why,
		"flakyFailure": {[]string{"type"}, []string{"message"}, []string{"stackTrace", "system-out", "system-err"}},
		"system-out":   {},
	}
}

// checkJUnit holds a report to the schema, and its totals to what is in it.
func checkJUnit(t *testing.T, report []byte) element {
	t.Helper()
	var root element
	if err := xml.Unmarshal(report, &root); err != nil {
		t.Fatalf("JUnit report: %v", err)
	}
	if root.XMLName.Local != "testsuites" {
		t.Fatalf("the root is %s", root.XMLName.Local)
	}
	checkElement(t, junitSchema(), &root)
	var tests, failures, errors int
	for _, s := range root.Children {
		checkSuite(t, &s)
		tests, failures, errors = tests+number(t, &s, "tests"), failures+number(t, &s, "failures"), errors+number(t, &s, "errors")
	}
	if tests != number(t, &root, "tests") || failures != number(t, &root, "failures") || errors != number(t, &root, "errors") {
		t.Errorf("totals %v do not add up to %d tests, %d failures, %d errors", root.Attrs, tests, failures, errors)
	}
	return root
}

func checkElement(t *testing.T, schema map[string]rule, e *element) {
	t.Helper()
	r, ok := schema[e.XMLName.Local]
	if !ok {
		t.Errorf("no element %s in the schema", e.XMLName.Local)
		return
	}
	for _, name := range r.required {
		if !slices.ContainsFunc(e.Attrs, func(a xml.Attr) bool { return a.Name.Local == name }) {
			t.Errorf("%s without %s", e.XMLName.Local, name)
		}
	}
	for _, a := range e.Attrs {
		if !slices.Contains(r.required, a.Name.Local) && !slices.Contains(r.optional, a.Name.Local) {
			t.Errorf("%s may not have %s", e.XMLName.Local, a.Name.Local)
		}
	}
	for i := range e.Children {
		child := &e.Children[i]
		if !slices.Contains(r.children, child.XMLName.Local) {
			t.Errorf("%s may not be in %s", child.XMLName.Local, e.XMLName.Local)
		}
		checkElement(t, schema, child)
	}
}

func checkSuite(t *testing.T, s *element) {
	t.Helper()
	// The pattern SUREFIRE_TIME of the schema.
	surefire := regexp.MustCompile(`^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$`)
	if !surefire.MatchString(s.attr("time")) {
		t.Errorf("time %q of a testsuite", s.attr("time"))
	}
	counts := make(map[string]int)
	for i := range s.Children {
		if s.Children[i].XMLName.Local != "testcase" {
			continue
		}
		counts["tests"]++
		for _, child := range s.Children[i].Children {
			counts[child.XMLName.Local]++
		}
	}
	want := fmt.Sprint(counts["tests"], counts["failure"], counts["error"], counts["skipped"])
	if got := fmt.Sprint(s.attr("tests"), " ", s.attr("failures"), " ", s.attr("errors"), " ", s.attr("skipped")); got != want {
		t.Errorf("testsuite %.40q counts %s, has %s", s.attr("name"), got, want)
	}
}

func number(t *testing.T, e *element, name string) int {
	t.Helper()
	n, err := strconv.Atoi(e.attr(name))
	if err != nil {
		t.Errorf("%s %s: %v", e.XMLName.Local, name, err)
	}
	return n
}

// TestJUnitMapping holds each outcome to its element.
func TestJUnitMapping(t *testing.T) {
	want := map[results.Outcome]string{
		results.Pass: "", results.Fail: "failure", results.UnexpectedPass: "failure", results.Bugcheck: "failure", results.Hang: "failure",
		results.Lost: "error", results.Error: "error", results.KnownIssue: "skipped", results.Skip: "skipped", results.Cancelled: "skipped", results.NotRun: "skipped",
		results.Flaky: "flakyFailure",
	}
	for _, outcome := range results.Outcomes() {
		s := resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, outcome).Done(results.Done)
		if got := elementOf(t, results.Reduce(s.Events)); got != want[outcome] {
			t.Errorf("%s becomes <%s>, want <%s>", outcome, got, want[outcome])
		}
	}
	s := resultstest.New(results.Run{Policy: results.Policy{FlakyFails: true}, Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, results.Flaky).Done(results.Done)
	if got := elementOf(t, results.Reduce(s.Events)); got != "failure" {
		t.Errorf("flaky becomes <%s> where it fails the run, want <failure>", got)
	}
}

// elementOf is what the only testcase holds, besides its output.
func elementOf(t *testing.T, rec *results.Record) string {
	t.Helper()
	var out bytes.Buffer
	if err := junit(&out, rec); err != nil {
		t.Fatal(err)
	}
	root := checkJUnit(t, out.Bytes())
	for _, child := range root.Children[0].Children {
		if child.XMLName.Local != "testcase" {
			continue
		}
		for _, in := range child.Children {
			if in.XMLName.Local != "system-out" {
				if in.attr("type") == "" || in.attr("message") == "" {
					t.Errorf("<%s> without type or message", in.XMLName.Local)
				}
				return in.XMLName.Local
			}
		}
	}
	return ""
}

// TestJUnitIsRedWhereTheRunIsNot: a report must not look complete where the run is not.
func TestJUnitIsRedWhereTheRunIsNot(t *testing.T) {
	pass := func() *resultstest.Script {
		return resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).Attempt("wine", "a.b", 1, results.Pass)
	}
	for name, s := range map[string]*resultstest.Script{
		"interrupted":    pass().Done(results.Interrupted),
		"failed":         pass().Done(results.Failed),
		"without an end": pass(),
		"a target in trouble": resultstest.New(results.Run{Plan: resultstest.Plan(1, "a.b")}).
			FailPhase("wine", results.PhaseConnect, "no answer").Done(results.Done),
	} {
		var out bytes.Buffer
		if err := junit(&out, results.Reduce(s.Events)); err != nil {
			t.Fatal(err)
		}
		if root := checkJUnit(t, out.Bytes()); number(t, &root, "errors") == 0 {
			t.Errorf("%s: no error in the report", name)
		}
	}
}

// TestJUnitGoldensFitTheSchema checks the files that are shown as examples, too.
func TestJUnitGoldensFitTheSchema(t *testing.T) {
	for _, events := range [][]results.Event{resultstest.HappyRun(), resultstest.BadRun()} {
		var out bytes.Buffer
		if err := junit(&out, results.Reduce(events)); err != nil {
			t.Fatal(err)
		}
		root := checkJUnit(t, out.Bytes())
		for _, s := range root.Children {
			for _, c := range s.Children {
				if c.XMLName.Local == "testcase" && !strings.Contains(c.attr("classname"), ".") {
					t.Errorf("classname %q has no suite", c.attr("classname"))
				}
			}
		}
	}
}

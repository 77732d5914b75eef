package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"wskharness/results"
)

// Bounds of texts in the JUnit report. GitLab shows, and Jenkins stores, all of it.
const (
	junitMessage = 1 << 10
	junitBody    = 16 << 10
)

// junit writes the record as a JUnit report that Jenkins and GitLab open: a testsuite for each
// target and suite, a testcase for each case. It keeps to Jenkins' junit-10.xsd.
//
//	pass                                 nothing in the testcase
//	fail unexpected-pass bugcheck hang   <failure type="…">
//	lost error                           <error type="…">
//	flaky                                <flakyFailure type="…">; <failure> where the run was told so
//	known-issue                          <skipped type="known-issue" message="known issue: …">, as
//	                                     neither Jenkins nor GitLab has a word for it and it did not pass
//	skip cancelled not-run               <skipped type="…" message="…">
//
// Trouble that belongs to no case (a target that was never reached, a run without an end) becomes
// a testcase of its own with an <error>, so that a report without failures means a complete run.
// Every testcase names its guest: by kind in its name, which does not change with versions and so
// keeps a test's history together; in full in its output.
func junit(w io.Writer, rec *results.Record) error {
	doc := junitDoc{Name: "wskharness", Time: seconds(rec.Elapsed())}
	if s := junitRun(rec); s != nil {
		doc.Suites = append(doc.Suites, s)
	}
	for i := range rec.Targets {
		doc.Suites = append(doc.Suites, junitTarget(rec, &rec.Targets[i])...)
	}
	for _, s := range doc.Suites {
		doc.Tests, doc.Failures, doc.Errors = doc.Tests+s.Tests, doc.Failures+s.Failures, doc.Errors+s.Errors
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

type junitDoc struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []*junitSuite
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Hostname   string          `xml:"hostname,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase

	elapsed time.Duration
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	XMLName   xml.Name `xml:"testcase"`
	Class     string   `xml:"classname,attr"`
	Name      string   `xml:"name,attr"`
	Time      string   `xml:"time,attr"`
	Skipped   *junitWhy
	Error     *junitWhy
	Failure   *junitWhy
	Flaky     *junitWhy
	SystemOut *junitText `xml:"system-out"`
}

type junitWhy struct {
	XMLName xml.Name
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr,omitempty"`
	Body    string `xml:",cdata"` // plain lines only
}

type junitText struct {
	Text string `xml:",cdata"` // plain lines only
}

func because(element string, o results.Outcome, message, body string) *junitWhy {
	return &junitWhy{
		XMLName: xml.Name{Local: element},
		Type:    string(o), Message: Printable(results.Clip(message, junitMessage)), Body: body,
	}
}

// junitRun reports a run that did not come to its end.
func junitRun(rec *results.Record) *junitSuite {
	outcome, message := results.Error, rec.Error
	switch {
	case rec.Reason == results.Done:
		return nil
	case rec.Reason == results.Interrupted:
		outcome, message = results.Cancelled, "the run was interrupted; what is reported is not all that was planned"
	case rec.Reason == "":
		message = "the record of the run has no end: its controller was killed, or is still at work"
	case message == "":
		message = "the harness could not go on"
	}
	s := newJUnitSuite(rec, "run")
	s.add(junitCase{Class: "wskharness.run", Name: "run", Time: seconds(0),
		Error: because("error", outcome, message, "rerun: "+Printable(rec.Run.Command))}, 0)
	return s
}

func junitTarget(rec *results.Record, t *results.TargetRecord) []*junitSuite {
	var suites []*junitSuite
	byName := make(map[string]*junitSuite)
	suite := func(name string) *junitSuite {
		if byName[name] == nil {
			byName[name] = newJUnitSuite(rec, class(t, name))
			byName[name].property("target", t.Name)
			byName[name].property("guest", guestLine(t.Guest))
			suites = append(suites, byName[name])
		}
		return byName[name]
	}
	if t.Trouble != "" {
		suite("target").add(junitCase{Class: class(t, "target"), Name: Printable(t.Troubled), Time: seconds(0),
			Error: because("error", results.Error, t.Trouble, "guest: "+Printable(guestLine(t.Guest)))}, 0)
	}
	for i := range t.Cases {
		c := &t.Cases[i]
		suite(c.Suite()).add(junitOf(rec, t, c), c.Elapsed())
	}
	return suites
}

// class is what Jenkins makes packages and classes of.
func class(t *results.TargetRecord, suite string) string {
	if suite == "" {
		return Printable(t.Name)
	}
	return Printable(t.Name) + "." + Printable(suite)
}

func newJUnitSuite(rec *results.Record, name string) *junitSuite {
	s := &junitSuite{Name: name, Time: seconds(0), Hostname: Printable(rec.Run.Host)}
	if !rec.Started.IsZero() {
		s.Timestamp = rec.Started.UTC().Format("2006-01-02T15:04:05")
	}
	s.property("run", rec.Run.ID)
	s.property("wskharness", rec.Run.Version)
	s.property("go", rec.Run.Go)
	s.property("system", rec.Run.System)
	s.property("command", rec.Run.Command)
	if p := rec.Package; p != nil {
		s.property("package", p.File)
		s.property("package.sha256", p.SHA256)
	}
	return s
}

func (s *junitSuite) property(name, value string) {
	if value != "" {
		s.Properties = append(s.Properties, junitProperty{name, Printable(results.Clip(value, junitMessage))})
	}
}

func (s *junitSuite) add(c junitCase, elapsed time.Duration) {
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.elapsed += elapsed
	s.Time = seconds(s.elapsed)
	s.Cases = append(s.Cases, c)
}

func junitOf(rec *results.Record, t *results.TargetRecord, c *results.CaseRecord) junitCase {
	suite := c.Suite()
	name := strings.TrimPrefix(c.Name, suite+".")
	out := junitCase{
		Class:     class(t, suite),
		Name:      Printable(name),
		Time:      seconds(c.Elapsed()),
		SystemOut: &junitText{junitOutput(t, c)},
	}
	if kind := t.Guest.Kind; kind != "" {
		out.Name += " [" + Printable(kind) + "]"
	}
	var v results.Verdict
	if a := c.Telling(); a != nil {
		v = a.Verdict
	}
	switch {
	case c.Final.Failed() || c.Final == results.Flaky && rec.Run.Policy.FlakyFails:
		out.Failure = because("failure", c.Final, message(c.Final, &v), junitBodyOf(t, c))
	case c.Final.Infrastructure():
		out.Error = because("error", c.Final, message(c.Final, &v), junitBodyOf(t, c))
	case c.Final == results.Flaky:
		out.Flaky = because("flakyFailure", c.Final, message(c.Final, &v), junitBodyOf(t, c))
	case c.Final == results.KnownIssue:
		out.Skipped = because("skipped", c.Final, "known issue: "+c.Why(), "")
	case c.Final != results.Pass:
		out.Skipped = because("skipped", c.Final, string(c.Final)+": "+c.Why(), "")
	}
	return out
}

// junitBodyOf is the text of a failure: GitLab shows just that.
func junitBodyOf(t *results.TargetRecord, c *results.CaseRecord) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nguest: %s\n", Printable(guestLine(t.Guest)))
	if h := history(c); h != "" {
		fmt.Fprintln(&b, h)
	}
	if a := c.Telling(); a != nil {
		for _, d := range explain(&c.PlanCase, a) {
			fmt.Fprintf(&b, "%s: %s\n", Printable(d.label), strings.Join(lines(d.text, 40), "\n  "))
		}
	}
	return results.Clip(b.String(), junitBody)
}

// junitOutput is what is worth knowing of a case that went as it should, too.
func junitOutput(t *results.TargetRecord, c *results.CaseRecord) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s on %s: %s\n", Printable(c.Name), Printable(t.Name), c.Final)
	fmt.Fprintf(&b, "guest: %s\n", Printable(guestLine(t.Guest)))
	if c.Doc != "" {
		fmt.Fprintln(&b, Printable(c.Doc))
	}
	if h := history(c); h != "" {
		fmt.Fprintln(&b, h)
	}
	a := c.Telling()
	if a == nil {
		return results.Clip(b.String(), junitBody)
	}
	if r := observed(a.Verdict.Records); r != "" {
		fmt.Fprintf(&b, "recorded, not judged: %s\n", Printable(r))
	}
	for _, t := range a.Verdict.Tests {
		fmt.Fprintf(&b, "%s\n", Printable(testLine(t)))
	}
	for _, s := range a.Steps {
		fmt.Fprintf(&b, "  %2d  %s  %s  %s\n", s.Index+1, Printable(s.Text), Printable(s.Status), stepTime(&s))
	}
	return results.Clip(b.String(), junitBody)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", max(0, d).Seconds()) }

package report

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// suite is a testsuite, or the testsuites, being read.
type suite struct {
	name     string
	counters []counter
	problems []finding // the suite itself has failed

	tests                int // in it
	all, failed, skipped int // in it, and in suites in it; of failed also suites
	hostname             string
	doctest              bool
	ofAssertions         bool // a suite in it counts assertions
}

// counter is an attribute that counts.
type counter struct {
	name string
	n    int // -1: it is no number
	text string
}

// habit is what a suite's counters count.
type habit int

const (
	countsTests habit = iota
	countsAssertions
)

func newSuite(attributes []xml.Attr) *suite {
	s := &suite{name: attribute(attributes, "name"), hostname: attribute(attributes, "hostname"),
		doctest: attribute(attributes, "doctest_version") != ""}
	for _, a := range attributes {
		name := strings.ToLower(a.Name.Local)
		switch name {
		case "tests", "failures", "failed", "errors", "skipped", "skip", "skips", "disabled", "ignored":
			if text := strings.TrimSpace(a.Value); text != "" {
				s.counters = append(s.counters, counted(name, text))
			}
		}
	}
	for _, f := range states(attributes) {
		if f.element == "status" || f.element == "result" {
			if f.outcome == NotOK {
				s.problems = append(s.problems, f)
			}
		}
	}
	return s
}

func counted(name, text string) counter {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return counter{name, -1, text}
	}
	return counter{name, int(n), text}
}

// habit: Catch2 and doctest count assertions, and list tests. The one calls every host "tbd", the other tells its version.
// Source: their reporters for JUnit (catch_reporter_junit, JUnitReporter).
func (s *suite) habit() habit {
	if s.hostname == "tbd" || s.doctest || s.ofAssertions {
		return countsAssertions
	}
	return countsTests
}

func (s *suite) title() string {
	if s.name == "" {
		return "a test suite"
	}
	return "test suite " + s.name
}

// count takes in a test of the suite, or of one in it.
func (s *suite) count(o Outcome) {
	s.all++
	switch o {
	case NotOK:
		s.failed++
	case Skip, Todo: // todo is written as skipped
		s.skipped++
	}
}

// contradiction says which counter of the suite its tests do not bear out. Writers differ in what they count, so that each of
// these is believed:
//
//	tests     those in the suite itself (Ant), or in all suites in it, too (PHPUnit); without those that were skipped
//	          (Ant, Boost.Test), or with some that were and are not listed (libtest)
//	failures  of several in one test each (Catch2), or the test once (googletest): it matters that there is one
func (s *suite) contradiction() string {
	tests, failures, skipped, unlisted := -1, 0, 0, 0
	for _, c := range s.counters {
		switch {
		case c.n < 0:
			return fmt.Sprintf("%s has %s=%q, which is no number", s.title(), c.name, clip(c.text, 40))
		case c.name == "tests":
			tests = c.n
		case c.name == "failures" || c.name == "failed" || c.name == "errors":
			failures += c.n
		default:
			skipped += c.n
		}
	}
	if skipped > s.skipped {
		unlisted = skipped - s.skipped
	}
	fits := tests == s.tests || tests == s.all || tests == s.all-s.skipped || tests == s.all+unlisted
	switch {
	case failures > 0 && s.failed == 0:
		return fmt.Sprintf("%s counts %d that failed, and shows none", s.title(), failures)
	case s.habit() == countsAssertions && (skipped == 0 || s.skipped > 0):
		return ""
	case tests >= 0 && !fits:
		return fmt.Sprintf("%s counts %d tests, and shows %d", s.title(), tests, s.all)
	case unlisted > 0 && (tests < 0 || tests != s.all+unlisted):
		return fmt.Sprintf("%s counts %d that were skipped, and shows %d", s.title(), skipped, s.skipped)
	}
	return ""
}

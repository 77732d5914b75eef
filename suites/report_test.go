package suites

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTAP(t *testing.T) {
	for name, test := range map[string]struct{ text, want, err string }{
		"plan first":   {"1..2\nok 1 - opens\nok 2 - closes\n", "ok opens; ok closes;", ""},
		"plan last":    {"TAP version 13\nok\nok - b\r\n1..2\r\n", "ok test 1; ok b;", ""},
		"failed":       {"1..2\nnot ok 1 - opens\n# got 5\n  ---\n  message: no\n  ...\nok 2\n", "not ok opens; ok test 2;", ""},
		"directives":   {"1..3\nok 1 - a # SKIP no device\nnot ok 2 - b # todo later\nok 3 # skip\n", "skip a (no device); todo b (later); skip test 3;", ""},
		"subtests":     {"1..1\n    1..2\n    ok 1\n    not ok 2\nnot ok 1 - group\n", "not ok group;", ""},
		"talk":         {"hello\n1..1\nokay then\nok 1 - x\n", "ok x;", ""},
		"no plan":      {"ok 1\n", "ok test 1;", "there is no plan (1..N): did the program end early?"},
		"nothing":      {"", "", "there is no plan (1..N): did the program end early?"},
		"short":        {"1..3\nok 1\n", "ok test 1;", "3 tests were planned, 1 ran"},
		"empty plan":   {"1..0 # SKIP\n", "", "no test ran"},
		"two plans":    {"1..1\nok 1\n1..1\n", "ok test 1;", "a second plan: 1..1"},
		"out of order": {"1..2\nok 2\nok 1\n", "", "test 2 comes where test 1 should"},
		"bail out":     {"1..2\nok 1\nBail out! no device\n", "ok test 1;", "the program gave up: Bail out! no device"},
		"too many":     {strings.Repeat("ok\n", maxSubResults+1), strings.Repeat("ok;", maxSubResults), "more than 1000 tests"},
	} {
		found, err := parseTAP(cleanText([]byte(test.text)))
		if got := fmt.Sprint(err); got != test.err && (err != nil || test.err != "") {
			t.Errorf("%s: error %q, want %q", name, got, test.err)
		}
		if got := subText(found); name != "too many" && got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestParseJUnit(t *testing.T) {
	for name, test := range map[string]struct{ text, want, err string }{
		"suites": {`<?xml version="1.0"?><testsuites><testsuite name="s"><testcase classname="c" name="a"/><testcase name="b"><failure message="no"/></testcase>` +
			`<testsuite><testcase name="d"><skipped message="later"/></testcase><testcase name="e"><error message="crash">x</error></testcase></testsuite></testsuite></testsuites>`,
			"ok c.a; not ok b (no); skip d (later); not ok e (crash);", ""},
		"not XML":  {"<testsuite><testcase", "", "it is not XML: XML syntax error on line 1: unexpected EOF"},
		"not ours": {"<html/>", "", "it is not JUnit XML: there is no testsuite"},
		"empty":    {"<testsuite/>", "", "no test ran"},
		"nothing":  {"", "", "it is not JUnit XML: there is no testsuite"},
	} {
		found, err := parseJUnit([]byte(test.text))
		if got := fmt.Sprint(err); got != test.err && (err != nil || test.err != "") {
			t.Errorf("%s: error %q, want %q", name, got, test.err)
		}
		if got := subText(found); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func subText(found []SubResult) string {
	var parts []string
	for _, one := range found {
		text := one.Outcome + " " + one.Name
		if one.Detail != "" {
			text += " (" + one.Detail + ")"
		}
		parts = append(parts, text+";")
	}
	return strings.Join(parts, " ")
}

// FuzzReports: whatever a program writes, reading it ends, within bounds.
func FuzzReports(f *testing.F) {
	f.Add([]byte("1..1\nok 1 - x # skip y\n"))
	f.Add([]byte(`<testsuites><testsuite><testcase name="x"><failure/></testcase></testsuite></testsuites>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func() ([]SubResult, error){
			func() ([]SubResult, error) { return parseTAP(cleanText(data)) },
			func() ([]SubResult, error) { return parseJUnit(data) },
		} {
			found, err := parse()
			if len(found) == 0 && err == nil || len(found) > maxSubResults {
				t.Fatalf("%d results, %v", len(found), err)
			}
			for _, one := range found {
				if len(one.Name) > maxSubText+4 || len(one.Detail) > maxSubText+4 {
					t.Fatalf("a text of %d bytes", max(len(one.Name), len(one.Detail)))
				}
			}
		}
	})
}

func TestQuoteArgument(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "": `""`, "a b": `"a b"`, `a"b`: `"a\"b"`, `C:\a b\`: `"C:\a b\\"`, `\\x`: `\\x`, `a \\"`: `"a \\\\\""`,
	} {
		if got := quoteArgument(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestJudgeOutput(t *testing.T) {
	for name, test := range map[string]struct {
		step string
		o    Outputs
		want string // expected | actual of the deviation; empty: none
	}{
		"equals":             {`run: {program: a, stdout: {equals: "x\ny"}}`, Outputs{Out: []byte("x\r\ny\r\n")}, ""},
		"not equal":          {`run: {program: a, stdout: {equals: x}}`, Outputs{Out: []byte("xy")}, `stdout "x" | "xy"`},
		"contains":           {`run: {program: a, stderr: {contains: [b, c]}}`, Outputs{Err: []byte("abc")}, ""},
		"contains not":       {`run: {program: a, stdout: {contains: [b, d]}}`, Outputs{Out: []byte("abc")}, `stdout something with "d" | "abc"`},
		"matches":            {`run: {program: a, stdout: {matches: "^n=[0-9]+$"}}`, Outputs{Out: []byte("n=12\r\n")}, ""},
		"matches not":        {`run: {program: a, stdout: {matches: "^n=[0-9]+$"}}`, Outputs{Out: []byte("n=x")}, `stdout something that matches "^n=[0-9]+$" | "n=x"`},
		"cut":                {`run: {program: a, stdout: {equals: x}}`, Outputs{Out: []byte("x"), OutBytes: 70000}, `stdout "x" | "x" (of 70000 bytes the first 1 were kept)`},
		"bytes":              {`ioctl: {device: D, code: 1, out: {hex: "00ff"}}`, Outputs{Out: []byte{0, 255}}, ""},
		"other bytes":        {`ioctl: {device: D, code: 1, out: {hex: "00ff"}}`, Outputs{Out: []byte{0}}, "00ff | 00"},
		"no bytes":           {`ioctl: {device: D, code: 1, out: {text: a}}`, Outputs{}, "61 | no bytes"},
		"tests":              {"run: {program: a, tap: stdout}", Outputs{Out: []byte("1..1\nok 1\n")}, ""},
		"a test failed":      {"run: {program: a, tap: t.tap}", Outputs{Report: []byte("1..2\nok 1\nnot ok 2 - b\n")}, "all 2 tests of the program to pass | 1 failed: b"},
		"no tests":           {"run: {program: a, junit: t.xml}", Outputs{}, "a report of its tests | it is not JUnit XML: there is no testsuite"},
		"a report that long": {"run: {program: a, tap: t.tap}", Outputs{Report: []byte("1..1\nok 1\n"), ReportBytes: 1 << 20}, "a report of its tests | the report has 1048576 bytes; at most 10 are read"},
	} {
		c := oneCase(t, test.step)
		o := test.o
		o.OutBytes, o.ErrBytes = max(o.OutBytes, uint64(len(o.Out))), max(o.ErrBytes, uint64(len(o.Err)))
		o.ReportBytes = max(o.ReportBytes, uint64(len(o.Report)))
		got := ""
		for _, d := range c.Judge([]StepResult{{Runs: 1, Values: make([]uint64, maxValues), Outputs: o}}) {
			got += d.Expected + " | " + d.Actual
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

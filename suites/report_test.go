package suites

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	"testing"

	"wskharness/driver/abi"
	"wskharness/suites/output"
)

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
		o    output.Outputs
		want string // expected | actual of the deviation; empty: none
	}{
		"equals":                                {`run: {program: a, stdout: {equals: "x\ny"}}`, output.Outputs{Out: []byte("x\r\ny\r\n")}, ""},
		"not equal":                             {`run: {program: a, stdout: {equals: x}}`, output.Outputs{Out: []byte("xy")}, `stdout "x" | "xy"`},
		"contains":                              {`run: {program: a, stderr: {contains: [b, c]}}`, output.Outputs{Err: []byte("abc")}, ""},
		"contains not":                          {`run: {program: a, stdout: {contains: [b, d]}}`, output.Outputs{Out: []byte("abc")}, `stdout something with "d" | "abc"`},
		"matches":                               {`run: {program: a, stdout: {matches: "^n=[0-9]+$"}}`, output.Outputs{Out: []byte("n=12\r\n")}, ""},
		"matches not":                           {`run: {program: a, stdout: {matches: "^n=[0-9]+$"}}`, output.Outputs{Out: []byte("n=x")}, `stdout something that matches "^n=[0-9]+$" | "n=x"`},
		"cut":                                   {`run: {program: a, stdout: {equals: x}}`, output.Outputs{Out: []byte("x"), OutBytes: 70000}, `stdout "x" | "x" (of 70000 bytes the first 1 were kept)`},
		"bytes":                                 {`ioctl: {device: D, code: 1, out: {hex: "00ff"}}`, output.Outputs{Out: []byte{0, 255}}, ""},
		"other bytes":                           {`ioctl: {device: D, code: 1, out: {hex: "00ff"}}`, output.Outputs{Out: []byte{0}}, "00ff | 00"},
		"no bytes":                              {`ioctl: {device: D, code: 1, out: {text: a}}`, output.Outputs{}, "61 | no bytes"},
		"tests":                                 {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte("1..1\nok 1\n")}, ""},
		"tests of two encodings":                {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte("1..1\nnot ok 1 - gr\x81n\n"), Pages: output.CodePages{ANSI: 1252, OEM: 850}}, "the program's only test to pass | 1 failed: grün"},
		"a report in a file":                    {"run: {program: a, tap: t.tap}", output.Outputs{Report: []byte("1..1\nnot ok 1 - gr\xfcn\n"), Pages: output.CodePages{ANSI: 1252, OEM: 850}}, "the program's only test to pass | 1 failed: grün"},
		"output in a code page":                 {`run: {program: a, stdout: {equals: grün}}`, output.Outputs{Out: []byte("gr\x81n\r\n"), Pages: output.CodePages{OEM: 850}}, ""},
		"output in UTF-16":                      {`run: {program: a, stderr: {matches: "^gr.n$"}}`, output.Outputs{Err: []byte("\xff\xfeg\x00r\x00\xfc\x00n\x00")}, ""},
		"a failure in a report that ends early": {"run: {program: a, tap: t.tap}", output.Outputs{Report: []byte("1..9\nnot ok 1 - a\n")}, "the program's only test to pass | 1 failed: a; and of the report: 9 tests were planned, 1 ran"},
		"only skipped":                          {"run: {program: a, junit: t.xml}", output.Outputs{Report: []byte(`<testsuite><testcase name="DISABLED_T" status="notrun" result="suppressed"/></testsuite>`)}, "a report of its tests | no test ran: the only one was skipped"},
		"many failed":                           {"run: {program: a, tap: t.tap}", output.Outputs{Report: []byte(strings.Repeat("not ok\n", 1001) + "1..1001\n")}, "all 1001 tests of the program to pass | 1001 failed: " + manyTests(34) + " and 967 more"},
		"a test failed":                         {"run: {program: a, tap: t.tap}", output.Outputs{Report: []byte("1..2\nok 1\nnot ok 2 - b\n")}, "all 2 tests of the program to pass | 1 failed: b"},
		"no tests":                              {"run: {program: a, junit: t.xml}", output.Outputs{}, "a report of its tests | it is empty"},
		"a report that long":                    {"run: {program: a, tap: t.tap}", output.Outputs{Report: []byte("1..1\nok 1\n"), ReportBytes: 1 << 20}, "a report of its tests | it has 1048576 bytes; at most 10 are read"},
	} {
		c := oneCase(t, test.step)
		o := test.o
		o.OutBytes, o.ErrBytes = max(o.OutBytes, uint64(len(o.Out))), max(o.ErrBytes, uint64(len(o.Err)))
		o.ReportBytes = max(o.ReportBytes, uint64(len(o.Report)))
		got := ""
		for _, d := range c.Judge([]StepResult{{Runs: 1, Values: make([]uint64, abi.MaxValues), Outputs: o}}) {
			got += d.Expected + " | " + d.Actual
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func manyTests(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("test %d", i+1))
	}
	return strings.Join(names, ", ")
}

// TestSubResults: what is not kept is counted.
func TestSubResults(t *testing.T) {
	c := oneCase(t, "run: {program: a, tap: stdout}")
	out := []byte(strings.Repeat("ok\n", 1001) + "not ok 1002 - b\n# why\n1..1002\n")
	kept, left := c.SubResults([]StepResult{{Runs: 1, Outputs: output.Outputs{Out: out, OutBytes: uint64(len(out))}}})
	last := kept[len(kept)-1]
	if want := (SubResult{Name: "b", Outcome: "not ok", Detail: "why"}); last != want || len(kept) != 501 || left["ok"] != 501 || len(left) != 1 {
		t.Errorf("%d kept, the last %v; %v left", len(kept), last, left)
	}
}

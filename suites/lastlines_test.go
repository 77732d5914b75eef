package suites

import (
	"fmt"
	"strings"

	"testing"

	"wskharness/suites/output"
)

func TestLastLines(t *testing.T) {
	many := ""
	for i := range 30 {
		many += fmt.Sprintf("line %d\n", i+1)
	}
	last := strings.TrimSuffix(many[strings.Index(many, "line 15\n"):], "\n")
	for name, test := range map[string]struct {
		step string
		o    output.Outputs
		want string
	}{
		"both":                             {"run: a", output.Outputs{Out: []byte("x\r\n\r\n"), Err: []byte("assertion failed at foo.c:12\r\n")}, "stdout: x; stderr: assertion failed at foo.c:12;"},
		"nothing":                          {"run: a", output.Outputs{Out: []byte("\r\n")}, ""},
		"colours and tabs":                 {"run: a", output.Outputs{Err: []byte("\x1b[1;31mno\x1b[0m\tx")}, "stderr: no    x;"},
		"a code page":                      {"run: a", output.Outputs{Err: []byte("gr\x81n"), Pages: output.CodePages{OEM: 850}}, "stderr: grün;"},
		"many":                             {"run: a", output.Outputs{Err: []byte(many)}, "stderr: … (14 lines before)\n" + last + ";"},
		"a long line":                      {"run: a", output.Outputs{Err: []byte(strings.Repeat("x", 400))}, "stderr: " + strings.Repeat("x", 300) + "…;"},
		"only the beginning":               {"run: a", output.Outputs{Err: []byte("x\ny"), ErrBytes: 70000}, "stderr: x\ny\n… (the guest has kept the first 3 bytes, of which these are the last lines);"},
		"the end":                          {"run: a", output.Outputs{Err: []byte("x\ny"), ErrEnd: []byte("ost\nassertion failed\n"), ErrBytes: 70000}, "stderr: …\nassertion failed;"},
		"the end, in one piece":            {"run: a", output.Outputs{Err: []byte("x\ny"), ErrEnd: []byte("es\nno"), ErrBytes: 8}, "stderr: x\nyes\nno;"},
		"the end of UTF-16":                {"run: a", output.Outputs{Err: []byte("\xff\xfex\x00"), ErrEnd: []byte("\x00\n\x00n\x00o\x00"), ErrBytes: 70000}, "stderr: …\nno;"},
		"a long report":                    {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte(strings.Repeat("ok\n", 30000) + "x\n")}, "stdout: …\n" + strings.Repeat("ok\n", 15) + "x;"},
		"a report that was read":           {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte("1..1\nnot ok 1\n"), Err: []byte("why")}, "stderr: why;"},
		"a report that was not":            {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte("usage: a\n")}, "stdout: usage: a;"},
		"a report in which nothing failed": {"run: {program: a, tap: stdout}", output.Outputs{Out: []byte("1..1\nok 1\n# leaks: 3\n")}, "stdout: 1..1\nok 1\n# leaks: 3;"},
		"a value of the registry":          {"registry: {parameter: A, equals: 5}", output.Outputs{Out: []byte("\x06\x00\x00\x00")}, ""},
		"a value whose type is judged":     {"registry: {parameter: A, type: REG_SZ}", output.Outputs{Out: []byte("\x06\x00\x00\x00")}, ""},
		"a device":                         {"ioctl: {device: D, code: 1}", output.Outputs{Out: []byte("x")}, ""},
	} {
		o := test.o
		o.OutBytes, o.ErrBytes = max(o.OutBytes, uint64(len(o.Out))), max(o.ErrBytes, uint64(len(o.Err)))
		got := ""
		for _, r := range oneCase(t, test.step).Steps[0].LastLines(o) {
			got += r.Name + ": " + r.Text + "; "
		}
		if got = strings.TrimSpace(got); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

package suites

import (
	"testing"

	"wskharness/driver/abi"
)

func TestExitCode(t *testing.T) {
	for code, want := range map[uint64]string{
		0: "0", 1: "1", 259: "259", 0x7FFFFFFF: "2147483647",
		0xC0000005: "STATUS_ACCESS_VIOLATION (0xC0000005)",
		0xC0000409: "STATUS_STACK_BUFFER_OVERRUN (0xC0000409)",
		0xC00000FD: "STATUS_STACK_OVERFLOW (0xC00000FD)",
		0xC0000135: "STATUS_DLL_NOT_FOUND (0xC0000135)",
		0xC000013A: "STATUS_CONTROL_C_EXIT (0xC000013A)",
		0xC0000374: "STATUS_HEAP_CORRUPTION (0xC0000374)",
		0x80000003: "STATUS_BREAKPOINT (0x80000003)",
		0xE06D7363: "an exception of C++ (0xE06D7363)",
		0xE0434352: "an exception of .NET (0xE0434352)",
		0xFFFFFFFF: "-1 (0xFFFFFFFF)", 0xFFFFFFFE: "-2 (0xFFFFFFFE)",
		0x80004005:  "0x80004005",
		0xC0070002:  "ERROR_FILE_NOT_FOUND (0xC0070002)",
		0x1C0000005: "7516192773",
	} {
		if got := exitCode(code); got != want {
			t.Errorf("0x%X: %s, want %s", code, got, want)
		}
	}
}

// TestCrashIsShown: wherever an exit code is shown, that of a crash is shown by name.
func TestCrashIsShown(t *testing.T) {
	c := oneCase(t, "run: {program: a, exit: 0xC0000005}")
	values := make([]uint64, abi.MaxValues)
	values[abi.PlanValueRunExit] = 0xC0000005
	if d := c.Judge([]StepResult{{Runs: 1, Values: values}}); len(d) != 0 {
		t.Errorf("expected, and not taken: %v", d)
	}
	if got := c.Steps[0].Reported(values)[0].Text; got != "STATUS_ACCESS_VIOLATION (0xC0000005)" {
		t.Errorf("reported as %s", got)
	}
	d := oneCase(t, "run: a").Judge([]StepResult{{Runs: 1, Values: values}})
	if len(d) != 1 || d[0].Actual != "exit STATUS_ACCESS_VIOLATION (0xC0000005)" || d[0].Expected != "exit 0" {
		t.Errorf("judged as %v", d)
	}
}

package suites

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
)

// takenCase registers with what a query said, as the case goes and on threads of their own.
func takenCase(t *testing.T) *Case {
	t.Helper()
	return oneCase(t,
		"register: {client: a}",
		"query: {client: a, low_at_least: 1.0}",
		"capture: {client: a, wait: none}\n        name: first",
		"release: {client: a}\n        name: let_go",
		"deregister: {client: a}\n        name: gone",
		"register: {client: a, version: {from: query, value: high}, block: zeroed}\n        name: again",
		"capture: {client: a, wait: none, version_at_least: {from: query, value: high}, captures: {from: first, value: captures}}",
		"release: {client: a}",
		"deregister: {client: a}",
		"loop: {parallel: 2, steps: [{register: {client: b, version: {from: again, value: version}}}, {deregister: {client: b}}]}",
	)
}

func takenResults() []StepResult {
	npi := []uint64{0x0101, 0, 1, 1, 7, 1, 1, 1, 0, 0}
	return []StepResult{
		{Step: 0, Runs: 1, Values: []uint64{0, 0x0100}},
		{Step: 1, Runs: 1, Values: []uint64{0x0100, 0x0101, 0x0101, 0x00FF, 0x0102}},
		{Step: 2, Runs: 1, Values: npi},
		{Step: 3, Runs: 1}, {Step: 4, Runs: 1},
		{Step: 5, Runs: 1, Values: []uint64{0, 0x0101}},
		{Step: 6, Runs: 1, Values: npi},
		{Step: 7, Runs: 1}, {Step: 8, Runs: 1},
		{Step: 9, Runs: 2, Values: []uint64{0, 0x0101}}, {Step: 10, Runs: 2},
	}
}

// TestTakenText: a step says whence it has what no number says, and says it once.
func TestTakenText(t *testing.T) {
	c := takenCase(t)
	for step, want := range map[int]string{
		5: "register a, version high of query, zeroed",
		6: "capture a, no wait, version at least high of query, captures captures of first",
		9: "register b, version version of again",
	} {
		if got := c.Steps[step].Text; got != want {
			t.Errorf("step %d is %q, want %q", step, got, want)
		}
	}
}

// TestTakenPlan: what the driver is told.
func TestTakenPlan(t *testing.T) {
	c := takenCase(t)
	register, capture, loop := c.Steps[5].wire(), c.Steps[6].wire(), c.Steps[9].wire()
	if q, f, a := c.Steps[1].wire().Keep, c.Steps[2].wire().Keep, register.Keep; q != 1 || f != 2 || a != 3 || capture.Keep != 0 {
		t.Errorf("kept as %d, %d and %d", q, f, a)
	}
	if register.From != 1<<8|abi.ValueQueryHigh || register.FromArg != 1 || register.Arg[1] != 0 || register.Arg[2] != abi.RegZeroedBlock {
		t.Errorf("register: %+v", register)
	}
	want := []abi.Check{{Value: abi.ValueRegisterVersion, Compare: abi.EQ, From: 1<<8 | abi.ValueQueryHigh}}
	if diff := cmp.Diff(want, register.Check[:register.CheckCount]); diff != "" {
		t.Errorf("register proves what it took: %s", diff)
	}
	want = []abi.Check{
		{Value: abi.ValueNPIVersion, Compare: abi.GE, From: 1<<8 | abi.ValueQueryHigh},
		{Value: abi.ValueNPICaptures, Compare: abi.EQ, From: 2<<8 | abi.ValueNPICaptures},
	}
	if diff := cmp.Diff(want, capture.Check[:capture.CheckCount]); diff != "" {
		t.Errorf("capture: %s", diff)
	}
	if loop.From != 3<<8|abi.ValueRegisterVersion || loop.CheckCount != 1 {
		t.Errorf("in the loop: %+v", loop)
	}
}

func TestJudgeTaken(t *testing.T) {
	c := takenCase(t)
	for _, test := range []struct {
		name   string
		change func(r []StepResult) []StepResult
		want   []string
	}{
		{"as expected", func(r []StepResult) []StepResult { return r }, nil},
		{"another version was taken", func(r []StepResult) []StepResult { r[5].Values[1] = 0x0100; return r[:6] },
			[]string{"version: expected 1.1 (high of query), got 1.0"}},
		{"the query said another", func(r []StepResult) []StepResult { r[1].Values[1] = 0x0102; return r[:6] },
			[]string{"version: expected 1.2 (high of query), got 1.1"}},
		{"less was captured", func(r []StepResult) []StepResult {
			r[6].Values = slices.Clone(r[6].Values)
			r[6].Values[0] = 0x0100
			return r[:7]
		}, []string{"version: expected at least 1.1 (high of query), got 1.0"}},
		{"more is held", func(r []StepResult) []StepResult {
			r[6].Values = slices.Clone(r[6].Values)
			r[6].Values[5] = 2
			return r[:7]
		}, []string{"captures: expected 1 (captures of first), got 2"}},
		{"in the loop", func(r []StepResult) []StepResult { r[9].Values[1] = 0; return r },
			[]string{"version: expected 1.1 (version of again), got 0.0"}},
		{"the source says nothing", func(r []StepResult) []StepResult { r[1].Values = nil; return r },
			[]string{"low: expected at least 1.0, but the guest did not report it",
				"version: expected high of query, but the guest did not report high of query",
				"version: expected at least high of query, but the guest did not report high of query",
				"version: expected version of again, but the guest did not report version of again"}},
		{"the source did not run", func(r []StepResult) []StepResult { return slices.Delete(r, 1, 2) },
			[]string{"version: expected high of query, but the guest did not report high of query",
				"version: expected at least high of query, but the guest did not report high of query",
				"version: expected version of again, but the guest did not report version of again"}},
		{"the driver did not know it", func(r []StepResult) []StepResult {
			r[5] = StepResult{Step: 5, Runs: 1, Status: 0xC0000225, Origin: abi.OriginRefused}
			return r[:6]
		}, []string{"expected STATUS_SUCCESS; the driver refused the step (STATUS_NOT_FOUND (0xC0000225)) and did not call WSK"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, d := range c.Judge(test.change(takenResults())) {
				got = append(got, d.Message)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTakenInTearDown: what a step that failed did not report, the tear-down is not blamed for.
func TestTakenInTearDown(t *testing.T) {
	text := strings.TrimSuffix(caseText("", "register: {client: a}", "query: {client: a}", "deregister: {client: a}"), "\n") +
		"\n    tear_down:\n      - register: {client: b, version: {from: query, value: low}}\n      - deregister: {client: b}\n        record: []\n"
	c := load(t, text).All()[0]
	failed := c.Judge([]StepResult{{Step: 0, Runs: 1, Values: []uint64{0, 256}}, {Step: 1, Runs: 1, Status: notReady},
		{Step: 3, Runs: 1, Status: 0xC0000225, Origin: abi.OriginRefused}, {Step: 4, Runs: 1, Status: 0xC0000184, Origin: abi.OriginRefused}})
	if len(failed) != 1 || failed[0].Step != 1 {
		t.Errorf("%+v", failed)
	}
}

// takenMistakes are all in a step that wants an earlier one's value.
func takenMistakes() []mistakeTest {
	const query = "query: {client: a}"
	steps := func(text string, before ...string) string {
		all := append([]string{"register: {client: a}", query}, before...)
		return caseText("", append(all, text, "deregister: {client: b}", "deregister: {client: a}")...)
	}
	take := func(from, value string, before ...string) string {
		return steps("register: {client: b, version: {from: "+from+", value: "+value+"}}", before...)
	}
	many := []string{"register: {client: a}"}
	for i := range abi.MaxKept + 1 {
		name := "q" + string(rune('a'+i))
		many = append(many, "query: {client: a}\n        name: "+name,
			"register: {client: b, version: {from: "+name+", value: low}}", "deregister: {client: b}")
	}
	return []mistakeTest{
		{"no such step", take("qury", "high"), `f:9:47: register: version: there is no step "qury" before this one; did you mean "query"? (expected a step before this one`, false},
		{"a later step", caseText("", "register: {client: a, version: {from: query, value: low}}", query, "deregister: {client: a}"), `no step "query" before this one`, false},
		{"itself", caseText("", "register: {client: a, version: {from: register, value: version}}", "deregister: {client: a}"), `no step "register" before this one`, false},
		{"two of them", take("query", "high", query), "there are 2 steps query before this one (expected the name: of one of them)", false},
		{"no such value", take("query", "highest"), `f:9:61: register: version: query reports no "highest" (expected one of low, high, between, below, above)`, false},
		{"of another kind", steps("register: {client: b, version: {from: r, value: events}}", "register: {client: c}\n        name: r", "deregister: {client: c}"), "register: version: events of register is not a version (expected one of version)", false},
		{"nothing of the kind", steps("register: {client: b, version: {from: sleep, value: for}}", "sleep: 10ms"), "register: version: sleep reports nothing that is a version", false},
		{"recorded", take("r", "low", query+"\n        name: r\n        record: true"), "query on line 9 is only recorded: it may have failed (expected a step that is judged)", false},
		{"may fail", take("r", "low", query+"\n        name: r\n        expect: [STATUS_SUCCESS, STATUS_DEVICE_NOT_READY]"), "query on line 9 may fail, and reports nothing then", false},
		{"only started", take("r", "low", "query: {client: a, thread: t}\n        name: r", "join: {thread: t}"), `query on line 9 is only started, on thread "t"`, false},
		{"repeated", take("r", "low", query+"\n        name: r\n        repeat: 2"), "query on line 9 runs more than once (expected a step that runs once)", false},
		{"in a loop", take("r", "low", "loop: {repeat: 2, steps: [{query: {client: a}, name: r}]}"), "runs more than once", false},
		{"by chance", take("r", "low", "loop: {choose: [{steps: [{query: {client: a}, name: r}]}, {steps: [{inspect: {client: a}}]}]}"), "runs more than once", false},
		{"in its own loop", steps("loop: {repeat: 2, steps: [{query: {client: a}, name: r}, {deregister: {client: b}}, {register: {client: b, version: {from: r, value: low}}}]}", "register: {client: b}"), "runs more than once", false},
		{"gone with the driver", caseText("", "register: {client: a}", query, "deregister: {client: a}", "reload: {times: 1}", "register: {client: a, version: {from: query, value: low}}", "deregister: {client: a}"),
			"what query on line 8 reported went with the driver, on line 10 (expected a step after that)", false},
		{"gone with the machine", caseText("", "register: {client: a}", query, "reboot: {start: boot, steps: [{register: {client: a, version: {from: query, value: low}}}]}", "deregister: {client: a}"),
			"what query on line 8 reported went with the driver, on line 9", false},
		{"of the agent's", steps("register: {client: b, version: {from: reload, value: cycles}}", "reload: {times: 1}", "register: {client: a}"), "register: version: the agent executes reload on line 9, and the driver knows nothing of it", false},
		{"for the agent", caseText("", "register: {client: a}", "capture: {client: a, wait: none}", "release: {client: a}", "deregister: {client: a}", "reload: {times: 1, deregistrations: {from: capture, value: captures}}"),
			"reload: deregistrations: the agent executes reload, and takes nothing from other steps", true},
		{"no value", steps("register: {client: b, version: {from: query}}"), "register: version has no value (expected value: what that step reports)", true},
		{"no step", steps("register: {client: b, version: {value: low}}"), "register: version has no from (expected from: an earlier step", true},
		{"more than that", steps("register: {client: b, version: {from: query, value: low, plus: 1}}"), `unknown key "plus" in register: version`, true},
		{"a list of steps", steps("register: {client: b, version: {from: [query], value: low}}"), "register: version: from is a list (expected a step before this one", true},
		{"a list of values", steps("register: {client: b, version: {from: query, value: [low]}}"), "register: version: value is a list (expected one of low", true},
		{"too many", caseText("", append(many, "deregister: {client: a}")...), "takes from one step more than can be kept (expected values of at most 16 steps)", false},
		{"where a number is wanted", caseText("", "register: {client: a}", query, "register: {client: b, reserved: {from: query, value: low}}", "deregister: {client: b}", "deregister: {client: a}"), "register: reserved is a mapping", true},
		{"a part of a version", caseText("", "register: {client: a}", query, "capture: {client: a, wait: none, major: {from: query, value: low}}", "release: {client: a}", "deregister: {client: a}"), "capture: major is a mapping", true},
		{"a truth", caseText("", "register: {client: a}", "capture: {client: a, wait: none}\n        name: c", "inspect: {client: a, client_set: {from: c, value: client_set}}", "release: {client: a}", "deregister: {client: a}"), "inspect: client_set is a mapping", true},
		{"of a thread's step", caseText("", "register: {client: a}", query, "capture: {client: a, wait: none, thread: t, version: {from: query, value: low}}", "join: {thread: t}", "release: {client: a}", "deregister: {client: a}"), `the step only starts thread "t"`, false},
		{"unseen on a thread", steps("register: {client: b, version: {from: query, value: low}, thread: t}\n", "sleep: 1ms") + "      - join: {thread: t}\n", `f:10:9: register takes low of query, but on thread "t" nobody would see what it took`, false},
		{"not judged", take("query", "low") + "      - register: {client: c, version: {from: query, value: low}}\n        record: true\n      - deregister: {client: c}\n        record: []\n", "register takes low of query, but nobody would judge what it took", false},
		{"beyond the buffer", caseText("", "register: {client: a}", "capture: {client: a, wait: none}", "socket: {client: a, socket: c, kind: connection}",
			"send: {socket: c, bytes: 4000, offset: 97}", "close: {socket: c}", "release: {client: a}", "deregister: {client: a}"), "f:10:48: 4000 bytes at offset 97 don't fit: the buffer has 4096 (expected at most 96)", false},
		{"block", steps("register: {client: b, block: left}"), `register: block is "left"; did you mean`, true},
	}
}

// TestTakenParameters: which value is taken may be the case's parameter.
func TestTakenParameters(t *testing.T) {
	text := caseText("    with: {which: [low, high], source: query}\n", "register: {client: a}", "query: {client: a}",
		"register: {client: b, version: {from: $source, value: $which}}", "deregister: {client: b}", "deregister: {client: a}")
	var got []string
	for _, c := range load(t, text).All() {
		got = append(got, c.Steps[2].Text)
	}
	if diff := cmp.Diff([]string{"register b, version low of query", "register b, version high of query"}, got); diff != "" {
		t.Error(diff)
	}
}

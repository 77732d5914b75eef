package suites

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
)

const matrix = `suite: s
doc: d
set_up:
  - register: {client: z, version: $version}
tear_down:
  - deregister: {client: z}
cases:
  - id: each
    doc: Every combination is a case.
    with:
      version: [1.0, "1.1"]
      client: [a, b]
      pause: 5ms
    timeout: 20s
    steps:
      - register: {client: $client, version: $version}
      - sleep: $pause
      - deregister: {client: $client}
  - id: other
    doc: d
    with: {version: 1.0}
    misuse: true
    steps:
      - sleep: 1ms
known_issues:
  - guest: wine
    case: s.each
    step: sleep
    actual: {status: STATUS_TIMEOUT}
    reason: r
`

func TestMatrix(t *testing.T) {
	catalog := load(t, matrix)
	var got []string
	for _, c := range catalog.All() {
		text := c.ID + ":"
		for _, s := range c.Steps {
			text += " " + s.Text + ";"
		}
		got = append(got, text)
	}
	want := []string{
		"each[version=1.0,client=a]: set-up: register z, version 1.0; register a, version 1.0; sleep, for 5ms; deregister a; tear-down: deregister z;",
		"each[version=1.0,client=b]: set-up: register z, version 1.0; register b, version 1.0; sleep, for 5ms; deregister b; tear-down: deregister z;",
		"each[version=1.1,client=a]: set-up: register z, version 1.1; register a, version 1.1; sleep, for 5ms; deregister a; tear-down: deregister z;",
		"each[version=1.1,client=b]: set-up: register z, version 1.1; register b, version 1.1; sleep, for 5ms; deregister b; tear-down: deregister z;",
		"other: set-up: register z, version 1.0; sleep, for 1ms; tear-down: deregister z;",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range catalog.All()[:4] {
		if known := catalog.Known("wine", "10.0", c); len(known) != 1 || known[0].Step != 2 {
			t.Errorf("%s has the known issues %v", c.Name(), known)
		}
	}
}

func TestSelectMatrix(t *testing.T) {
	catalog := load(t, matrix)
	for pattern, want := range map[string]string{
		"s":                                "each[version=1.0,client=a] each[version=1.0,client=b] each[version=1.1,client=a] each[version=1.1,client=b]",
		"s.each":                           "each[version=1.0,client=a] each[version=1.0,client=b] each[version=1.1,client=a] each[version=1.1,client=b]",
		"s/[de]ach":                        "each[version=1.0,client=a] each[version=1.0,client=b] each[version=1.1,client=a] each[version=1.1,client=b]",
		"s.each[version=1.0,client=b]":     "each[version=1.0,client=b]",
		"s.e*[client=b]":                   "each[version=1.0,client=b] each[version=1.1,client=b]",
		"s/each[version=*1,client=[a-b]]":  "each[version=1.1,client=a] each[version=1.1,client=b]",
		"s.other":                          "other",
		"s.each[version=1.2]":              "",
		"s.each[version]":                  "",
		"s.each[version=1.0,client]":       "",
		"s.each[version=[]":                "",
		"s.each[version=1.0][client=a]":    "",
		"s.other[version=1.0]":             "",
		"s.each[version=1.0,version=1.1]":  "",
		"s.each[version=1.0,version=1.0*]": "each[version=1.0,client=a] each[version=1.0,client=b]",
	} {
		cases, err := catalog.Select(Selection{Patterns: []string{pattern}})
		var got []string
		for _, c := range cases {
			got = append(got, c.ID)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" || (err == nil) != (want != "") {
			t.Errorf("%s: %v\n%s", pattern, err, diff)
		}
	}
}

// TestQuotedDollarIsText: only a plain value is a parameter, and no part of a text is replaced.
func TestQuotedDollarIsText(t *testing.T) {
	c := load(t, strings.Replace(caseText("    with: {x: 1ms}\n    source: \"$x\"\n", "sleep: $x"), "doc: d\n    with", "doc: a $x b\n    with", 1)).All()[0]
	if c.Source != "$x" || c.Doc != "a $x b" {
		t.Errorf("source %q, doc %q", c.Source, c.Doc)
	}
}

func TestTearDownHasTimeOfItsOwn(t *testing.T) {
	c := load(t, caseText("    timeout: 3s\n    tear_down: [{sleep: 90s}, {loop: {repeat: 2, steps: [{sleep: 1s}]}}]\n", "sleep: 1s")).All()[0]
	if c.Timeout.Seconds() != 3 || c.TearDown.Seconds() != 98 || c.Longest().Seconds() != 101 {
		t.Errorf("timeout %s, tear-down %s", c.Timeout, c.TearDown)
	}
	d := compile(t, c)
	want := abi.PlanCase{Name: d.cases[0].Name, BatchCount: 3, TimeoutMs: 3000, TearDownCount: 2, TearDownMs: 98000}
	if diff := cmp.Diff(want, d.cases[0]); diff != "" {
		t.Error(diff)
	}
	if got := []uint32{d.batches[0].TimeoutMs, d.batches[1].TimeoutMs, d.batches[2].TimeoutMs}; got[0] != 2500 || got[1] != 95250 || got[2] != 97500 {
		t.Errorf("the batches have %v ms", got)
	}
}

// TestIrqlIsOfTheStepsOnly: what is made ready, and undone, is so at PASSIVE_LEVEL.
func TestIrqlIsOfTheStepsOnly(t *testing.T) {
	c := load(t, caseText("    irql: dispatch\n    set_up: [{register: {client: a}}, {capture: {client: a, wait: none}}]\n    tear_down: [{release: {client: a}}, {deregister: {client: a}}]\n",
		"capture: {client: a, wait: none}", "release: {client: a}")).All()[0]
	var got []uint16
	for _, s := range c.Steps {
		got = append(got, s.context)
	}
	if diff := cmp.Diff([]uint16{abi.ContextCaller, abi.ContextCaller, abi.ContextSpin, abi.ContextSpin, abi.ContextCaller, abi.ContextGuard}, got); diff != "" {
		t.Error(diff)
	}
}

// TestHealthCheck stands behind every case of its suite, whatever became of that, and the agent can tell it from a tear-down.
func TestHealthCheck(t *testing.T) {
	const suite = "suite: s\ndoc: d\nhealth: [{sleep: 2ms}]\ntear_down: [{sleep: 3ms}]\ncases:\n" +
		"  - {id: c, doc: d, steps: [{sleep: 1ms}], tear_down: [{sleep: 4ms}]}\n  - {id: e, doc: d, steps: [{sleep: 5ms}]}\n"
	cases := load(t, suite).All()
	for i, want := range [][]Part{{OwnSteps, TearDown, TearDown, Health}, {OwnSteps, TearDown, Health}} {
		var parts []Part
		for _, s := range cases[i].Steps {
			parts = append(parts, s.Part)
		}
		if diff := cmp.Diff(want, parts); diff != "" {
			t.Error(cases[i].ID, diff)
		}
		d := compile(t, cases[i])
		if d.cases[0].TearDownCount != uint32(len(want)-1) {
			t.Errorf("%s: %d of %d batches run whatever became of the others", cases[i].ID, d.cases[0].TearDownCount, len(want))
		}
		for k, part := range want {
			if (d.batches[k].Flags == abi.PlanBatchHealth) != (part == Health) {
				t.Errorf("%s: batch %d, of its %q, has the flags %#x", cases[i].ID, k, part, d.batches[k].Flags)
			}
		}
	}
}

// TestOnce is around the cases of each suite that are run together, wherever they stand.
func TestOnce(t *testing.T) {
	suite := func(name string) string {
		return "suite: " + name + "\ndoc: d\nonce: {set_up: [{sleep: 2ms}], tear_down: [{sleep: 3ms}]}\ncases:\n" +
			"  - {id: c, doc: d, steps: [{sleep: 1ms}]}\n  - {id: d, doc: d, steps: [{sleep: 1ms}]}\n"
	}
	catalog, err := Load(Source{Name: "a", Data: []byte(suite("a"))}, Source{Name: "b", Data: []byte(suite("b"))},
		Source{Name: "c", Data: []byte(strings.Replace(suite("c"), "once: {set_up: [{sleep: 2ms}], tear_down: [{sleep: 3ms}]}\n", "", 1))})
	if err != nil {
		t.Fatal(err)
	}
	all := catalog.All()
	cases := Whole([]*Case{all[4], all[0], all[2], all[5], all[3], all[1], all[0]})
	var got []string
	for _, c := range cases {
		got = append(got, c.Name())
	}
	want := []string{"c.c", "a.set_up", "a.c", "b.set_up", "b.c", "c.d", "b.d", "b.tear_down", "a.d", "a.c", "a.tear_down"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d := compile(t, cases...)
	for i, c := range d.cases {
		suite := map[string]uint32{"c": 0, "a": 1, "b": 2}[cases[i].Suite]
		if c.Suite != suite || c.Role != uint32(cases[i].Role) {
			t.Errorf("%s: suite %d, role %d", cases[i].Name(), c.Suite, c.Role)
		}
	}
}

func TestJudgeTearDown(t *testing.T) {
	c := load(t, caseText("    set_up: [{register: {client: a}}]\n    tear_down: [{release: {client: a}}, {deregister: {client: a}}]\n",
		"capture: {client: a, wait: none}", "inspect: {client: a}")).All()[0]
	good := func(step int) StepResult {
		return StepResult{Step: step, Runs: 1, Values: make([]uint64, abi.MaxValues)}
	}
	bad := func(step int) StepResult { r := good(step); r.Status = 0xC0000001; return r }
	refused := func(step int) StepResult { r := bad(step); r.Origin = abi.OriginRefused; return r }
	for _, test := range []struct {
		name    string
		results []StepResult
		want    string // step and part of every deviation
	}{
		{"all", []StepResult{good(0), good(1), good(2), good(3), good(4)}, ""},
		{"set-up", []StepResult{bad(0), refused(3), refused(4)}, "0 set-up "},
		{"own", []StepResult{good(0), bad(1), refused(3), good(4)}, "1  "},
		{"own and tear-down", []StepResult{good(0), bad(1), good(3), bad(4)}, "1  4 tear-down "},
		{"tear-down", []StepResult{good(0), good(1), good(2), bad(3), good(4)}, "3 tear-down "},
		{"refused in the tear-down of a case that did it", []StepResult{good(0), good(1), good(2), refused(3), good(4)}, "3 tear-down "},
		{"no tear-down", []StepResult{good(0), good(1), good(2), good(3)}, "4 tear-down "},
	} {
		got := ""
		for _, d := range c.Judge(test.results) {
			got += strings.Join([]string{string('0' + rune(d.Step)), string(d.Part), ""}, " ")
		}
		if got != test.want {
			t.Errorf("%s: deviations %q, want %q", test.name, got, test.want)
		}
	}
}

func matrixMistakes() []mistakeTest {
	const sleep = "sleep: $x"
	with := func(text string, steps ...string) string { return caseText("    with: "+text+"\n", steps...) }
	return []mistakeTest{
		{"with", with("[x]", "sleep: 1s"), `f:6:11: with is a list (expected a mapping)`, true},
		{"with empty", with("{}", "sleep: 1s"), "f:6:11: with is empty", true},
		{"parameter's name", with("{X: 1s}", "sleep: 1s"), `f:6:12: the parameter's name is "X"`, true},
		{"parameter's value", with("{x: [[1s]]}", "sleep: 1ms", sleep), "f:6:16: with: x is a list", true},
		{"parameter's value is nothing", with("{x: }", sleep), "f:6:15: with: x is nothing", true},
		{"parameter twice", with("{x: [1s, 2s, 1s]}", sleep), `f:6:24: with: x has "1s" twice`, true},
		{"value in names", with("{x: [1s, a b]}", sleep), `f:6:20: with: x is "a b" (expected 1 to 64 letters`, false},
		{"wrong in one combination", with("{x: [1s, soon]}", sleep), `f:6:20: sleep: for is "soon" (expected a duration`, false},
		{"wrong in all", with("{x: [1s, 2s]}", sleep, "slep: $x"), `f:9:9: unknown step "slep"`, true},
		{"unused", with("{x: [1s, 2s], y: [a, b]}", sleep), `f:6:25: parameter "y" is used nowhere (expected $y as a value of the case)`, false},
		{"unknown parameter", with("{pause: [1s, 2s]}", "sleep: $pause", "sleep: $pase"), `f:9:16: there is no parameter "pase"; did you mean "pause"?`, false},
		{"no parameters", caseText("", "sleep: $pause"), `f:7:16: there is no parameter "pause" (expected a name of the case's with`, false},
		{"many combinations", with("{x: [1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s, 9s], y: [a, b, c, d, e, f, g, h]}", sleep, "register: {client: $y}", "deregister: {client: $y}"), "f:6:11: the case has 72 combinations of parameters (expected at most 64)", false},
		{"long names", with("{x: ["+strings.Repeat("a", 64)+"], y: ["+strings.Repeat("b", 64)+"]}", "register: {client: $y}", "deregister: {client: $y}", "register: {client: $x}", "deregister: {client: $x}"), "f:6:11: the parameters make the names of the cases 134 bytes longer", false},
		{"twice with parameters", strings.Replace(with("{x: [1s, 2s]}", sleep), "cases:\n", "cases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n", 1), `f:5:9: case "c" is already on line 4`, false},
		{"many values", with("{x: [1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s], y: [1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s]}", slices.Repeat([]string{sleep, "sleep: $y"}, 800)...), "f:4:5: the file has too many values, every combination of parameters counted (expected at most 200000)", false},
		{"set-up", caseText("    set_up: []\n", "sleep: 1s"), "f:6:13: set_up is an empty list (expected a list of steps)", true},
		{"tear-down", caseText("    tear_down: {sleep: 1s}\n", "sleep: 1s"), "f:6:16: tear_down is a mapping (expected a list of steps)", true},
		{"once empty", "suite: s\ndoc: d\nonce: {}\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n", "f:3:7: once has neither (expected set_up, tear_down or both)", true},
		{"once with a reload", "suite: s\ndoc: d\nonce: {set_up: [{reload: {}}]}\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n",
			"f:3:17: reload can't be done once for a suite: what it does is gone with the case that it is in (expected upload, run, collect and the like, or set_up: around each case)", false},
		{"once with a reboot", "suite: s\ndoc: d\nonce: {tear_down: [{reboot: {}}]}\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n", "f:3:20: reboot can't be done once for a suite: what it does is gone with the case that it is in", false},
		{"once with its name taken", "suite: s\ndoc: d\nonce: {set_up: [{sleep: 1s}]}\ncases:\n  - {id: set_up, doc: d, steps: [{sleep: 1s}]}\n",
			`f:3:7: case "set_up" on line 5 has the name of what the suite does once (expected another id for the case)`, false},
		{"health", "suite: s\ndoc: d\nhealth: []\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n", "f:3:9: health is an empty list (expected a list of steps)", true},
		{"health without a driver", "suite: s\ndoc: d\nhealth: [{sleep: 1s}]\ncases:\n  - {id: c, doc: d, steps: [{unload: {}}]}\n",
			"f:3:9: the health check finds no driver after s.c, which unloads it on line 5 (expected a load at the end of the case)", false},
		{"health that reboots", "suite: s\ndoc: d\nhealth: [{reboot: {}}]\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n", "f:3:10: a reboot can't be in a health check: what it undoes would be undone twice", false},
		{"tear-down of suite", "suite: s\ndoc: d\ntear_down: [{deregister: {client: a}}]\ncases:\n  - {id: c, doc: d, steps: [{sleep: 1s}]}\n  - {id: d, doc: d, steps: [{sleep: 1s}]}\n", `f:3:35: client "a" is not registered`, false},
		{"not undone", caseText("    set_up: [{register: {client: a}}]\n", "sleep: 1s"), `f:6:34: client "a" is still registered at the end of the case`, false},
	}
}

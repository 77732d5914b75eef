package suites

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/strictyaml"
)

func load(t *testing.T, text string) *Catalog {
	t.Helper()
	catalog, err := Load(Source{Name: "test.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// oneCase wraps steps, each a line of YAML flow, into a suite with one case.
func oneCase(t *testing.T, steps ...string) *Case {
	t.Helper()
	return load(t, caseText("", steps...)).All()[0]
}

func caseText(keys string, steps ...string) string {
	return fmt.Sprintf("suite: s\ndoc: d\ncases:\n  - id: c\n    doc: d\n%s    steps:\n      - %s\n",
		keys, strings.Join(steps, "\n      - "))
}

// TestFiveMistakes asserts all of what a person sees for a file with five mistakes.
func TestFiveMistakes(t *testing.T) {
	const file = `suite: mine
doc: What my driver does
cases:
  - id: first
    doc: It works.
    steps:
      - register: {client: a, version: one}
      - captur: {client: a, wait: none}
      - deregister: {client: a}
  - id: first
    doc: It waits.
    steps:
      - register: {client: a}
      - capture: {client: b, wait: none}
        expect: STATUS_DEVICE_NOT_REDY
      - deregister: {client: a}
`
	const want = `mine.yaml:7:40: register: version is "one" (expected a WSK version MAJOR.MINOR such as 1.0, each 0 to 255)
mine.yaml:8:9: unknown step "captur"; did you mean "capture"? (expected one of register, …)
mine.yaml:10:9: case "first" is already on line 4 (expected an id of its own)
mine.yaml:14:27: client "b" is not registered; did you mean "a"? (expected a register step for it before this one)
mine.yaml:15:17: capture: expect: unknown status "STATUS_DEVICE_NOT_REDY"; did you mean "STATUS_DEVICE_NOT_READY"? (expected an NTSTATUS by name, or 0x and its hexadecimal digits)`
	_, err := Load(Source{Name: "mine.yaml", Data: []byte(file)})
	if err == nil {
		t.Fatal("no mistakes found")
	}
	got := regexp.MustCompile(`one of register, [^)]*\)`).ReplaceAllString(err.Error(), "one of register, …)") // and every other operation
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) != 5 {
		t.Errorf("got %d mistakes, want 5", len(mistakes))
	}
}

// TestMistakes has one mistake a case: where it is, and what its message has to say. Those marked
// schema must be rejected by the JSON Schema too.
func TestMistakes(t *testing.T) {
	for _, test := range slices.Concat(mistakeTable(), matrixMistakes(), genericMistakes(), deviceMistakes(), takenMistakes(), verifierMistakes()) {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(Source{Name: "f", Data: []byte(test.text)})
			var mistakes Mistakes
			if !errors.As(err, &mistakes) {
				t.Fatalf("accepted:\n%s", test.text)
			}
			if len(mistakes) != 1 {
				t.Errorf("%d mistakes, want 1:\n%s", len(mistakes), err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

type mistakeTest struct {
	name, text, want string
	schema           bool // the schema rejects it too
}

func mistakeTable() []mistakeTest {
	const (
		register   = "register: {client: a}"
		deregister = "deregister: {client: a}"
		capture    = "capture: {client: a, wait: none}"
		release    = "release: {client: a}"
	)
	step := func(text string) string { return caseText("", register, text, deregister) }
	with := func(keys string) string { return caseText("    "+keys+"\n", register, deregister) }
	return []mistakeTest{
		// The file.
		{"empty", "", "f:1:1: the file is empty", false},
		{"null", "---\n", "the file is empty", true},
		{"list", "- a\n", "f:1:1: the file is a list (expected a mapping)", true},
		{"nothing known", "{}", "neither suites nor known issues", true},
		{"not YAML", "suite: [", "f:1:8: the [ that opens here is not closed", false},
		{"not UTF-8", "suite: \xff", "not UTF-8", false},
		{"two documents", caseText("", register, deregister) + "---\nsuite: x\n", "a second YAML document starts here", false},
		{"duplicate key", "suite: s\nsuite: s\ndoc: d\ncases: [{id: c, doc: d, steps: [" + "{sleep: {for: 1s}}" + "]}]\n", `f:2:1: "suite" is here twice, first on line 1`, false},
		{"unknown key", "suit: s\n" + caseText("", register, deregister), `unknown key "suit" in the file; did you mean "suite"?`, true},
		{"suite name", strings.Replace(with(""), "suite: s", "suite: S s", 1), `suite is "S s"`, true},
		{"no doc", strings.Replace(with(""), "doc: d\ncases", "cases", 1), "the file has no doc", true},
		{"no cases", "suite: s\ndoc: d\ncases: []\n", "cases is an empty list (expected a list of cases)", true},
		{"tag", strings.Replace(with(""), "suite: s", "suite: !mine s", 1), "a tag, !mine", false},

		// The case.
		{"no id", strings.Replace(with(""), "id: c", "tags: [x]", 1), "a case has no id", true},
		{"id is a list", strings.Replace(with(""), "id: c", "id: [c]", 1), "id is a list", true},
		{"long doc", strings.Replace(with(""), "    doc: d", "    doc: "+strings.Repeat("d", 1001), 1), "doc has 1001 bytes (expected 1 to 1000 bytes of text)", true},
		{"blank doc", strings.Replace(with(""), "    doc: d", "    doc: '  '", 1), `doc is "  " (expected 1 to 1000 bytes of text)`, false},
		{"empty doc", strings.Replace(with(""), "    doc: d", "    doc: ''", 1), `doc is "" (expected 1 to 1000 bytes of text)`, true},
		{"case key", with("tag: [x]"), `f:6:5: unknown key "tag" in case c; did you mean "tags"?`, true},
		{"basis", with("basis: guess"), "one of documented, wine-test, recorded", true},
		{"recorded without", with("basis: recorded"), "nothing in the case is recorded", false},
		{"tags", with("tags: x"), "tags is \"x\" (expected a list of names)", true},
		{"no tags", with("tags: []"), "tags is an empty list (expected a list of names; leave it out where there is none)", true},
		{"requires what nobody has", with("requires: [wine, wsk-quiery]"), `f:6:22: no guest has the capability "wsk-quiery"; did you mean "wsk-query"? (expected one of wsk-query, `, true},
		{"requires nothing", with("requires: []"), "requires is an empty list (expected a list of names; leave", true},
		{"tag twice", with("tags: [x, x]"), `tags has "x" twice`, true},
		{"misuse", with("misuse: yes"), `misuse is "yes" (expected true or false)`, true},
		{"irql", with("irql: high"), "one of passive, dispatch, dpc", true},
		{"bare timeout", with("timeout: 10"), `timeout is "10" (expected a duration such as 500ms or 2s)`, true},
		{"tiny timeout", with("timeout: 1us"), "timeout is", true},
		{"short timeout", caseText("    timeout: 2s\n", "sleep: {for: 3s}"), "f:6:14: timeout 2s is too short: its steps may wait for 3s, and need 1s to spare (expected at least 4s)", false},
		{"long waits", caseText("", "sleep: {for: 100s}\n        repeat: 1000"), "f:7:9: the repetitions may wait for 27h46m40s (expected at most 59m59.5s)", false},
		{"very long waits", caseText("", slices.Repeat([]string{"run: {program: a, limit: 23h}"}, 2)...), "the steps may wait for 46h0m1s (expected at most 24h)", false},
		{"loop's timeout", caseText("", "loop: {timeout: 1s, repeat: 10, steps: [{sleep: {for: 1s}}]}"), "f:7:25: timeout 1s is too short: the loop's steps may wait for 10s, and need some to spare", false},
		{"loop's timeout in a case's", caseText("    timeout: 5s\n", "loop: {timeout: 6s, steps: [{sleep: {for: 1s}}]}"), "timeout 5s is too short: its steps may wait for 6s, and need 1s to spare", false},
		{"all wrong", caseText("    repeat: 2\n", "registr: {client: a}"), `unknown step "registr"; did you mean "register" or "registry"?`, true},
		{"no client to register", caseText("    misuse: true\n", "register: {}\n        record: true"), "register has no client", true},
		{"repeat 0", with("repeat: 0"), "repeat is \"0\" (expected a whole number from 1 to 1000000)", true},
		{"parallel 65", with("parallel: 65"), "expected a whole number from 1 to 64", true},
		{"no steps", "suite: s\ndoc: d\ncases:\n  - id: c\n    doc: d\n", "case c has no steps", true},
		{"steps", "suite: s\ndoc: d\ncases:\n  - {id: c, doc: d, steps: {}}\n", "steps is a mapping (expected a list of steps)", true},

		// The step.
		{"not a mapping", step("capture"), "a step is \"capture\" (expected a mapping)", true},
		{"two operations", step(capture + "\n        release: {client: a}"), "the step has two operations, capture and release", true},
		{"only common keys", step("expect: STATUS_SUCCESS"), "the step has no operation", true},
		{"unknown key inside", step("capture: {client: a, wait: none, waits: 1}"), `unknown key "waits" in capture; did you mean "wait"?`, true},
		{"common key misspelt", step(capture + "\n        expct: STATUS_SUCCESS"), `unknown key "expct" in capture's step; did you mean "expect"?`, true},
		{"expect inside", step("capture: {client: a, wait: none, expect: STATUS_SUCCESS}"), "expect stands in capture, not beside it", true},
		{"wait outside", step("capture: {client: a, wait: none}\n        client_set: true"), "client_set stands beside capture, not in it", true},
		{"missing argument", step("capture: {client: a}"), "capture has no wait", true},
		{"missing client", step("release: {}"), "release has no client", true},
		{"wait number", step("capture: {client: a, wait: 100}"), `capture: wait is "100" (expected none, infinite, or a duration`, true},
		{"wait too long", step("capture: {client: a, wait: 101s}"), "1ms to 1m40s", false},
		{"version 1", step("register: {client: b, version: 1}\n      - deregister: {client: b}"), "expected a WSK version MAJOR.MINOR", false},
		{"version 1.256", step("register: {client: b, version: 1.256}\n      - deregister: {client: b}"), "each 0 to 255", false},
		{"flag", step("register: {client: b, context: 1}\n      - deregister: {client: b}"), "register: context is \"1\" (expected true or false)", true},
		{"reserved", step("register: {client: b, reserved: 65536}\n      - deregister: {client: b}"), "0 to 65535", true},
		{"status number", step(capture + "\n        expect: 5"), `unknown status "5"`, false},
		{"five statuses", step(capture + "\n        expect: [STATUS_SUCCESS, STATUS_NOINTERFACE, STATUS_TIMEOUT, STATUS_PENDING, STATUS_UNSUCCESSFUL]"), "a list of 5 (expected one status, or a list of 1 to 4)", true},
		{"status twice", step(capture + "\n        expect: [STATUS_SUCCESS, STATUS_SUCCESS]"), "STATUS_SUCCESS twice", false},
		{"record and expect", step(capture + "\n        expect: STATUS_SUCCESS\n        record: true"), "expected either expect or record", false},
		{"record and check", step("capture: {client: a, wait: none, major: 1}\n        record: true"), "this one checks major", false},
		{"check of a failure", step("capture: {client: a, wait: none, major: 1}\n        expect: STATUS_NOINTERFACE"), "major is not known when capture fails", false},
		{"minor alone", step("inspect: {client: a, minor: 0}"), "minor needs major", false},
		{"slot", step("inspect: {client: a, slots: [WskSockets]}"), `did you mean "WskSocket"?`, true},
		{"too many checks", step("inspect: {client: a, major: 1, minor: 0, client_set: true, dispatch_set: true, captures: 0, events: 0}"), "the step has too many checks", false},
		{"bare sleep", step("sleep: 1"), `sleep: for is "1" (expected a duration such as 500ms or 2s)`, true},
		{"size", step("memory: {growth_at_most: 64}"), "expected a size such as 64KiB", true},
		{"at", step("release: {client: a, at: high}"), "one of passive, guard, dispatch, dpc", true},
		{"register at dispatch", step("register: {client: b, at: dispatch}\n      - deregister: {client: b}"), "one of passive, guard", true},
		{"wait at dispatch", step("capture: {client: a, wait: infinite, at: dispatch}"), "it needs PASSIVE_LEVEL", false},
		{"at and thread", step("release: {client: a, at: guard, thread: t1}\n      - join: {thread: t1}"), "thread or at, not both", false},
		{"expect of a start", step("release: {client: a, thread: t1}\n        expect: STATUS_SUCCESS\n      - join: {thread: t1}"), "expected expect beside the join", false},
		{"within of a start", step("release: {client: a, thread: t1}\n        within: 1s\n      - join: {thread: t1}"), "within in the join", false},
		{"within beside join", step("release: {client: a, thread: t1}\n      - join: {thread: t1}\n        within: 1s"), "within stands beside join, not in it", false},
		{"expect of blocked", step("release: {client: a, thread: t1}\n      - blocked: {thread: t1, for: 1s}\n        expect: STATUS_SUCCESS\n      - join: {thread: t1}"), "blocked has only one outcome that passes", false},
		{"timeout too long", caseText("    timeout: 10s\n", register, capture+"\n        timeout: 20s", release, deregister), "timeout 20s of the step is not inside the limits around it (expected at most 9.25s)", false},
		{"timeout too short", step("sleep: {for: 1s}\n        timeout: 1s"), "not more than the step itself waits", false},
		{"step name", step(capture + "\n        name: capture"), "the name of an operation", false},
		{"step name twice", caseText("", register, capture+"\n        name: x", release+"\n        name: x", deregister), `step "x" is already on line 9`, false},
		{"repeat of memory", step("memory: {mark: true}\n        repeat: 2"), "memory can't be repeated", false},
		{"next_on alone", step(capture + "\n        next_on: STATUS_DEVICE_NOT_READY"), "f:9:18: next_on means nothing outside of a loop (expected expect: with a list)", false},
		{"misuse step", step(release + "\n        misuse: true"), "release misuses WSK, but its case does not say so", false},
		{"null dispatch", step("register: {client: b, null_dispatch: true}\n      - deregister: {client: b}"), "register misuses WSK", false},
		{"fault", step("fault: {kind: hang, for: 1s}"), "fault misuses WSK", false},
		{"fault arguments", caseText("    misuse: true\n", "fault: {kind: write, code: 1, address: 16}"), "a fault of this kind takes no code (expected kind, address)", false},
		{"fault without", caseText("    misuse: true\n", "fault: {kind: write}"), "a fault of this kind has no address", false},

		// Steps of the agent.
		{"step without the driver", caseText("", "unload:", "activate:"), "f:8:9: activate needs the driver, which is unloaded since line 7 (expected a load before it)", false},
		{"unload twice", caseText("", "unload:", "unload:"), "unload needs the driver, which is unloaded since line 7", false},
		{"load twice", caseText("", "load:"), "load starts the driver, which is loaded already (expected an unload before it)", false},
		{"load that fails", caseText("", "unload:", "load: {inject: 1}\n        expect: STATUS_INSUFFICIENT_RESOURCES", "activate:"), "activate needs the driver, which is unloaded since line 7", false},
		{"failures of a loaded driver", caseText("", "start_failures:"), "start_failures starts the driver, which is loaded already", false},
		{"gone with the driver", caseText("", register, "reload:", deregister), `client "a" is already deregistered`, false},
		{"thread gone with the driver", caseText("", register, "release: {client: a, thread: t1}", "reload:", "join: {thread: t1}"), `nothing runs on thread "t1"`, false},
		{"unload in a loop", caseText("    repeat: 2\n", "unload:"), "unload in a loop", false},
		{"repeat of unload", caseText("", "unload:\n        repeat: 2"), "unload can't be repeated", false},
		{"join can't run in DriverEntry: the agent does that, and only afterwards", caseText("", "unload:", "load: {steps: [{register: {client: a, thread: t1}}, {join: {thread: t1}}]}", deregister), "join can't run in DriverEntry: the agent does that, and only afterwards", false},
		{"entry of a failing load", caseText("", "unload:", "load: {inject: 1, steps: [{sleep: 1ms}]}\n        expect: STATUS_UNSUCCESSFUL"), "what DriverEntry does is known only where load succeeds", false},
		{"entry on demand", caseText("", "reboot: {steps: [{sleep: 1ms}]}"), "the driver is not started by the boot", false},
		{"entry without steps", caseText("", "unload:", "load: {steps: []}"), "steps is an empty list", true},
		{"echo of a program that stays", caseText("", "activate:", "echo: {program: true, idle: true}", "deactivate: {}"), "another program ends after its first round", false},
		{"start type", caseText("", "reboot: {start: never}"), "one of boot, system, auto, demand", true},

		// Clients and threads.
		{"never registered", caseText("", "release: {client: a}"), `client "a" is not registered`, false},
		{"left registered", caseText("", register), `client "a" is still registered at the end of the case`, false},
		{"registered twice", step(register), `client "a" is already registered, on line 7`, false},
		{"deregistered twice", step(deregister), `client "a" is already deregistered`, false},
		{"compare with itself", step("compare: {clients: [a, a]}"), `compare: clients has "a" twice`, true},
		{"compare one", step("compare: {clients: [a]}"), "a list of 1 (expected a list of two clients)", true},
		{"thread not started", step("join: {thread: t1}"), `nothing runs on thread "t1"`, false},
		{"thread not joined", step("release: {client: a, thread: t1}"), `thread "t1" is never joined`, false},
		{"thread busy", step("release: {client: a, thread: t1}\n      - release: {client: a, thread: t1}\n      - join: {thread: t1}"), `thread "t1" still has its operation of line 8`, false},

		// Loops.
		{"loop without steps", step("loop: {repeat: 2}"), "loop has no steps", true},
		{"loop in a loop", step("loop: {steps: [{loop: {steps: [{sleep: {for: 1s}}]}}]}"), "a loop can't be in a loop", true},
		{"memory in a loop", step("loop: {repeat: 2, steps: [{memory: {mark: true}}]}"), "memory in a loop", false},
		{"steps and choose", step("loop: {for: 1s, steps: [{sleep: 1ms}], choose: [{steps: [{sleep: 1ms}]}, {steps: [{sleep: 1ms}]}]}"), "f:8:56: loop has both steps and choose", true},
		{"one choice", step("loop: {for: 1s, choose: [{steps: [{sleep: 1ms}]}]}"), "choose is a list of 1 (expected a list of at least two choices)", true},
		{"a choice without steps", step("loop: {for: 1s, choose: [{weight: 2}, {steps: [{sleep: 1ms}]}]}"), "a choice has no steps", true},
		{"weight 0", step("loop: {for: 1s, choose: [{weight: 0, steps: [{sleep: 1ms}]}, {steps: [{sleep: 1ms}]}]}"), "weight is \"0\" (expected a whole number from 1 to 1000)", true},
		{"seed of nothing", step("loop: {for: 1s, seed: 7, steps: [{sleep: 1ms}]}"), "f:8:31: the loop has a seed, but chooses nothing", false},
		{"seed 0", step("loop: {seed: 0, choose: [{steps: [{sleep: 1ms}]}, {steps: [{sleep: 1ms}]}]}"), "loop: seed is \"0\"", true},
		{"for too long", step("loop: {for: 31m, steps: [{sleep: 1ms}]}"), "1ms to 30m", false},
		{"for in a short timeout", step("loop: {for: 3s, timeout: 3s, steps: [{sleep: 1ms}]}"), "f:8:34: timeout 3s is too short: the loop's steps may wait for 3.001s, and need some to spare", false},
		{"next_on twice", step("loop: {for: 1s, steps: [{" + capture + ", next_on: STATUS_SUCCESS}, {" + release + "}]}"), "STATUS_SUCCESS is in both expect and next_on", false},
		{"next_on unknown", step("loop: {for: 1s, steps: [{" + capture + ", next_on: refusd}, {" + release + "}]}"), `capture: next_on: unknown status "refusd"`, true},
		{"next_on of a record", step("loop: {for: 1s, steps: [{" + capture + ", next_on: refused, record: true}, {" + release + "}]}"), "a recorded step is not judged", false},
		{"next_on has too many", step("loop: {for: 1s, steps: [{" + capture + ", next_on: [STATUS_NOINTERFACE, STATUS_TIMEOUT, STATUS_PENDING, STATUS_UNSUCCESSFUL]}, {" + release + "}]}"), "expect and next_on have 5 statuses together", false},
		{"undone in a loop", caseText("", register, "loop: {repeat: 2, steps: [{deregister: {client: a}}]}", "register: {client: b}", "deregister: {client: b}"), "f:8:34: client \"a\" is deregistered in the loop, which goes on", false},
		{"socket left in a loop", step(capture + "\n      - loop: {repeat: 2, steps: [{socket: {client: a, socket: s, kind: listen}}]}"), "socket \"s\" is still open at the end of the loop", false},
		{"foreign socket", step(capture + "\n      - socket: {client: a, socket: s, kind: listen}\n      - loop: {parallel: 2, steps: [{bind: {socket: s}}]}\n      - close: {socket: s}"), "socket \"s\" is made outside of the parallel loop", false},
		{"registered by all", caseText("", "loop: {parallel: 2, shared: true, steps: [{register: {client: a}}, {deregister: {client: a}, next_on: refused}]}"), "every thread of the loop would register client \"a\"", false},
		{"thread in a loop", caseText("    repeat: 2\n", register, "release: {client: a, thread: t1}", deregister), "a step in a loop can't start a named thread", false},
		{"left in a loop", step("loop: {repeat: 2, steps: [{register: {client: b}}]}"), "still registered at the end of the loop", false},
		{"foreign client", step("loop: {parallel: 2, steps: [{release: {client: a}}]}"), "registered outside of the parallel loop", false},
		{"shared deregister", caseText("", register, "loop: {parallel: 2, shared: true, steps: [{deregister: {client: a}}]}"), "shared by the threads of the loop", false},
		{"too many clients", caseText("    parallel: 64\n", register, "register: {client: b}", deregister, "deregister: {client: b}"), "2 clients on each of 64 threads", false},

		// Known issues.
		{"known list", "known_issues: {}", "known_issues is a mapping", true},
		{"known case", known("case: s.d, step: capture, actual: {status: STATUS_SUCCESS}"), `no case "s.d"; did you mean "s.c"?`, false},
		{"known step", known("case: s.c, step: captured, actual: {status: STATUS_SUCCESS}"), `no step "captured"; did you mean "capture"?`, false},
		{"known status", known("case: s.c, step: capture, actual: {status: STATUS_NOINTERFACE}"), "STATUS_NOINTERFACE is what the step expects", false},
		{"known nothing", known("case: s.c, step: capture, actual: {}"), "nothing deviates", true},
		{"known no deviation", known("case: s.c, step: capture, actual: {captures: 1}"), "nothing in it deviates", false},
		{"known value", known("case: s.c, step: capture, actual: {status: STATUS_SUCCESS, low: 1.0}"), `unknown key "low" in actual of a capture step`, false},
		{"known one version", known("case: s.c, step: capture, versions: 8.0, actual: {status: STATUS_SUCCESS}"), "versions is \"8.0\" (expected the first and the last version", true},
		{"known guest", strings.Replace(known("case: s.c, step: capture, actual: {status: STATUS_SUCCESS}"), "guest: wine", "guest: Wine", 1), `no guest is of the kind "Wine"; did you mean "wine"? (expected wine, windows, model, or netio: and the file`, true},
		{"known guest's file", strings.Replace(known("case: s.c, step: capture, actual: {status: STATUS_SUCCESS}"), "guest: wine", "guest: 'netio:'", 1), `no guest is of the kind "netio:"`, true},
		{"known no version", known("case: s.c, step: capture, versions: [8.0, next], actual: {status: STATUS_SUCCESS}"), `versions is "next" (expected a version of the guest, such as 10.0)`, true},
		{"known backwards", known("case: s.c, step: capture, versions: [10.0, 8.0], actual: {status: STATUS_SUCCESS}"), "versions is from 10.0 to 8.0", false},
		{"known fixed alone", known("case: s.c, step: capture, fixed: 10.0, actual: {status: STATUS_SUCCESS}"), "fixed without versions", true},
		{"known fixed before", known("case: s.c, step: capture, versions: [8.0, 10.0], fixed: 10.0, actual: {status: STATUS_SUCCESS}"), "it was seen on 10.0, and fixed is 10.0", false},
		{"known twice", known("case: s.c, step: capture, versions: [8.0, 8.0], actual: {status: STATUS_SUCCESS}") +
			"  - {guest: wine, reason: r, case: s.c, step: capture, versions: [10.0, 10.0], actual: {status: STATUS_PENDING}}\n", "capture of s.c is already declared in f, line", false},
	}
}

// known is a suite with a known issue of its case s.c, whose capture expects STATUS_NOINTERFACE.
func known(text string) string {
	return caseText("", "register: {client: a}", "capture: {client: a, wait: none}\n        expect: STATUS_NOINTERFACE", "deregister: {client: a}") +
		"known_issues:\n  - {guest: wine, reason: r, " + text + "}\n"
}

// TestManyMistakes has more than anyone mends at a time: the first are told, in short order.
func TestManyMistakes(t *testing.T) {
	var steps []string
	for range 1_000 {
		steps = append(steps, "sleep: {for: 1s}\n        expect: STATUS_DEVICE_NOT_REDYXX")
	}
	_, err := Load(Source{Name: "f", Data: []byte(caseText("", steps...))})
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) != strictyaml.MaxMistakes+1 {
		t.Fatalf("%d mistakes", len(mistakes))
	}
	last := mistakes[strictyaml.MaxMistakes].String()
	if want := "f:208:17: more mistakes may follow: these are the first 100"; last != want {
		t.Errorf("got %s, want %s", last, want)
	}
}

// TestDesignExample is the example that the design and the README show.
func TestDesignExample(t *testing.T) {
	const text = `suite: capture
doc: Provider NPI capture
cases:
  - id: deregister_waits_one
    doc: WskDeregister returns only after every captured NPI is released
    source: nf-wsk-wskderegister
    tags: [blocking]
    timeout: 10s
    steps:
      - register: {client: a, version: 1.0}
      - capture: {client: a, wait: none}
      - deregister: {client: a, thread: t1}       # runs on a kernel thread of its own
      - blocked: {thread: t1, for: 500ms}
      - release: {client: a}
      - join: {thread: t1, within: 2s}
`
	c := load(t, text).All()[0]
	if c.Name() != "capture.deregister_waits_one" || len(c.Steps) != 6 || c.Timeout != 10*time.Second || c.Line != 4 {
		t.Errorf("%+v", c)
	}
	if err := compiledSchema(t).Validate(asEditor(t, []byte(text))); err != nil {
		t.Error(err)
	}
}

func TestMistakesOfAllFilesTogether(t *testing.T) {
	good := caseText("", "sleep: {for: 1s}")
	_, err := Load(
		Source{Name: "b.yaml", Data: []byte("suit: x\n")},
		Source{Name: "a.yaml", Data: []byte(good)},
		Source{Name: "c.yaml", Data: []byte(good)})
	want := "b.yaml:1:1: the file has neither suites nor known issues (expected suite, doc and cases, or known_issues)\n" +
		"b.yaml:1:1: unknown key \"suit\" in the file; did you mean \"suite\"? (expected one of suite, cases, doc, once, set_up, tear_down, health, known_issues, verifier)\n" +
		"c.yaml:1:8: suite \"s\" is already in a.yaml, line 1 (expected a name of its own)"
	if err == nil {
		t.Fatal("accepted")
	}
	// Two mistakes of b.yaml share their place; the unknown key was found first.
	lines := strings.Split(err.Error(), "\n")
	if len(lines) == 3 {
		lines[0], lines[1] = lines[1], lines[0]
	}
	if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" {
		t.Error(diff)
	}
}

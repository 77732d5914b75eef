package suites

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func genericMistakes() []mistakeTest {
	one := func(step string) string { return caseText("", step) }
	return []mistakeTest{
		{"upload nothing", one("upload: {to: x}"), "f:7:17: upload has no file", true},
		{"upload outside", one(`upload: {file: a.exe, to: ..\a.exe}`), `f:7:35: upload: to is "..\\a.exe": ".." ends in a dot`, false},
		{"upload to a device", one(`upload: {file: a.exe, to: 'a:b'}`), `upload: to is "a:b"`, false},
		{"upload of a strange name", one(`upload: 'a?.exe'`), `"a?.exe" can't be a file's name in the guest: "a?.exe" has a character`, false},
		{"run nothing", one("run: {args: [a]}"), "run has no program", true},
		{"args", one("run: {program: a, args: b}"), `run: args is "b" (expected a list of 1 to 64 texts)`, true},
		{"an argument", one(`run: {program: a, args: ["b\nc"]}`), `an argument is "b\nc" (expected a text of one line)`, false},
		{"an argument that is a list", one(`run: {program: a, args: [[b]]}`), "an argument is a list", true},
		{"long command", one("run: {program: a, args: [" + strings.Repeat("b", 8000) + "]}"), "the command line has 8001 (expected at most 8000 characters)", false},
		{"limit", one("run: {program: a, limit: 10}"), `run: limit is "10" (expected a duration`, true},
		{"stdout", one("run: {program: a, stdout: b}"), `run: stdout is "b" (expected a mapping)`, true},
		{"empty stdout", one("run: {program: a, stdout: {}}"), "run: stdout is empty (expected equals, contains or matches)", true},
		{"stdout's key", one("run: {program: a, stdout: {contain: b}}"), `unknown key "contain" in run: stdout; did you mean "contains"?`, true},
		{"regular expression", one("run: {program: a, stdout: {matches: '('}}"), "run: stdout: matches: error parsing regexp: missing closing )", false},
		{"two reports", one("run: {program: a, tap: stdout, junit: b.xml}"), "f:7:47: run has both (expected one of tap and junit)", false},
		{"recorded and judged", one("run: {program: a, stdout: {equals: b}}\n        record: true"), "what the step writes is judged, and a recorded step is not", false},
		{"failure and judged", one("run: {program: a, tap: stdout}\n        expect: STATUS_TIMEOUT"), "what the step writes is known only when it succeeds", false},
		{"reboot in the tear-down", caseText("    tear_down: [{reboot: {}}]\n", "sleep: 1s"), "f:6:17: a reboot in a tear-down", false},
		{"run in a loop", caseText("    repeat: 2\n", "run: a"), "run in a loop", false},
		{"run on a thread", one("run: {program: a, thread: t}"), `unknown key "thread" in run`, true},
		{"ioctl without code", one("ioctl: {device: D}"), "ioctl has no code", true},
		{"code", one("ioctl: {device: D, code: 0x100000000}"), `ioctl: code is "0x100000000" (expected a whole number from 0 to 4294967295)`, true},
		{"odd digits", one(`ioctl: {device: D, code: 1, in: {hex: "123"}}`), `ioctl: in: hex is "123" (expected pairs of hexadecimal digits`, false},
		{"out of a thread that is only started", caseText("", `ioctl: {device: D, code: 1, out: {text: a}, thread: t}`, "join: {thread: t}"), `ioctl: out: the step only starts thread "t" (expected out in the join)`, false},
		{"bytes of a thread that is only started", caseText("", `ioctl: {device: D, code: 1, bytes: 1, thread: t}`, "join: {thread: t}"), `ioctl: bytes: the step only starts thread "t"`, false},
		{"expect of a thread that is only started", caseText("", "ioctl: {device: D, code: 1, thread: t}\n        expect: STATUS_CANCELLED", "join: {thread: t}"), `the step only starts thread "t" (expected expect beside the join)`, false},
		{"a thread that nobody joins", one("ioctl: {device: D, code: 1, thread: t}"), `thread "t" is never joined`, false},
		{"stdout of a device", caseText("", "ioctl: {device: D, code: 1, thread: t}", "join: {thread: t, stdout: {equals: a}}"), "stdout of thread t (expected stdout and stderr of a program, out of a device)", false},
		{"out of an unload", caseText("", "unload: {thread: t}", "join: {thread: t, out: {text: a}}"), "out of thread t, which writes nothing", false},
		{"join's room", caseText("", "ioctl: {device: D, code: 1, room: 1, thread: t}", "join: {thread: t, out: {text: ab}}"), "join: out has 2 bytes (expected at most 1 bytes, or more room)", false},
		{"what an unload does not report", caseText("", "unload: {thread: t}", "join: {thread: t, bytes: 1}"), `unknown key "bytes" in join`, false},
		{"a failure's output", caseText("", "ioctl: {device: D, code: 1, thread: t}", "join: {thread: t, out: {text: ab}}\n        expect: STATUS_CANCELLED"), "what the step writes is known only when it succeeds", false},
		{"both bytes", one(`ioctl: {device: D, code: 1, in: {hex: "12", text: a}}`), "ioctl: in is a mapping (expected {hex: digits}, {text: …}, {utf16: …} or {file: …})", true},
		{"other bytes", one(`ioctl: {device: D, code: 1, in: {octal: "12"}}`), `ioctl: in has "octal"`, true},
		{"bytes alone", one(`ioctl: {device: D, code: 1, in: 12}`), `ioctl: in is "12"`, true},
		{"no room", one(`ioctl: {device: D, code: 1, room: 1, out: {text: ab}}`), "ioctl: out has 2 bytes (expected at most 1 bytes, or more room)", false},
		{"collect twice", caseText("", "collect: a.txt", `collect: {file: b\A.TXT}`), `a file "A.TXT" is already collected on line 7 (expected as: another name)`, false},
		{"collect as", one("collect: {file: a.txt, as: ../a}"), `collect: the name "../a" (expected as: 1 to 100 letters`, true},
		{"collect at most", one("collect: {file: a.txt, at_most: 1GiB}"), "collect: at_most is 1GiB (expected at most 256MiB)", false},
		{"any event", one("event_log: {channel: System}"), "event_log takes any line (expected source, id or contains)", false},
		{"event's source", one(`event_log: {source: "a'b"}`), `event_log: source is "a'b" (expected a name without quotes)`, false},
	}
}

// TestGenericTexts: what the agent is given of each, in the order in which it takes it.
func TestGenericTexts(t *testing.T) {
	c := load(t, caseText("",
		`upload: {file: out/tool.exe, to: bin/tool.exe}`,
		`run: {program: bin\tool.exe, args: [a b, "", $$], limit: 3s, junit: r.xml}`,
		`run: hostname`,
		`ioctl: {device: D, code: 0x222000, in: {text: AB}, room: 7}`,
		`collect: {file: 'C:\x\r.txt', as: r2.txt, at_most: 64KiB}`,
		`event_log: {source: S, id: 7, contains: "it's", wait: 1s}`,
	)).All()[0]
	plan, err := Compile([]Entry{{Case: c}}, PlanOptions{RunID: "r", Service: "own", DriverPath: `C:\d.sys`, INF: `C:\d.inf`,
		Own: &Service{Name: "own", Start: StartSystem, Depends: []string{"netio"},
			Parameters: []Parameter{{Name: "A", Kind: RegMulti, Values: []string{"x", "y"}}}},
		Stored: func(local string) string { return `C:\store\` + local }})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	list := func(at uint32) string {
		texts, _, _ := strings.Cut(string(d.text[at:]), "\x00\x00")
		return strings.ReplaceAll(texts, "\x00", "|")
	}
	var got []string
	for _, s := range d.steps {
		if performer(s.Performer) != byAgent {
			t.Errorf("step %d is not the agent's", s.Step.Op)
		}
		got = append(got, list(s.Text))
	}
	want := []string{
		`C:\store\out/tool.exe|bin\tool.exe`,
		`bin\tool.exe| "a b" "" $$|r.xml`,
		`hostname| `,
		"dD|i4142",
		`C:\x\r.txt|r2.txt`,
		`System|Provider[@Name='S'] and (EventID=7) and |it's`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][2]uint64{{0, 0}, {3000, 0}, {10000, 0}, {0x222000, 7}, {64 << 10, 0}, {1000, 7}}, func() (all [][2]uint64) {
		for _, s := range d.steps {
			all = append(all, [2]uint64(s.Step.Arg[:2]))
		}
		return all
	}()); diff != "" {
		t.Error(diff)
	}
	if d.header.Flags != planPlain || list(d.header.Settings) != `start|1|depend|netio|value|A|7|2|x|y|inf|C:\d.inf` {
		t.Errorf("flags %d, settings %s", d.header.Flags, list(d.header.Settings))
	}
	if !c.Collects() || c.NeedsSample() || len(c.Uploads()) != 1 || !bytes.Contains(plan.Bytes(), []byte("s.c\x00")) {
		t.Errorf("collects %v, needs the sample %v, uploads %v", c.Collects(), c.NeedsSample(), c.Uploads())
	}
}

func TestNeedsSample(t *testing.T) {
	for step, want := range map[string]bool{
		"ioctl: {device: D, code: 1}": false, "sleep: 1s": false, "sleep: 1s\n        repeat: 2": true,
		"reload: {times: 2, slowest_at_most: 1s}": false, "reload: {times: 2, blocks: 0}": true,
		"ioctl: {device: D, code: 1}\n        repeat: 2": false,
		"reboot: {}": false, "reboot: {activate: true}": true, "state: {}": true, "unloaded: {}": true,
	} {
		if got := oneCase(t, step).NeedsSample(); got != want {
			t.Errorf("%s: %v", step, got)
		}
	}
}

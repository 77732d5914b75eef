package suites

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

func genericMistakes() []mistakeTest {
	one := func(step string) string { return caseText("", step) }
	return []mistakeTest{
		{"upload nothing", one("upload: {to: x}"), "f:7:17: upload has no file", true},
		{"upload outside", one(`upload: {file: a.exe, to: ..\a.exe}`), `f:7:35: upload: to is "..\\a.exe": ".." ends in a dot`, false},
		{"upload to a device", one(`upload: {file: a.exe, to: 'a:b'}`), `upload: to is "a:b"`, false},
		{"upload of a strange name", one(`upload: 'a?.exe'`), `"a?.exe" can't be a file's name in the guest: "a?.exe" has a character`, false},
		{"upload to the agent", one(`upload: {file: a.exe, to: 'c:\WSKHARNESS\store\a.exe'}`), `upload: c:\WSKHARNESS\store\a.exe is the agent's own (expected another place)`, false},
		{"report at the agent", one(`run: {program: a.exe, tap: 'C:\wskharness\agent\x.tap'}`), `the report C:\wskharness\agent\x.tap is the agent's own (expected another place)`, false},
		{"replace in the case's folder", one(`upload: {file: a.exe, replace: true}`), `f:7:40: replace is needed for absolute paths alone: what is in the case's own folder makes way without it (expected replace with an absolute path)`, false},
		{"registry nothing", one("registry: {}"), "registry has neither key nor parameter, or both", false},
		{"registry key and parameter", one(`registry: {key: 'HKLM\a', parameter: b}`), "registry has neither key nor parameter, or both", false},
		{"registry name and parameter", one(`registry: {name: a, parameter: b}`), "registry has both name and parameter", false},
		{"registry root", one(`registry: {key: 'HKXX\a'}`), `registry: key is "HKXX\\a" (expected HKLM\… or HKU\…, such as HKLM\SOFTWARE\Vendor)`, false},
		{"registry root alone", one(`registry: {key: HKLM}`), `registry: key is "HKLM" (expected HKLM\…`, false},
		{"registry empty part", one(`registry: {key: 'HKLM\a\\b'}`), `registry: key is "HKLM\\a\\\\b" (expected`, false},
		{"registry user", one(`registry: {key: 'HKCU\a'}`), `the agent is a service, whose user is the system's`, false},
		{"registry of the agent", one(`registry: {key: 'HKLM\Software\WSKHARNESS-undo', set: 1}`), `registry: Software\WSKHARNESS-undo is the agent's own`, false},
		{"registry set and equals", one(`registry: {parameter: a, set: 1, equals: 1}`), `registry has set and equals (expected one of set, equals, delete and absent)`, false},
		{"registry set and absent", one(`registry: {parameter: a, set: 1, absent: true}`), `registry has set and absent`, false},
		{"registry checks of set", one(`registry: {parameter: a, set: 1, type: REG_DWORD}`), `type is of a value that is read (expected no checks)`, false},
		{"registry yes", one(`registry: {parameter: a, set: true}`), `registry: set is "true" (expected a number, a text`, true},
		{"registry octal", one(`registry: {parameter: a, set: 010}`), `registry: set is 010, which without quotes is 8 in YAML 1.1, and 10 in YAML 1.2 (expected a number in decimal without a leading zero`, false},
		{"registry on", one(`registry: {parameter: a, equals: on}`), `registry: equals is on, which without quotes is true in YAML 1.1, and text in YAML 1.2 (expected a number`, false},
		{"registry fraction", one(`registry: {parameter: a, set: 1.5}`), `registry: set is "1.5" (expected a number, a text`, true},
		{"registry negative", one(`registry: {parameter: a, set: -1}`), `registry: set is "-1" (expected a number, a text`, false},
		{"registry dword", one(`registry: {parameter: a, set: {dword: 4294967296}}`), `registry: set: dword is "4294967296" (expected a whole number from 0 to 4294967295)`, false},
		{"registry unknown", one(`registry: {parameter: a, set: {word: 1}}`), `registry: set has "word" (expected a number, a text`, true},
		{"registry two", one(`registry: {parameter: a, set: {dword: 1, qword: 1}}`), `registry: set is a mapping (expected a number, a text`, true},
		{"registry empty in list", one(`registry: {parameter: a, set: [a, ""]}`), `registry: set has "" (expected a text that is not empty: an empty one ends such a list)`, false},
		{"registry digits", one(`registry: {parameter: a, set: {hex: 0g}}`), `registry: set: hex is "0g" (expected pairs of hexadecimal digits`, false},
		{"registry absent and expect", one("registry: {parameter: a, absent: true}\n        expect: STATUS_TIMEOUT"), `a value that has to be absent is expected to be just that`, false},
		{"registry recorded", one("registry: {parameter: a, equals: 1}\n        record: true"), `what the step writes is judged, and a recorded step is not`, false},
		{"registry type", one(`registry: {parameter: a, type: REG_WORD}`), `registry: type is "REG_WORD"; did you mean`, true},
		{"pool tags", one("reload: {pool_tags: []}"), "reload: pool_tags is an empty list (expected a list of 1 to 16 tags)", true},
		{"long pool tag", one("reload: {pool_tags: [Mines]}"), `reload: pool_tags has "Mines" (expected one to four characters, of which the last may be *)`, true},
		{"pool tag within", one("reload: {pool_tags: ['M*e']}"), `reload: pool_tags has "M*e"`, true},
		{"pool tag yes", one("reload: {pool_tags: [yes]}"), `an entry of pool_tags is yes, which without quotes is true in YAML 1.1`, false},
		{"pool tag of digits", one("reload: {pool_tags: [010]}"), `(expected '010' in quotes)`, true},
		{"pool tag twice", one("reload: {pool_tags: [Mine, Mine]}"), `reload: pool_tags has "Mine" twice`, true},
		{"cycles without times", one("reload: {cycles: 3}"), `reload expects cycles 3, but loads the driver 1 times (expected times: 3 beside it)`, false},
		{"more cycles than times", one("reload: {times: 2, cycles_at_least: 3}"), `reload expects cycles at least 3, but loads the driver 2 times (expected times: 3 beside it)`, false},
		{"run nothing", one("run: {args: [a]}"), "run has no program", true},
		{"args", one("run: {program: a, args: b}"), `run: args is "b" (expected a list of 1 to 64 texts)`, true},
		{"an argument", one(`run: {program: a, args: ["b\nc"]}`), `an argument is "b\nc" (expected a text of one line)`, false},
		{"an argument that is a list", one(`run: {program: a, args: [[b]]}`), "an argument is a list", true},
		{"long command", one("run: {program: a, args: [" + strings.Repeat("b", 8000) + "]}"), "the command line has 8001 characters (expected at most 8000 characters)", false},
		{"limit", one("run: {program: a, limit: 10}"), `run: limit is "10" (expected a duration`, true},
		{"stdout", one("run: {program: a, stdout: b}"), `run: stdout is "b" (expected a mapping)`, true},
		{"empty stdout", one("run: {program: a, stdout: {}}"), "run: stdout is empty (expected equals, contains or matches)", true},
		{"stdout contains nothing", one("run: {program: a, stdout: {contains: []}}"), "run: stdout: contains is an empty list (expected a list of at least one)", false},
		{"stderr contains an empty text", one("run: {program: a, stderr: {contains: ''}}"), "run: stderr: contains: an empty text is in any output (expected a text that is not empty)", false},
		{"stdout contains an empty text, too", one("run: {program: a, stdout: {contains: [b, '']}}"), "run: stdout: contains: an empty text is in any output", false},
		{"stdout of a join contains nothing", caseText("", "run: {program: a, thread: t}", "join: {thread: t, within: 1s, stdout: {contains: []}}"), "join: stdout: contains is an empty list", false},
		{"stdout's key", one("run: {program: a, stdout: {contain: b}}"), `unknown key "contain" in run: stdout; did you mean "contains"?`, true},
		{"regular expression", one("run: {program: a, stdout: {matches: '('}}"), "run: stdout: matches: error parsing regexp: missing closing )", false},
		{"two reports", one("run: {program: a, tap: stdout, junit: b.xml}"), "f:7:47: run has both tap and junit (expected one of tap and junit)", false},
		{"report that is uploaded", caseText("", `upload: {file: a.xml, to: out/a.xml}`, `run: {program: a, junit: 'OUT\a.xml'}`), `f:8:34: the report OUT\a.xml is uploaded on line 7, and would be taken away before the program runs`, false},
		{"report of a program on a thread", caseText("", "run: {program: a, tap: out/r.tap, thread: t}", `run: {program: b, junit: 'OUT\r.tap'}`, "join: {thread: t, within: 1s}"), `f:8:34: the report OUT\r.tap is that of the program on thread "t", since line 7 (expected a report of its own, or a join before it)`, false},
		{"report that is the program", one(`run: {program: 'bin\a.exe', tap: bin/A.exe}`), `the report bin\A.exe is the program (expected a file that the program writes)`, false},
		{"recorded and judged", one("run: {program: a, stdout: {equals: b}}\n        record: true"), "what the step writes is judged, and a recorded step is not", false},
		{"failure and judged", one("run: {program: a, tap: stdout}\n        expect: STATUS_TIMEOUT"), "what the step writes is known only when it succeeds", false},
		{"reboot in the tear-down", caseText("    tear_down: [{reboot: {}}]\n", "sleep: 1s"), "f:6:17: a reboot can't be in a tear-down: what it undoes would be undone twice", false},
		{"run in a loop", caseText("    repeat: 2\n", "run: a"), "run in a loop", false},
		{"run on a thread", one("run: {program: a, thread: t}"), `f:7:35: thread "t" is never joined`, false},
		{"exit on a thread", caseText("", "run: {program: a, thread: t, exit: 3}", "join: {thread: t, within: 1s}"), `run: exit: the step only starts thread "t" (expected exit in the join)`, false},
		{"exits on a thread", caseText("", "run: {program: a, thread: t, exit: [0, 3]}", "join: {thread: t, within: 1s}"), `run: exit: the step only starts thread "t" (expected exit in the join)`, false},
		{"reboot beside a program", caseText("", "run: {program: a, thread: t}", "reboot: {}", "join: {thread: t, within: 1s}"), `f:8:9: a reboot would end the program on thread "t", started on line 7 (expected a join before it)`, false},
		{"no exits", one("run: {program: a, exit: []}"), "run: exit is an empty list (expected a number, or a list of 1 to 32)", true},
		{"exit twice", one("run: {program: a, exit: [3, 3]}"), "run: exit has 3 twice (expected each code once)", false},
		{"exit that is none", one("run: {program: a, exit: [3, x]}"), `run: exit is "x" (expected a whole number from 0 to 4294967295)`, true},
		{"exit too low", one("run: {program: a, exit: -2147483649}"), `run: exit is "-2147483649"`, true},
		{"exit too high", one("run: {program: a, exit: 4294967296}"), `run: exit is "4294967296"`, true},
		{"too long", one("run: {program: a, limit: 24h}"), "run: limit is 24h (expected whole milliseconds from 1ms to 23h)", false},
		{"too long a join", caseText("", "run: {program: a, thread: t}", "join: {thread: t, within: 25h}"), "join: within is 25h (expected whole milliseconds from 1ms to 23h)", false},
		{"too long a join of another", caseText("", "unload: {thread: t}", "join: {thread: t, within: 1h}"), "join: within is 1h (expected whole milliseconds from 1ms to 1m40s)", false},
		{"no environment", one("run: {program: a, env: {}}"), "run: env is a mapping of 0 (expected 1 to 64 of {NAME: text}", true},
		{"environment list", one("run: {program: a, env: [A=1]}"), "run: env is a list of 1 (expected 1 to 64 of {NAME: text}", true},
		{"variable's name", one("run: {program: a, env: {'A=B': c}}"), `run: env has "A=B" (expected a name without =)`, true},
		{"variable twice", one("run: {program: a, env: {Path: a, PATH: b}}"), `run: env has "PATH" on line 7 already (expected each name once, whatever its case)`, false},
		{"variable's lines", one(`run: {program: a, env: {A: "b\nc"}}`), `run: env: A is "b\nc" (expected a text of one line`, false},
		{"variable's list", one("run: {program: a, env: {A: [b]}}"), `run: env: A is a list`, true},
		{"variable yes or no", one("run: {program: a, env: {A: true}}"), `run: env: A is "true" (expected a text in quotes, such as "true")`, true},
		{"stdin text", one("run: {program: a, stdin: abc}"), `run: stdin is "abc" (expected {text: …}, {utf16: …}, {hex: digits} or {file: a path in the guest})`, true},
		{"stdin both", one("run: {program: a, stdin: {text: a, file: b}}"), `run: stdin is a mapping (expected`, true},
		{"stdin digits", one("run: {program: a, stdin: {hex: abc}}"), `run: stdin: hex is "abc" (expected pairs of hexadecimal digits`, false},
		{"stdin file", one(`run: {program: a, stdin: {file: ../b}}`), `run: stdin: file is "../b": ".." ends in a dot`, false},
		{"ioctl without code", one("ioctl: {device: D}"), "ioctl has no code", true},
		{"code", one("ioctl: {device: D, code: 0x100000000}"), `ioctl: code is "0x100000000" (expected a whole number from 0 to 4294967295)`, true},
		{"odd digits", one(`ioctl: {device: D, code: 1, in: {hex: "123"}}`), `ioctl: in: hex is "123" (expected pairs of hexadecimal digits`, false},
		{"out of a thread that is only started", caseText("", `ioctl: {device: D, code: 1, out: {text: a}, thread: t}`, "join: {thread: t}"), `ioctl: out: the step only starts thread "t" (expected out in the join)`, false},
		{"bytes of a thread that is only started", caseText("", `ioctl: {device: D, code: 1, bytes: 1, thread: t}`, "join: {thread: t}"), `ioctl: bytes: the step only starts thread "t"`, false},
		{"expect of a thread that is only started", caseText("", "ioctl: {device: D, code: 1, thread: t}\n        expect: STATUS_CANCELLED", "join: {thread: t}"), `the step only starts thread "t" (expected expect beside the join)`, false},
		{"a thread that nobody joins", one("ioctl: {device: D, code: 1, thread: t}"), `thread "t" is never joined`, false},
		{"stdout of a device", caseText("", "ioctl: {device: D, code: 1, thread: t}", "join: {thread: t, stdout: {equals: a}}"), "stdout of thread t (expected stdout and stderr of a program, out of a device)", false},
		{"out of an unload", caseText("", "unload: {thread: t}", "join: {thread: t, out: {text: a}}"), "out is demanded of thread t, which writes nothing", false},
		{"join's room", caseText("", "ioctl: {device: D, code: 1, room: 1, thread: t}", "join: {thread: t, out: {text: ab}}"), "join: out has 2 bytes (expected at most 1 bytes, or more room)", false},
		{"what an unload does not report", caseText("", "unload: {thread: t}", "join: {thread: t, bytes: 1}"), `unknown key "bytes" in join`, false},
		{"a failure's output", caseText("", "ioctl: {device: D, code: 1, thread: t}", "join: {thread: t, out: {text: ab}}\n        expect: STATUS_CANCELLED"), "what the step writes is known only when it succeeds", false},
		{"both bytes", one(`ioctl: {device: D, code: 1, in: {hex: "12", text: a}}`), "ioctl: in is a mapping (expected {hex: digits}, {text: …}, {utf16: …} or {file: …})", true},
		{"other bytes", one(`ioctl: {device: D, code: 1, in: {octal: "12"}}`), `ioctl: in has "octal"`, true},
		{"bytes alone", one(`ioctl: {device: D, code: 1, in: 12}`), `ioctl: in is "12"`, true},
		{"no room", one(`ioctl: {device: D, code: 1, room: 1, out: {text: ab}}`), "ioctl: out has 2 bytes (expected at most 1 bytes, or more room)", false},
		{"collect twice", caseText("", "collect: a.txt", `collect: {file: b\A.TXT}`), `a file "A.TXT" is already collected on line 7 (expected as: another name)`, false},
		{"collect as", one("collect: {file: a.txt, as: ../a}"), `collect can't keep a file as "../a" (expected as: 1 to 100 letters`, true},
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
		`run: {program: a, args: [b.txt, -c.txt], env: {A: "x y", B: ~, C: ""}, stdin: {text: hi}, exit: [0, -1]}`,
		`run: {program: a, thread: t, stdin: {file: in/b.txt}}`,
		`join: {thread: t, within: 1h, exit: [2, 3]}`,
		`ioctl: {device: D, code: 0x222000, in: {text: AB}, room: 7}`,
		`collect: {file: 'C:\x\r.txt', as: r2.txt, at_most: 64KiB}`,
		`event_log: {source: S, id: 7, contains: "it's", wait: 1s}`,
	)).All()[0]
	plan, err := Compile([]Entry{{Case: c}}, PlanOptions{RunID: "r", Service: "own", DriverPath: `C:\d.sys`, INF: `C:\d.inf`,
		External: &Service{Name: "own", Start: StartSystem, Depends: []string{"netio"},
			Parameters: []Parameter{{Name: "A", Kind: RegMulti, Values: []string{"x", "y"}}}},
		Stored: func(local string) (string, []string) { return `C:\store\` + local, nil }})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	list := func(at uint32) string {
		if at == 0 {
			return ""
		}
		texts, _, _ := strings.Cut(string(d.text[at:]), "\x00\x00")
		return strings.ReplaceAll(texts, "\x00", "|")
	}
	var got []string
	for _, s := range d.steps {
		if executor(s.Executor) != byAgent {
			t.Errorf("step %d is not the agent's", s.Step.Op)
		}
		got = append(got, list(s.Text))
	}
	want := []string{
		`C:\store\` + filepath.FromSlash("out/tool.exe") + `|bin\tool.exe`,
		`bin\tool.exe| "a b" "" $$|report|r.xml`,
		`hostname| `,
		`a| b.txt -c.txt|env|A=x y|unset|B|env|C=|input|6869|look|b.txt|exit|0|exit|4294967295`,
		`a| |input-file|in\b.txt|exit|2|exit|3`,
		``,
		"dD|i4142",
		`C:\x\r.txt|r2.txt`,
		`System|Provider[@Name='S'] and (EventID=7) and |it's`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][2]uint64{{0, 0}, {3000, 0}, {10000, 0}, {10000, 0}, {10000, 0}, {0, 3600000}, {0x222000, 7}, {64 << 10, 0}, {1000, 7}}, func() (all [][2]uint64) {
		for _, s := range d.steps {
			all = append(all, [2]uint64(s.Step.Arg[:2]))
		}
		return all
	}()); diff != "" {
		t.Error(diff)
	}
	if d.header.Flags != abi.PlanExternal || list(d.header.Settings) != `start|1|depend|netio|value|A|7|2|x|y|inf|C:\d.inf` {
		t.Errorf("flags %d, settings %s", d.header.Flags, list(d.header.Settings))
	}
	if !c.Collects() || c.NeedsSample() || len(c.Uploads()) != 1 || !bytes.Contains(plan, []byte("s.c\x00")) {
		t.Errorf("collects %v, needs the sample %v, uploads %v", c.Collects(), c.NeedsSample(), c.Uploads())
	}
}

func TestNeedsSample(t *testing.T) {
	for step, want := range map[string]bool{
		"ioctl: {device: D, code: 1}": false, "sleep: 1s": false, "sleep: 1s\n        repeat: 2": true,
		"reload: {times: 2, slowest_at_most: 1s}": false, "reload: {times: 2, blocks: 0}": true, "reload: {times: 3, cycles: 3}": false,
		"reload: {pool_growth_at_most: 1KiB}": true, "reload: {pool_growth_at_most: 1KiB, pool_tags: [Mine]}": false,
		"ioctl: {device: D, code: 1}\n        repeat: 2": false,
		"reboot: {}": false, "reboot: {activate: true}": true, "state: {}": true, "unloaded: {}": true,
	} {
		if got := oneCase(t, step).NeedsSample(); got != want {
			t.Errorf("%s: %v", step, got)
		}
	}
}

// TestRunFailures: what is said of a program that did not run, or left no report, with the path that it is about.
func TestRunFailures(t *testing.T) {
	c := oneCase(t, `run: {program: tool, args: [in.txt, -v, 3.5, "C:\\x\\b.dat", 'a b'], junit: r.xml}`)
	absent := winerr.ErrorFileNotFound.NTStatus()
	for _, test := range []struct {
		name   string
		status winerr.NTStatus
		values []uint64
		want   string // empty: no deviation but for the report, which is not there
	}{
		{"no program", absent, []uint64{0, 0, 0, abi.PlanRunAtStart, 0}, "there is no program tool in the case's folder, nor where Windows looks for programs: ERROR_FILE_NOT_FOUND (0xC0070002)"},
		{"no program that can be run", winerr.ErrorBadEXEFormat.NTStatus(), []uint64{0, 0, 0, abi.PlanRunAtStart, 0}, "the program tool in the case's folder could not be started: ERROR_BAD_EXE_FORMAT (0xC00700C1)"},
		{"no report", absent, []uint64{0, 0, 0, abi.PlanRunAtReport, 0}, "the program ended with exit code 0 and wrote no report r.xml in the case's folder: ERROR_FILE_NOT_FOUND (0xC0070002)"},
		{"report that can't be read", winerr.ErrorSharingViolation.NTStatus(), []uint64{0, 0, 0, abi.PlanRunAtReport, 0}, "the program ended with exit code 0, and its report r.xml in the case's folder could not be read: ERROR_SHARING_VIOLATION (0xC0070020)"},
		{"old report is held open", winerr.ErrorSharingViolation.NTStatus(), []uint64{0, 0, 0, abi.PlanRunAtOldReport, 0}, "which it did not: ERROR_SHARING_VIOLATION (0xC0070020), it is held open"},
		{"old report is a folder", winerr.ErrorDirectory.NTStatus(), []uint64{0, 0, 0, abi.PlanRunAtOldReport, 0}, "which it did not: ERROR_DIRECTORY (0xC007010B), it is a folder"},
		{"no folder", winerr.ErrorDiskFull.NTStatus(), []uint64{0, 0, 0, abi.PlanRunAtFolder, 0}, "the case's folder could not be made: ERROR_DISK_FULL (0xC0070070)"},
		{"first argument", 0, []uint64{4, 0, 0, 0, 1}, "exit: expected 0, got 4; there is no file in.txt in the case's folder, which an argument names"},
		{"fourth argument", 0, []uint64{4, 0, 0, 0, 2}, `exit: expected 0, got 4; there is no file C:\x\b.dat, which an argument names`},
		{"no such argument", 0, []uint64{4, 0, 0, 0, 9}, "exit: expected 0, got 4"},
		{"time is up", winerr.StatusTimeout, []uint64{0, 0, 0, 0, 0}, "expected STATUS_SUCCESS, got STATUS_TIMEOUT (0x00000102)"},
		{"nothing reported", absent, nil, "expected STATUS_SUCCESS, got ERROR_FILE_NOT_FOUND (0xC0070002)"},
		{"nonsense reported", absent, []uint64{0, 0, 0, 77, 0}, "expected STATUS_SUCCESS, got ERROR_FILE_NOT_FOUND (0xC0070002)"},
	} {
		found := c.Judge([]StepResult{{Runs: 1, Status: test.status, Values: test.values}})
		if len(found) == 0 || !strings.HasSuffix(found[0].Message, test.want) {
			t.Errorf("%s: got %v\nwant %s", test.name, found, test.want)
		}
	}
}

// TestListedExits: the controller looks for the code in the list itself, whatever the agent says of it.
func TestListedExits(t *testing.T) {
	alone := oneCase(t, `run: {program: a, exit: [0, 3]}`)
	joined := oneCase(t, `run: {program: a, thread: t}`, `join: {thread: t, within: 1s, exit: [0, 3]}`)
	for _, test := range []struct {
		name         string
		code, listed uint64
		want         string
	}{
		{"one", 3, 1, ""},
		{"another", 0, 1, ""},
		{"none", 5, 0, "exit: expected 0 or 3, got 5"},
		{"the agent says that it is", 5, 1, "exit: expected 0 or 3, got 5"},
		{"the agent says that it is not", 3, 0, "exit: the guest reported 3, and that it is not 0 or 3"},
	} {
		values := []uint64{test.code, 0, 0, 0, 0, test.listed, 0}
		for name, found := range map[string][]Deviation{
			"alone": alone.Judge([]StepResult{{Runs: 1, Values: values}}),
			"joined": joined.Judge([]StepResult{{Runs: 1, Status: winerr.StatusPending, Origin: abi.OriginAsync},
				{Step: 1, Runs: 1, Values: append([]uint64{0, 1, 5}, values...)}}),
		} {
			if got := fmt.Sprint(found); test.want == "" && len(found) > 0 || test.want != "" && (len(found) == 0 || found[0].Message != test.want) {
				t.Errorf("%s, %s: got %s", test.name, name, got)
			}
		}
	}
}

// TestSampleChecks: a check that another driver can't answer is told by its place.
func TestSampleChecks(t *testing.T) {
	c := oneCase(t, "reload: {times: 2, cycles: 2, blocks: 0, slowest_at_most: 1s, pool_growth_at_most: 1KiB}", "unload: {early: 0}", "load:",
		"reload: {pool_growth_at_most: 1KiB, pool_tags: ['Abc*', D]}")
	want := []string{
		"test.yaml:7: reload: blocks: only the sample driver counts that",
		"test.yaml:7: reload: pool_growth_at_most: pool_tags: […] has to say which tags the driver's pool has",
		"test.yaml:8: unload: early: only the sample driver counts that",
	}
	if diff := cmp.Diff(want, c.SampleChecks()); diff != "" {
		t.Error(diff)
	}
}

// TestPoolNotCounted: a check that a guest can't answer is noted, and not hidden.
func TestPoolNotCounted(t *testing.T) {
	c := oneCase(t, "reload: {pool_growth_at_most: 1KiB, pool_tags: [Mine]}")
	for counted, want := range map[uint64]string{0: "pool_growth at most 1KiB: not judged, the guest's kernel counts no pool by tag", 1: ""} {
		values := make([]uint64, abi.MaxValues)
		values[abi.PlanValueUnloadPoolCounted] = counted
		got := ""
		for _, note := range c.Notes([]StepResult{{Runs: 1, Values: values}}) {
			got += note.Text
		}
		if got != want {
			t.Errorf("counted %d: %q", counted, got)
		}
	}
	values := make([]uint64, abi.MaxValues)
	values[abi.PlanValueUnloadPoolCounted], values[abi.PlanValueUnloadPoolGrowth] = 1, 2048
	if found := c.Judge([]StepResult{{Runs: 1, Values: values}}); len(found) != 1 || found[0].Value != "pool_growth" {
		t.Errorf("a growth: %v", found)
	}
}

package suites

import (
	"path/filepath"
	"slices"
	"strings"

	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/driver/abi"
	"wskharness/suites/output"
)

func deviceMistakes() []mistakeTest {
	one := func(step string) string { return caseText("", step) }
	opened := func(steps ...string) string {
		return caseText("", append([]string{"open: {handle: h, device: D}"}, steps...)...)
	}
	loop := func(how string, steps ...string) string {
		text := "loop:\n          " + how + "\n          steps:"
		for _, step := range steps {
			text += "\n            - " + step
		}
		return text
	}
	return []mistakeTest{
		{"no device", one("ioctl: {code: 1}"), "ioctl needs a device or a handle, and not both (expected device or handle)", false},
		{"device and handle", opened("read: {device: D, handle: h}"), "read needs a device or a handle, and not both", false},
		{"no such handle", opened("read: {handle: g}"), `there is no handle "g"`, false},
		{"misspelt handle", caseText("", "open: {handle: device, device: D}", "read: {handle: devcie}"), `there is no handle "devcie"; did you mean "device"?`, false},
		{"closed handle", opened("close: {handle: h}", "read: {handle: h}"), `handle "h" is closed (expected an open step before it)`, false},
		{"closed twice", opened("close: {handle: h}", "close: {handle: h}"), `handle "h" is closed`, false},
		{"opened twice", opened("open: {handle: h, device: D}"), `handle "h" is already open, since line 7`, false},
		{"open without a name", one("open: {device: D}"), "open has no handle", true},
		{"open nothing", one("open: {handle: h}"), "open has no device", true},
		{"unload with an open handle", opened("unload:"), `unload would find handle "h" open, since line 7: the driver could not be unloaded (expected a close before it)`, false},
		{"unload under a request", caseText("", "read: {device: D, thread: t}", "unload:", "join: {thread: t}"), `unload would run while the request on thread "t" is out, since line 7 (expected a join before it)`, false},
		{"reboot under a request", caseText("", "read: {device: D, thread: t}", "reboot: {}", "join: {thread: t}"), `reboot would run while the request on thread "t" is out, since line 7`, false},
		{"reload with an open handle", opened("reload: {}"), `reload would find handle "h" open, since line 7: the driver could not be unloaded`, false},
		{"a handle after a reboot", opened("reboot: {}", "read: {handle: h}"), `handle "h" is closed`, false},
		{"close what", one("close: {}"), "close has no socket", true},
		{"socket and handle", opened("close: {handle: h, socket: s}"), `unknown key "socket" in close`, true},
		{"code without its end", one("ioctl: {device: D, code: CTL_CODE(0x22, 0x800, 0, 0)}"), "does not end with its parenthesis; between braces its commas would end it, so it has to be in quotes there", true},
		{"arguments of CTL_CODE", one(`ioctl: {device: D, code: "CTL_CODE(0x22, 0x800, 0)"}`), "ioctl: code: CTL_CODE has 3 arguments, not 4", false},
		{"device type", one(`ioctl: {device: D, code: "CTL_CODE(FILE_DEVICE_UNKNWON, 0x800, 0, 0)"}`), `the type of CTL_CODE is "FILE_DEVICE_UNKNWON": neither a name that it can have nor a number up to 0xffff`, false},
		{"function", one(`ioctl: {device: D, code: "CTL_CODE(0x22, 0x1000, 0, 0)"}`), `the function of CTL_CODE is "0x1000": not a number up to 0xfff`, false},
		{"method", one(`ioctl: {device: D, code: "CTL_CODE(0x22, 1, METHOD_DIRECT, 0)"}`), `the method of CTL_CODE is "METHOD_DIRECT"`, false},
		{"octal code", one(`ioctl: {device: D, code: 0222000}`), `ioctl: code is 0222000, which without quotes is 74752 in YAML 1.1`, false},
		{"mask of an input", one(`ioctl: {device: D, code: 1, in: {hex: "??"}}`), `ioctl: in: hex is "??" (expected pairs of hexadecimal digits`, false},
		{"half a byte", one(`ioctl: {device: D, code: 1, out: {hex: "0 ? 1"}}`), `ioctl: out: hex is "0 ? 1"`, false},
		{"contains nothing", one(`ioctl: {device: D, code: 1, out: {contains: []}}`), "contains is an empty list", true},
		{"contains no bytes", one(`ioctl: {device: D, code: 1, out: {contains: {hex: ""}}}`), "an empty part is in any output", false},
		{"contains and more", one(`ioctl: {device: D, code: 1, out: {contains: a, hex: "01"}}`), "ioctl: out is a mapping", true},
		{"more contained than room", one(`ioctl: {device: D, code: 1, room: 1, out: {contains: ab}}`), "ioctl: out has 2 bytes (expected at most 1 bytes, or more room)", false},
		{"buffer beyond the room", one(`ioctl: {device: D, code: 1, room: 1, buffer: {text: ab}}`), "ioctl has room for 1 bytes, but a buffer of 2", false},
		{"out beyond the buffer", one(`ioctl: {device: D, code: 1, buffer: {text: a}, out: {text: ab}}`), "ioctl: out has 2 bytes (expected at most 1 bytes", false},
		{"output from a file", one(`ioctl: {device: D, code: 1, out: {file: x}}`), `ioctl: out has "file"`, true},
		{"out of a write", one(`write: {device: D, in: {text: a}, out: {text: a}}`), `unknown key "out" in write`, true},
		{"in of a read", one(`read: {device: D, in: {text: a}}`), `unknown key "in" in read`, true},
		{"offset", one(`read: {device: D, offset: -1}`), `read: offset is "-1"`, true},
		{"cancel what", one("cancel: {}"), "cancel needs a socket or a client, and not both", false},
		{"cancel both", opened("read: {handle: h, thread: t}", "cancel: {thread: t, handle: h}", "join: {thread: t}"), "cancel needs a thread or a handle, and not both (expected one of thread and handle)", false},
		{"cancel of nothing", one("cancel: {thread: t}"), `nothing runs on thread "t"`, false},
		{"cancel of an unload", caseText("", "unload: {thread: t}", "cancel: {thread: t}", "join: {thread: t}"), "cancel is about thread t, which has made no request to a device (expected a thread that is at an ioctl, a read or a write)", false},
		{"cancel of the driver's thread", caseText("", "register: {client: a, thread: t}", "cancel: {thread: t}", "join: {thread: t}", "deregister: {client: a}"), "cancel is about thread t, which has made no request to a device", false},
		{"a synchronous handle's cancel_after", caseText("", "open: {handle: h, device: D, synchronous: true}", "read: {handle: h, cancel_after: 1s}"), "read waits in the kernel, on a synchronous handle", false},
		{"open in a loop", one(loop("repeat: 2", "open: {handle: h, device: D}")), `handle "h" is still open at the end of the loop`, false},
		{"close in a loop", opened(loop("repeat: 2", "close: {handle: h}")), `handle "h" is closed in the loop, which goes on`, false},
		{"a handle from outside", opened(loop("parallel: 2", "read: {handle: h}")), `handle "h" is opened outside of the parallel loop (expected an open step in the loop, or shared: true)`, false},
		{"a handle that is called as a socket", caseText("", "register: {client: a}", "capture: {client: a, wait: none}", "socket: {client: a, socket: h, kind: listen}", "open: {handle: h, device: D}", "close: {handle: h}", "release: {client: a}", "deregister: {client: a}"), `socket "h" is still open at the end of the case (expected a close for it)`, false},
		{"every thread opens", one(loop("parallel: 2\n          shared: true", "open: {handle: h, device: D}", "close: {handle: h}")), `every thread of the loop would open handle "h"`, false},
		{"thread in a loop", opened(loop("repeat: 2", "read: {handle: h, thread: t}")), "a step in a loop can't start a named thread", false},
		{"cancel of a thread in a loop", opened("read: {handle: h, thread: t}", loop("repeat: 2", "cancel: {thread: t}"), "join: {thread: t}"), "cancel can't name a thread in a loop (expected cancel: {handle: …}, or cancel_after of the request)", false},
		{"two kinds of steps", one(loop("repeat: 2", "register: {client: a}", "deregister: {client: a}", "read: {device: D}")), "register is a step of the sample driver's, in a loop with steps of the agent", false},
		{"reload in a loop", one(loop("repeat: 2", "read: {device: D}", "reload: {}")), "reload in a loop", false},
	}
}

// TestDeviceTexts: what the agent is given of each request, and how long the buffers are.
func TestDeviceTexts(t *testing.T) {
	c := load(t, caseText("",
		`open: {handle: h, device: D}`,
		`open: {handle: g, device: '\\.\E', synchronous: true}`,
		`ioctl: {handle: g, code: "CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_IN_DIRECT, FILE_READ_ACCESS | FILE_WRITE_ACCESS)", in: {hex: "0A ff"}, buffer: {utf16: é}}`,
		`ioctl: {device: D, code: 1, in: {file: a/b.bin}, buffer: {file: c.bin}}`,
		`read: {handle: h, offset: 512, room: 9, cancel_after: 0.5s}`,
		`write: {handle: h, in: {text: x}}`,
		`cancel: {handle: h}`,
		"loop:\n          repeat: 2\n          steps:\n            - read: {handle: h, out: {contains: [a, {hex: \"?1\"}]}}",
	)).All()[0]
	plan, err := Compile([]Entry{{Case: c}}, PlanOptions{RunID: "r", Service: "own", DriverPath: `C:\d.sys`,
		Stored: func(local string) (string, []string) { return `C:\store\` + local, nil }})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	var arguments [][4]uint64
	for _, s := range d.steps {
		all := ""
		if s.Text != 0 {
			all, _, _ = strings.Cut(string(d.text[s.Text:]), "\x00\x00")
		}
		texts = append(texts, strings.ReplaceAll(all, "\x00", "|"))
		arguments = append(arguments, [4]uint64(s.Step.Arg[:4]))
		if executor(s.Executor) != byAgent {
			t.Errorf("step %d is not the agent's", s.Step.Op)
		}
	}
	if diff := cmp.Diff([]string{"D", `\\.\E`, "i0aff|be900", `dD|IC:\store\` + filepath.FromSlash("a/b.bin") + `|BC:\store\c.bin`, "", "i78", "", "c61|c?1"}, texts); diff != "" {
		t.Error(diff)
	}
	want := [][4]uint64{{0, 0}, {1, 1}, {0x22e001, 2, 2, 0}, {1, abi.PlanRoomOfBuffer, 0, 0}, {512, 9, 1, 501}, {0, 0, 1, 0}, {0, 1}, {0, defaultRoom, 1, 0}}
	if diff := cmp.Diff(want, arguments); diff != "" {
		t.Error(diff)
	}
	if uploads := c.Uploads(); len(uploads) != 2 || uploads[0].Local != filepath.FromSlash("a/b.bin") || uploads[1].Most != abi.PlanGenericBytes {
		t.Errorf("it uploads %v", uploads)
	}
}

// TestDeviceLoop: a loop of the agent's has a handle of its own for each thread, and no client of the driver's.
func TestDeviceLoop(t *testing.T) {
	c := oneCase(t, "open: {handle: a, device: D}", "close: {handle: a}",
		"loop:\n          for: 1s\n          parallel: 4\n          steps:\n            - open: {handle: h, device: D}\n            - sleep: 1ms\n            - close: {handle: h}")
	plan, err := Compile([]Entry{{Case: c}}, PlanOptions{RunID: "r", Service: "own", DriverPath: `C:\d.sys`})
	if err != nil {
		t.Fatal(err)
	}
	d, err := decodePlan(plan)
	if err != nil {
		t.Fatal(err)
	}
	batch := d.batches[len(d.batches)-1]
	if batch.SocketStride != 2 || batch.ClientStride != 0 || batch.Parallel != 4 || batch.ForMs != 1000 {
		t.Errorf("the batch is %+v", batch)
	}
	for _, s := range d.steps[2:] {
		if executor(s.Executor) != byAgent {
			t.Errorf("step %d of the loop is not the agent's", s.Step.Op)
		}
	}
	if c.NeedsSample() {
		t.Error("it needs the sample driver")
	}
	var b strings.Builder
	if err := c.Describe(&b); err != nil || !strings.Contains(b.String(), "for 1s on each of 4 threads, each with handles of its own:") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestDeviceLoopOutput: what the agent found to be other than demanded fails, whether the output that it reports says
// more or, as a guest that lies would have it, nothing.
func TestDeviceLoopOutput(t *testing.T) {
	c := oneCase(t, "read: {device: D, out: {text: ab}}\n        repeat: 3")
	result := func(match uint64, out string) []StepResult {
		return []StepResult{{Step: 0, Runs: 3, Values: []uint64{2, match, 0, 0, 0, 0, 0, 0, 0, 0}, Outputs: output.Outputs{Out: []byte(out), OutBytes: uint64(len(out))}}}
	}
	for _, test := range []struct {
		match uint64
		out   string
		want  []string
	}{
		{1, "ab", nil},
		{0, "ax", []string{"expected the output 6162, got 6178"}},
		{1, "ax", []string{"expected the output 6162, got 6178"}},
		{0, "ab", []string{"out: expected as demanded, got false"}},
	} {
		var got []string
		for _, d := range c.Judge(result(test.match, test.out)) {
			got = append(got, d.Message)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%d, %s: got %q, want %q", test.match, test.out, got, test.want)
		}
	}
}

// TestUnloadWaits: an unload on a thread may wait for a handle, and for a request.
func TestUnloadWaits(t *testing.T) {
	oneCase(t, "open: {handle: h, device: D}", "read: {handle: h, thread: t}", "unload: {thread: u}", "blocked: {thread: u, for: 300ms}",
		"cancel: {thread: t}", "join: {thread: t}\n        expect: STATUS_CANCELLED", "close: {handle: h}", "join: {thread: u}", "load:")
}

// TestWarnings: what comes with a warning is judged, what comes with an error is not there.
func TestWarnings(t *testing.T) {
	oneCase(t, "read: {device: D, out: {text: ab}, bytes: 2}\n        expect: [STATUS_SUCCESS, STATUS_BUFFER_OVERFLOW]")
	for _, check := range []string{"out: {text: ab}", "bytes: 2"} {
		text := caseText("", "read: {device: D, "+check+"}\n        expect: STATUS_CANCELLED")
		if _, err := Load(Source{Name: "f", Data: []byte(text)}); err == nil || !strings.Contains(err.Error(), "known") {
			t.Errorf("%s: %v", check, err)
		}
	}
}

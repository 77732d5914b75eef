package suites

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/suites/controlcode"
	"wskharness/suites/output"
)

// deviceOperations are the steps about a device: its handles, and requests to it. The agent executes them.
func deviceOperations() []operation {
	device := argument{name: "device", kind: argText, doc: `the device, which is opened for this request alone: NAME for \\.\NAME`}
	handle := argument{name: "handle", kind: argHandle, slot: slotHandle, plus: 1, doc: "the handle that an open step has made, instead of the device"}
	input := argument{name: "in", kind: argData, doc: "the input: {hex: 00 ff}, {text: abc}, {utf16: abc} or {file: path here}; none unless given"}
	room := argument{name: "room", kind: argNumber, slot: slotRoom, max: abi.PlanGenericBytes, initial: defaultRoom, doc: "size of the output buffer in bytes; as much as buffer has, else 4096, unless given"}
	out := argument{name: "out", kind: argPattern, doc: "the output, which has to be exactly this; `??` stands for any byte. Or {contains: …}, one or a list"}
	cancelAfter := argument{name: "cancel_after", kind: argDuration, slot: slotCancel, plus: 1, doc: "the request is cancelled when it has not come back by then"}
	offset := argument{name: "offset", kind: argNumber, slot: 0, max: math.MaxInt64, doc: "where in the device; 0 unless given"}
	transferred := []value{{name: "bytes", index: abi.PlanValueRequestBytes, doc: "bytes that the driver says that were transferred"}}
	op := func(o operation) operation {
		o.loop, o.timeout = true, cmp.Or(o.timeout, requestTimeout)
		if o.request {
			o.thread, o.values, o.read = true, transferred, (*caseParser).request
		}
		return agentOperation(o)
	}
	return []operation{
		op(operation{name: "open", code: abi.PlanOpOpen, read: (*caseParser).openDevice,
			doc: "Opens a device. Requests can be made on the handle until it is closed, by a close step or with the case.",
			args: []argument{
				{name: "handle", kind: argOpening, required: true, doc: "a name for the handle"},
				{name: "device", kind: argText, required: true, doc: `the device's name: NAME for \\.\NAME`},
				{name: "synchronous", kind: argBool, slot: 1, flag: abi.PlanOpenSynchronous, doc: "without FILE_FLAG_OVERLAPPED: one request at a time, for which its thread waits in the kernel"},
			}}),
		op(operation{name: "close", code: abi.PlanOpClose, variant: []string{"handle"},
			doc:  "Closes a handle; what the driver does about requests that are out on it they tell when they are joined.",
			args: []argument{{name: "handle", kind: argHandle, closes: true, required: true, doc: "the handle"}}}),
		op(operation{name: "ioctl", code: abi.PlanOpIoctl, request: true,
			doc: "Sends a device one request (NtDeviceIoControlFile), and waits for what comes of it. The status is the driver's, or that of what failed before.",
			args: []argument{device, handle,
				{name: "code", kind: argControlCode, slot: 0, required: true, doc: "the control code, as a number or as CTL_CODE(type, function, method, access)"},
				input,
				{name: "buffer", kind: argData, doc: "what the output buffer holds before the call: with METHOD_IN_DIRECT it is a second input"},
				room, out, cancelAfter}}),
		op(operation{name: "read", code: abi.PlanOpRead, request: true, doc: "Reads from a device (NtReadFile).",
			args: []argument{device, handle, offset, room, out, cancelAfter}}),
		op(operation{name: "write", code: abi.PlanOpWrite, request: true, doc: "Writes to a device (NtWriteFile).",
			args: []argument{device, handle, offset, input, cancelAfter}}),
		op(operation{name: "cancel", code: abi.OpCancel, variant: []string{"thread", "handle"}, timeout: agentTimeout, read: (*caseParser).requestCancel,
			doc: "Cancels a request to a device that is out on a thread, or all that are out on a handle (CancelIoEx, CancelSynchronousIo). STATUS_NOT_FOUND: none was. What the driver makes of it the request itself tells when it is joined.",
			args: []argument{
				{name: "thread", kind: argThread, doc: "the thread that has made the request"},
				{name: "handle", kind: argHandle, doc: "the handle, and whatever is out on it"},
			}}),
	}
}

// requestTimeout is how long a request may take, beyond what it waits by its own word, before it is late.
const requestTimeout = 10 * time.Second

// Arguments that every request to a device has.
const (
	slotRoom   = 1 // bytes of output at most
	slotHandle = 2 // one more than the handle
	slotCancel = 3 // one more than the ms after which it is cancelled

	defaultRoom = 4096
	maxPatterns = 12 // in a loop: the agent takes 16 texts of a request
)

// The letters with which the texts of a request begin.
const (
	textDevice   = string(rune(abi.PlanTextDevice))
	textInput    = string(rune(abi.PlanTextInput))
	textBuffer   = string(rune(abi.PlanTextBuffer))
	textOutput   = string(rune(abi.PlanTextOutput))
	textContains = string(rune(abi.PlanTextContains))
)

// openDevice reads what only an open step has.
func (p *caseParser) openDevice(in stepReading) {
	g := p.generic(in.step)
	if device, ok := p.text(in.given["device"], "open: device"); ok {
		g.texts = []string{device}
		in.words.add("of " + device)
	}
}

// request reads a request to a device: on which, with what, and what has to come back.
func (p *caseParser) request(in stepReading) {
	s, given, words, g := in.step, in.given, in.words, p.generic(in.step)
	g.device, g.bytes = true, true
	p.requestTarget(s, g, in.body, given, words)
	if n := given["in"]; n != nil {
		if d, ok := p.data(n, s.Op+": in"); ok {
			g.addData(textInput, d)
			words.add(d.words() + " in")
		}
	}
	if n := given["buffer"]; n != nil {
		p.secondBuffer(s, g, n, given, words)
	}
	g.room = s.args[slotRoom]
	if g.room == abi.PlanRoomOfBuffer {
		g.room = abi.PlanGenericBytes // of a file
	}
	p.deviceOutput(s, g, given["out"])
	for _, c := range g.outputs {
		words.add(c.Asked())
	}
}

// requestTarget holds device and handle together: a request has one of them.
func (p *caseParser) requestTarget(s *Step, g *generic, body *node, given map[string]*node, words *sentence) {
	device, handle := given["device"], given["handle"]
	switch {
	case (device == nil) == (handle == nil):
		p.r.At(body, "device or handle", "%s needs a device or a handle, and not both", s.Op)
	case device != nil:
		if name, ok := p.text(device, s.Op+": device"); ok {
			words.parts[0] += " " + name // before the code
			g.texts = append(g.texts, textDevice+name)
		}
	case given["cancel_after"] != nil && p.handles[handle.Text] != nil && p.handles[handle.Text].synchronous:
		p.r.At(given["cancel_after"], "an open without synchronous, or a cancel of its thread", "%s waits in the kernel, on a synchronous handle: nothing there looks at the time", s.Op)
	}
}

// secondBuffer reads what the output buffer holds to begin with. As long as nobody says otherwise it is the buffer.
func (p *caseParser) secondBuffer(s *Step, g *generic, n *node, given map[string]*node, words *sentence) {
	d, ok := p.data(n, s.Op+": buffer")
	if !ok {
		return
	}
	g.addData(textBuffer, d)
	words.add(d.words() + " in the output buffer")
	switch {
	case given["room"] == nil && d.file != "":
		s.args[slotRoom] = abi.PlanRoomOfBuffer
	case given["room"] == nil:
		s.args[slotRoom] = uint64(d.bytes())
	case d.file == "" && uint64(d.bytes()) > s.args[slotRoom]:
		p.r.At(given["room"], fmt.Sprintf("at least %d bytes, or none: the buffer's own length", d.bytes()), "%s has room for %d bytes, but a buffer of %d", s.Op, s.args[slotRoom], d.bytes())
	}
}

// deviceOutput reads what a device has to answer, in the request itself or in the join of the thread that it is on.
func (p *caseParser) deviceOutput(s *Step, g *generic, n *node) {
	if n == nil || p.onThread(s, n, "out") {
		return
	}
	for _, c := range output.ReadPattern(p.r.Reporter, n, s.op.name+": out") {
		if digits, _ := c.Digits(); uint64(len(digits)/2) > g.room {
			p.r.At(n, fmt.Sprintf("at most %d bytes, or more room", g.room), "%s: out has %d bytes", s.op.name, len(digits)/2)
		}
		g.outputs = append(g.outputs, c)
	}
}

// matchInGuest has the agent compare each output of a step that runs often, too: the controller sees but one of them.
func (p *caseParser) matchInGuest(s *Step, g *generic, n *node) {
	if len(g.outputs) > maxPatterns {
		p.r.At(n, fmt.Sprintf("at most %d", maxPatterns), "%s: out has %d demands, in a loop", s.Op, len(g.outputs))
		return
	}
	for _, c := range g.outputs {
		digits, part := c.Digits()
		letter := textOutput
		if part {
			letter = textContains
		}
		g.texts = append(g.texts, letter+digits)
	}
	s.Checks = append(s.Checks, Check{Name: "out", Want: "as demanded", subject: "out", inGuest: true,
		value: value{name: "out", index: abi.PlanValueRequestMatch, kind: valueBool},
		conds: []condition{{value: abi.PlanValueRequestMatch, compare: abi.EQ, want: 1}}})
}

// requestCancel holds the arguments of a cancel together.
func (p *caseParser) requestCancel(in stepReading) {
	s, thread, handle := in.step, in.given["thread"], in.given["handle"]
	switch {
	case (thread == nil) == (handle == nil):
		p.r.At(in.body, "one of thread and handle", "cancel needs a thread or a handle, and not both")
	case handle != nil:
		s.args[1] = abi.PlanCancelHandle
	case p.inLoop():
		p.r.At(thread, "cancel: {handle: …}, or cancel_after of the request", "cancel can't name a thread in a loop")
	default:
		if t := p.threads[s.target]; t != nil && t.busy && (t.op == nil || !t.op.request) {
			p.r.At(thread, "a thread that is at an ioctl, a read or a write", "cancel is about %s, which has made no request to a device", s.about())
		}
	}
}

const wantCode = "a whole number from 0 to 4294967295, or CTL_CODE(type, function, method, access)"

// controlCode reads a control code.
func (p *caseParser) controlCode(n *node, what string) (uint64, bool) {
	if !p.r.Value(n, what, wantCode) {
		return 0, false
	}
	text := strings.TrimSpace(n.Text)
	switch {
	case n.Doubt != "" || n.WholeNumber():
		return p.r.Number(n, what, 0, 1<<32-1)
	case !strings.HasPrefix(text, "CTL_CODE"):
		p.r.At(n, wantCode, "%s is %s", what, n.Describe())
		return 0, false
	}
	code, err := controlcode.Parse(text)
	if err != nil {
		p.r.At(n, wantCode, "%s: %v", what, err)
	}
	return code, err == nil
}

// skipRest passes over what is left of a CTL_CODE that braces have taken apart at its commas: it has been said.
func skipRest(m *mapping, code *node) {
	if code == nil || !strings.HasPrefix(code.Text, "CTL_CODE") || strings.Contains(code.Text, ")") {
		return
	}
	for _, left := range m.Rest() {
		if left.Value.IsNull() {
			m.Skip(left.Key.Text)
		}
	}
}

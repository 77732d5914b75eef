package suites

import (
	"fmt"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// Arguments that every request to a device has.
const (
	slotRoom   = 1 // bytes of output at most
	slotHandle = 2 // one more than the handle
	slotCancel = 3 // one more than the ms after which it is cancelled

	defaultRoom = 4096
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
func (p *caseParser) openDevice(g *generic, given map[string]*node, words *sentence) {
	if device, ok := p.text(given["device"], "open: device"); ok {
		g.texts = []string{device}
		words.add("of " + device)
	}
}

// request reads a request to a device: on which, with what, and what has to come back.
func (p *caseParser) request(s *Step, g *generic, body *node, given map[string]*node, words *sentence) {
	g.device = true
	p.requestTarget(s, g, body, given, words)
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
	if s.op.code == abi.PlanOpWrite {
		s.args[slotRoom] = 0
		return
	}
	p.deviceOutput(s, g, given["out"])
	for _, c := range g.outputs {
		words.add(c.asked())
	}
}

// requestTarget holds device and handle together: a request has one of them.
func (p *caseParser) requestTarget(s *Step, g *generic, body *node, given map[string]*node, words *sentence) {
	device, handle := given["device"], given["handle"]
	switch {
	case (device == nil) == (handle == nil):
		p.r.At(body, "device or handle", "%s of neither a device nor a handle, or of both", s.Op)
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
		p.r.At(given["room"], fmt.Sprintf("at least %d bytes, or none: the buffer's own length", d.bytes()), "%s: room for %d bytes, and a buffer of %d", s.Op, s.args[slotRoom], d.bytes())
	}
}

// deviceOutput reads what a device has to answer, in the request itself or in the join of the thread that it is on.
func (p *caseParser) deviceOutput(s *Step, g *generic, n *node) {
	if n == nil || p.onThread(s, n, "out") {
		return
	}
	for _, c := range p.patterns(n, s.op.name+": out") {
		if uint64(len(c.want)/2) > g.room {
			p.r.At(n, fmt.Sprintf("at most %d bytes, or more room", g.room), "%s: out has %d bytes", s.op.name, len(c.want)/2)
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
		letter := textOutput
		if c.kind == outputHolds {
			letter = textContains
		}
		g.texts = append(g.texts, letter+c.want)
	}
	s.Checks = append(s.Checks, Check{Name: "out", Want: "as demanded", subject: "out", inGuest: true,
		value: value{name: "out", index: abi.PlanValueRequestMatch, kind: valueBool},
		conds: []condition{{value: abi.PlanValueRequestMatch, compare: abi.EQ, want: 1}}})
}

// requestCancel holds the arguments of a cancel together.
func (p *caseParser) requestCancel(s *Step, body *node, given map[string]*node) {
	thread, handle := given["thread"], given["handle"]
	switch {
	case (thread == nil) == (handle == nil):
		p.r.At(body, "one of thread and handle", "cancel has both")
	case handle != nil:
		s.args[1] = abi.PlanCancelHandle
	case p.inLoop():
		p.r.At(thread, "cancel: {handle: …}, or cancel_after of the request", "cancel of a named thread in a loop")
	default:
		if t := p.threads[s.target]; t != nil && t.busy && (t.op == nil || !t.op.request) {
			p.r.At(thread, "a thread that is at an ioctl, a read or a write", "cancel of %s, which has made no request to a device", s.about())
		}
	}
}

// data is what a step gives a device: bytes, or a file here that has them.
type data struct {
	digits string // hexadecimal
	file   string
}

func (d data) bytes() int { return len(d.digits) / 2 }

func (d data) words() string {
	if d.file != "" {
		return d.file
	}
	return fmt.Sprintf("%d bytes", d.bytes())
}

// addData adds it to the texts for the agent; a file's letter is the capital.
func (g *generic) addData(letter string, d data) {
	switch {
	case d.file != "":
		g.files = append(g.files, localFile{at: len(g.texts), before: string(letter[0] - 'a' + 'A'), path: d.file})
		g.texts = append(g.texts, "")
	case d.digits != "":
		g.texts = append(g.texts, letter+d.digits)
	}
}

// data reads {hex: …}, {text: …}, {utf16: …} or {file: …}.
func (p *caseParser) data(n *node, what string) (data, bool) {
	if n.Kind == strictyaml.MappingKind && len(n.Pairs) == 1 && n.Pairs[0].Key.Text == "file" {
		text, ok := p.text(n.Pairs[0].Value, what+": file")
		return data{file: p.localPath(text)}, ok
	}
	digits, ok := p.digits(n, what, false, wantData)
	return data{digits: digits}, ok
}

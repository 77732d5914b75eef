package suites

import (
	"encoding/hex"
	"fmt"
	"strings"

	"wskharness/strictyaml"
)

func (p *caseParser) ioctl(s *Step, g *generic, given map[string]*node, words *sentence) {
	device, ok := p.text(given["device"], "ioctl: device")
	if !ok {
		return
	}
	words.parts[0] += " " + device // before the code
	g.device, g.texts = true, []string{device}
	if n := given["in"]; n != nil {
		if data, ok := p.bytes(n, "ioctl: in"); ok && len(data) > 0 {
			g.texts = append(g.texts, hex.EncodeToString(data))
			words.add(fmt.Sprintf("%d bytes in", len(data)))
		}
	}
	g.room = s.args[1]
	p.deviceOutput(s, g, given["out"])
	for _, c := range g.outputs {
		words.add(fmt.Sprintf("%d bytes out", len(c.want)))
	}
}

// deviceOutput reads what a device has to answer, in the request itself or in the join of the thread that it is on.
func (p *caseParser) deviceOutput(s *Step, g *generic, n *node) {
	if n == nil || p.onThread(s, n, "out") {
		return
	}
	data, ok := p.bytes(n, s.op.name+": out")
	if !ok {
		return
	}
	if uint64(len(data)) > g.room {
		p.r.At(n, fmt.Sprintf("at most %d bytes, or more room", g.room), "%s: out has %d bytes", s.op.name, len(data))
	}
	g.outputs = append(g.outputs, outputCheck{stream: streamOut, kind: outputBytes, want: string(data)})
}

// bytes reads {hex: 00 ff} or {text: abc}.
func (p *caseParser) bytes(n *node, what string) ([]byte, bool) {
	const want = "{hex: digits} or {text: …}"
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) != 1 {
		p.r.At(n, want, "%s is %s", what, n.Describe())
		return nil, false
	}
	key, value := n.Pairs[0].Key, n.Pairs[0].Value
	var data []byte
	switch key.Text {
	case "hex": // digits are what they are: quotes would add nothing
		if !p.r.Value(value, what, want) {
			return nil, false
		}
		var err error
		if data, err = hex.DecodeString(strings.ReplaceAll(value.Text, " ", "")); err != nil {
			p.r.At(value, "pairs of hexadecimal digits", "%s: hex is %s", what, value.Describe())
			return nil, false
		}
	case "text":
		text, ok := p.r.Raw(value, what+": text")
		if !ok {
			return nil, false
		}
		data = []byte(text)
	default:
		p.r.At(key, want, "%s has %s", what, key.Describe())
		return nil, false
	}
	if len(data) > genericBytes {
		p.r.At(value, fmt.Sprintf("at most %d bytes", genericBytes), "%s has %d bytes", what, len(data))
		return nil, false
	}
	return data, true
}

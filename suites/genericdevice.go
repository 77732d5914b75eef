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
	g.texts = []string{device}
	if n := given["in"]; n != nil {
		if data, ok := p.bytes(n, "ioctl: in"); ok && len(data) > 0 {
			g.texts = append(g.texts, hex.EncodeToString(data))
			words.add(fmt.Sprintf("%d bytes in", len(data)))
		}
	}
	if n := given["out"]; n != nil {
		data, ok := p.bytes(n, "ioctl: out")
		if !ok {
			return
		}
		if uint64(len(data)) > s.args[1] {
			p.r.At(n, fmt.Sprintf("at most %d bytes, or more room", s.args[1]), "ioctl: out has %d bytes", len(data))
		}
		g.outputs = append(g.outputs, outputCheck{stream: streamOut, kind: outputBytes, want: string(data)})
		words.add(fmt.Sprintf("%d bytes out", len(data)))
	}
}

// bytes reads {hex: 00 ff} or {text: abc}.
func (p *caseParser) bytes(n *node, what string) ([]byte, bool) {
	const want = "{hex: digits} or {text: …}"
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) != 1 {
		p.r.At(n, want, "%s is %s", what, n.Describe())
		return nil, false
	}
	key, value := n.Pairs[0].Key, n.Pairs[0].Value
	text, ok := p.r.Raw(value, what+": "+key.Text)
	if !ok {
		return nil, false
	}
	var data []byte
	switch key.Text {
	case "hex":
		var err error
		if data, err = hex.DecodeString(strings.ReplaceAll(text, " ", "")); err != nil {
			p.r.At(value, "pairs of hexadecimal digits, in quotes where they could be a number", "%s: hex is %s", what, value.Describe())
			return nil, false
		}
	case "text":
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

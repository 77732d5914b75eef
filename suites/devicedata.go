package suites

import (
	"fmt"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/output"
)

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
		g.files = append(g.files, localFile{at: len(g.texts), before: string(letter[0] - 'a' + 'A'), path: d.file, most: abi.PlanGenericBytes})
		g.texts = append(g.texts, "")
	case d.digits != "":
		g.texts = append(g.texts, letter+d.digits)
	}
}

const wantData = "{hex: digits}, {text: …}, {utf16: …} or {file: …}"

// data reads {hex: …}, {text: …}, {utf16: …} or {file: …}.
func (p *caseParser) data(n *node, what string) (data, bool) {
	if n.Kind == strictyaml.MappingKind && len(n.Pairs) == 1 && n.Pairs[0].Key.Text == "file" {
		text, ok := p.text(n.Pairs[0].Value, what+": file")
		return data{file: p.localPath(text)}, ok
	}
	digits, ok := output.ReadDigits(p.r.Reporter, n, what, false, wantData)
	return data{digits: digits}, ok
}

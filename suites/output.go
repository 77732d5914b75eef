package suites

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/report"
)

// MaxOutput is the most that a guest keeps of one output of a step.
const MaxOutput = abi.PlanReportBytes

// Outputs is what a step of the agent wrote, as the guest reports it: the beginning of it, where it is longer.
type Outputs struct {
	Out, Err, Report                []byte
	OutBytes, ErrBytes, ReportBytes uint64 // how much there was
	OutEnd, ErrEnd                  []byte // the last of it, of a stream that is longer than what is kept of its beginning
	Pages                           CodePages
}

// End is where the end of that stream goes.
func (o *Outputs) End(of string) *[]byte {
	if of == streamErr.String() {
		return &o.ErrEnd
	}
	return &o.OutEnd
}

// CodePages are those of a guest, in which its programs write what is not Unicode; 0: not known. What they write to a
// stream is taken to be of the OEM page, which consoles have, and what they write to a file of the ANSI page.
type CodePages struct {
	ANSI uint16 `json:"ansi,omitempty"`
	OEM  uint16 `json:"oem,omitempty"`
}

type stream int

const (
	streamOut stream = iota
	streamErr
)

func (s stream) String() string { return [...]string{"stdout", "stderr"}[s] }

type outputKind int

const (
	outputEquals   outputKind = iota // but for line ends, and those at the end
	outputContains                   //
	outputMatches                    // a regular expression finds something
	outputBytes                      // byte for byte, by hexadecimal digits of which some may be open
	outputHolds                      // bytes that are in it
)

// outputCheck is a demand on what a step wrote. Only the controller judges it.
type outputCheck struct {
	stream stream
	kind   outputKind
	want   string
	regexp *regexp.Regexp
}

// outputChecks reads {equals: …, contains: …, matches: …}, of which contains may be a list.
func (p *caseParser) outputChecks(n *node, what, name string) []outputCheck {
	m, ok := p.r.Mapping(n, what)
	if !ok {
		return nil
	}
	s := map[string]stream{"stdout": streamOut, "stderr": streamErr}[name]
	var checks []outputCheck
	if n := m.Take("equals"); n != nil {
		if text, ok := p.r.Raw(n, what+": equals"); ok {
			checks = append(checks, outputCheck{stream: s, kind: outputEquals, want: text})
		}
	}
	if n := m.Take("contains"); n != nil {
		texts := []*node{n}
		if n.Kind == strictyaml.SequenceKind {
			texts = p.r.Items(n, what+": contains") // with none it would demand nothing
		}
		for _, item := range texts {
			switch {
			case !p.r.Sure(item, what+": contains", "text"):
			case item.Text == "":
				p.r.At(item, "a text that is not empty", "%s: contains: an empty text is in any output", what)
			default:
				checks = append(checks, outputCheck{stream: s, kind: outputContains, want: item.Text})
			}
		}
	}
	if n := m.Take("matches"); n != nil {
		if text, ok := p.r.Text(n, what+": matches"); ok {
			// RE2 takes time that grows with the text alone, whatever the expression.
			compiled, err := regexp.Compile(text)
			if err != nil {
				p.r.At(n, "a regular expression (RE2)", "%s: matches: %v", what, err)
			} else {
				checks = append(checks, outputCheck{stream: s, kind: outputMatches, want: text, regexp: compiled})
			}
		}
	}
	m.Done()
	if len(m.Node.Pairs) == 0 {
		p.r.At(n, "equals, contains or matches", "%s is empty", what)
	}
	return checks
}

// outputs judges what a step wrote.
func (j *judgement) outputs() {
	g := j.step.demands()
	if g == nil {
		return
	}
	for _, c := range g.outputs {
		j.output(c)
	}
	if g.registry != nil {
		j.registry(*g.registry)
	}
	j.report()
}

func (j *judgement) output(c outputCheck) {
	o := j.result.Outputs
	got, total := o.Out, o.OutBytes
	if c.stream == streamErr {
		got, total = o.Err, o.ErrBytes
	}
	if c.kind == outputBytes || c.kind == outputHolds {
		j.bytes(c, got, total)
		return
	}
	text := o.stream(got)
	whole := total == uint64(len(got))
	name := c.stream.String()
	switch {
	case c.kind == outputEquals && whole && trimEnd(text) == trimEnd(c.want):
	case c.kind == outputContains && strings.Contains(text, c.want):
	case c.kind == outputMatches && c.regexp.MatchString(trimEnd(text)):
	default:
		verb := map[outputKind]string{outputEquals: "", outputContains: "something with ", outputMatches: "something that matches "}[c.kind]
		expected := name + " " + verb + quoteShort(c.want)
		actual := quoteShort(text)
		if !whole {
			actual += fmt.Sprintf(" (of %d bytes the first %d were kept)", total, len(got))
		}
		j.add(KindOutput, "", expected, actual, fmt.Sprintf("expected %s, got %s", expected, actual))
	}
}

// bytes judges what a device wrote.
func (j *judgement) bytes(c outputCheck, got []byte, total uint64) {
	good := patternIs(c.want, got) && total == uint64(len(got))
	if c.kind == outputHolds {
		good = patternIn(c.want, got)
	}
	if !good {
		actual := hexBytes(got)
		j.add(KindOutput, "", strings.TrimPrefix(c.asked(), "output "), actual, fmt.Sprintf("expected the %s, got %s", c.asked(), actual))
	}
}

// asked says what a device has to write: "output 01??03".
func (c outputCheck) asked() string {
	if c.kind == outputHolds {
		return "output with " + patternWords(c.want) + " in it"
	}
	return "output " + patternWords(c.want)
}

// stream is what a program wrote to a stream, as a text of ours is written.
func (o Outputs) stream(data []byte) string { return report.Text(data, report.CodePage(o.Pages.OEM)) }

func trimEnd(text string) string { return strings.TrimRight(text, "\n") }

func quoteShort(text string) string {
	const most = 300
	text = trimEnd(text)
	if len(text) > most {
		kept := strings.ToValidUTF8(text[:most], "")
		return fmt.Sprintf("%q and %d bytes more", kept, len(text)-len(kept))
	}
	return fmt.Sprintf("%q", text)
}

func hexBytes(data []byte) string {
	const most = 64
	if len(data) == 0 {
		return "no bytes"
	}
	text := hex.EncodeToString(data[:min(len(data), most)])
	if rest := len(data) - most; rest > 0 {
		text += fmt.Sprintf(" and %d bytes more", rest)
	}
	return text
}

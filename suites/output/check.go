package output

import (
	"fmt"
	"regexp"
	"strings"

	"wskharness/strictyaml"
)

type checkKind int

const (
	equals   checkKind = iota // but for line ends, and those at the end
	contains                  //
	matches                   // a regular expression finds something
	bytesAre                  // byte for byte, by hexadecimal digits of which some may be open
	bytesIn                   // bytes that are in it
)

// Check is a demand on what a step wrote.
type Check struct {
	stream Stream
	kind   checkKind
	want   string
	regexp *regexp.Regexp
}

// Read takes the demands on what a program writes to a stream: {equals: …, contains: …, matches: …}, of which contains may be a list.
func Read(r *strictyaml.Reporter, n *strictyaml.Node, what string, s Stream) []Check {
	m, ok := r.Mapping(n, what)
	if !ok {
		return nil
	}
	var checks []Check
	if n := m.Take("equals"); n != nil {
		if text, ok := r.Raw(n, what+": equals"); ok {
			checks = append(checks, Check{stream: s, kind: equals, want: text})
		}
	}
	if n := m.Take("contains"); n != nil {
		texts := []*strictyaml.Node{n}
		if n.Kind == strictyaml.SequenceKind {
			texts = r.Items(n, what+": contains") // with none it would demand nothing
		}
		for _, item := range texts {
			switch {
			case !r.Sure(item, what+": contains", "text"):
			case item.Text == "":
				r.At(item, "a text that is not empty", "%s: contains: an empty text is in any output", what)
			default:
				checks = append(checks, Check{stream: s, kind: contains, want: item.Text})
			}
		}
	}
	if n := m.Take("matches"); n != nil {
		if text, ok := r.Text(n, what+": matches"); ok {
			// RE2 takes time that grows with the text alone, whatever the expression.
			compiled, err := regexp.Compile(text)
			if err != nil {
				r.At(n, "a regular expression (RE2)", "%s: matches: %v", what, err)
			} else {
				checks = append(checks, Check{stream: s, kind: matches, want: text, regexp: compiled})
			}
		}
	}
	m.Done()
	if len(m.Node.Pairs) == 0 {
		r.At(n, "equals, contains or matches", "%s is empty", what)
	}
	return checks
}

// Judge compares what was written with the demand: both in words, and the difference in a sentence, which is empty where there
// is none.
func (c Check) Judge(o Outputs) (expected, actual, message string) {
	got, total := o.of(c.stream)
	if c.kind == bytesAre || c.kind == bytesIn {
		return c.judgeBytes(got, total)
	}
	text := o.Decode(got)
	whole := total == uint64(len(got))
	verb := ""
	switch {
	case c.kind == equals && whole && trimEnd(text) == trimEnd(c.want),
		c.kind == contains && strings.Contains(text, c.want),
		c.kind == matches && c.regexp.MatchString(trimEnd(text)):
		return "", "", ""
	case c.kind == contains:
		verb = "something with "
	case c.kind == matches:
		verb = "something that matches "
	}
	expected, actual = c.stream.String()+" "+verb+Quote(c.want), Quote(text)
	if !whole {
		actual += fmt.Sprintf(" (of %d bytes the first %d were kept)", total, len(got))
	}
	return expected, actual, fmt.Sprintf("expected %s, got %s", expected, actual)
}

func (c Check) judgeBytes(got []byte, total uint64) (expected, actual, message string) {
	if c.kind == bytesIn && patternIn(c.want, got) || c.kind == bytesAre && total == uint64(len(got)) && patternIs(c.want, got) {
		return "", "", ""
	}
	actual = Hex(got)
	return strings.TrimPrefix(c.Asked(), "output "), actual, fmt.Sprintf("expected the %s, got %s", c.Asked(), actual)
}

// Asked says what a device has to write: "output 01??03".
func (c Check) Asked() string {
	if c.kind == bytesIn {
		return "output with " + patternWords(c.want) + " in it"
	}
	return "output " + patternWords(c.want)
}

// Digits is what a device has to write, in hexadecimal digits of which some may be '?'; part: only somewhere in its output.
func (c Check) Digits() (digits string, part bool) { return c.want, c.kind == bytesIn }

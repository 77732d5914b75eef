package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// syntax turns what is wrong with a text into what a writer of YAML can do something with. yaml.v3, which reads it, tells a
// line at best, and of an alias or a character none at all. Its successor is asked about what that has refused: it tells two
// places, where it noticed, and where what it was reading begins. The mistake is at one or the other.
type syntax struct {
	r     *Reporter
	lines []string
	*yaml.LoadError
	at, from *Node // where it was noticed; where what was being read begins
}

// lineOf is the line that yaml.v3 tells.
var lineOf = regexp.MustCompile(`^yaml: line ([0-9]{1,7}): `)

// reportSyntax tells of a text that yaml.v3 has refused with err.
func reportSyntax(err error, text []byte, r *Reporter) {
	e := &syntax{r: r, at: &Node{Line: 1, Column: 1}}
	if !errors.As(explain(text), &e.LoadError) {
		if at := questioned(text); at != nil {
			r.At(at, "quotes around text in brackets with a ? in it", "a ? in text that stands in brackets without quotes")
			return
		}
		if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
			e.at.Line, _ = strconv.Atoi(m[1])
		}
		r.At(e.at, "", "not YAML: %s", strings.TrimPrefix(lineOf.ReplaceAllString(err.Error(), ""), "yaml: "))
		return
	}
	e.lines = splitLines(string(text))
	if e.Mark.Line > 0 {
		e.at = &Node{Line: e.Mark.Line, Column: max(1, e.Mark.Column)}
	}
	e.from = e.at
	if e.ContextMark.Line > 0 {
		e.from = &Node{Line: e.ContextMark.Line, Column: max(1, e.ContextMark.Column)}
	}
	e.report()
}

// explain has the successor say what is wrong with a text; nil where it finds nothing.
func explain(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// questioned finds the first text without quotes in brackets that has a question mark in it: there yaml.v3 takes one for the
// beginning of a key, and its successor, as YAML 1.2 has it, for a part of the text. nil where there is none.
func questioned(text []byte) *Node {
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return nil
	}
	var find func(y *yaml.Node, inBrackets bool) *Node
	find = func(y *yaml.Node, inBrackets bool) *Node {
		const marked = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
		if y.Kind == yaml.ScalarNode && inBrackets && y.Style&marked == 0 && strings.Contains(y.Value, "?") {
			return &Node{Line: y.Line, Column: y.Column}
		}
		for _, inner := range y.Content {
			if at := find(inner, inBrackets || y.Style&yaml.FlowStyle != 0); at != nil {
				return at
			}
		}
		return nil
	}
	return find(&document, false)
}

func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
}

var anchorOf = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

func (e *syntax) report() {
	message := e.Message
	is := func(part string) bool { return strings.Contains(message, part) }
	while := func(part string) bool { return strings.Contains(e.ContextMsg, part) }
	anchor := anchorOf.FindStringSubmatch(message)
	switch {
	case anchor != nil:
		e.r.At(e.at, "&"+anchor[1]+" before a value above, or quotes around text that begins with *", "an alias to no anchor %q", anchor[1])
	case while("an alias") || while("an anchor"):
		e.r.At(e.from, "quotes around text that begins with * or &", "an alias or an anchor without a name")
	case is("escape character"), is("hexadecimal number"), is("invalid Unicode character"):
		e.backslash()
	case while("quoted scalar"):
		e.r.At(e.from, "the same quote at its end", "the quote that opens here is not closed")
	case while("flow node") && strings.ContainsAny(e.char(e.at), ",]}:"):
		e.r.At(e.at, "a value, or quotes around text that begins with it", "a %s where a value is expected", e.char(e.at))
	case flow(e.LoadError):
		e.bracket()
	case while("block scalar"):
		e.r.At(e.from, "quotes around text that begins with | or >, or a block of text on the lines below", "a block of text that begins on the line of its sign")
	case is("tab character"):
		e.tab()
	case is("cannot start any token"):
		e.token()
	case e.inBracket():
		e.bracket()
	case is("mapping values are not allowed"):
		e.colon()
	case is("block sequence entries are not allowed"):
		e.r.At(e.at, "each item of a list on a line of its own, or [in, brackets]", "an item of a list where none can begin")
	case is("could not find expected ':'"):
		e.r.At(e.from, "key: value, or an indentation that makes it a part of the text above", "a line that is no key with a value")
	case while("block mapping"), while("block collection"), while("block sequence"):
		e.indent()
	case is("expected <document start>"):
		e.r.At(e.at, "the end of the file", "something follows the end of the value")
	default:
		what := ""
		if e.ContextMsg != "" {
			what = ", " + e.ContextMsg
		}
		e.r.At(e.at, "", "not YAML: %s%s", message, what)
	}
}

// bracket is a list or a mapping in brackets that is not closed, or has something else in the place of a comma.
func (e *syntax) bracket() {
	opens, closes := "[", "]"
	if strings.Contains(e.ContextMsg, "mapping") {
		opens, closes = "{", "}"
	}
	e.r.At(e.from, fmt.Sprintf("a comma or %s before line %d, column %d", closes, e.at.Line, e.at.Column),
		"the %s that opens here is not closed", opens)
}

// inBracket looks whether what was read so far leaves a bracket open, which the library does not always tell: one more
// word does not close it.
func (e *syntax) inBracket() bool {
	before := slices.Clone(e.lines[:max(0, min(len(e.lines), e.at.Line-1))])
	last := []rune(e.line(e.at.Line))
	before = append(before, string(last[:min(len(last), e.at.Column-1)]), "x")
	var document yaml.Node
	var open *yaml.LoadError
	err := yaml.Unmarshal([]byte(strings.Join(before, "\n")), &document)
	if !errors.As(err, &open) || !flow(open) {
		return false
	}
	e.ContextMsg = open.ContextMsg
	e.from = &Node{Line: open.ContextMark.Line, Column: max(1, open.ContextMark.Column)}
	return true
}

// flow reports whether the library was reading a bracket, and says which.
func flow(e *yaml.LoadError) bool {
	return e.ContextMark.Line > 0 && (strings.Contains(e.ContextMsg, "flow sequence") || strings.Contains(e.ContextMsg, "flow mapping"))
}

// backslash is one in double quotes; the library tells the place behind it.
func (e *syntax) backslash() {
	at := *e.at
	line := []rune(e.line(at.Line))
	for i := min(len(line), at.Column); i > 0; i-- {
		if line[i-1] == '\\' {
			at.Column = i
			break
		}
	}
	e.r.At(&at, `\\ for a backslash, or single quotes, in which it is one`, "a backslash in double quotes that begins nothing known")
}

// token is a character that begins nothing.
func (e *syntax) token() {
	char := e.char(e.at)
	if char == "\t" {
		e.tab()
		return
	}
	e.r.At(e.at, "quotes around it", "text that begins with %s, which has a meaning of its own in YAML", char)
}

func (e *syntax) tab() { e.r.At(e.at, "blanks", "a tab in the indentation") }

// colon is a key where none can be: in a text with a colon, or on a line that is indented too far.
func (e *syntax) colon() {
	before := []rune(e.line(e.at.Line))
	before = before[:min(len(before), e.at.Column-1)]
	if strings.Contains(string(before), ": ") {
		e.r.At(e.at, "quotes around a text with a colon and a blank in it", "a second colon that makes a key, on one line")
		return
	}
	e.r.At(e.lineStart(), "the indentation of the key above, or quotes around a text with a colon in it",
		"a key that is indented by %d, where none can begin", e.indentation())
}

// indent is a line that begins in a column where nothing above begins, or something behind a value that is complete.
func (e *syntax) indent() {
	switch char := e.char(e.at); {
	case char == "]" || char == "}":
		e.r.At(e.at, "one that opens before it, or quotes around text", "a %s that closes nothing", char)
	case e.at.Column-1 != e.indentation():
		e.behind()
	case e.at.Column == e.from.Column && char == "-":
		e.r.At(e.at, "a key, or more blanks before all items", "an item of a list among the keys that begin on line %d", e.from.Line)
	case e.at.Column == e.from.Column:
		e.r.At(e.at, "- before it, or fewer blanks", "a key among the items of the list that begins on line %d", e.from.Line)
	default:
		e.r.At(e.at, e.above(), "a line that is indented by %d, where nothing above is", e.at.Column-1)
	}
}

// behind is something that follows a value. What closes too early is a quote that was to be one inside the text, or one
// that was forgotten lines before: then the next text's first quote closed it.
func (e *syntax) behind() {
	line := []rune(e.line(e.at.Line))
	before := strings.TrimRight(string(line[:min(len(line), e.at.Column-1)]), " \t")
	quote := strings.LastIndexAny(before, `'"`)
	if quote < 0 || quote != len(before)-1 {
		e.r.At(e.at, "the end of the line, a comma in brackets, or quotes around all of it", "something follows a value that is complete")
		return
	}
	if opens := e.opening(before[:quote], before[quote:]); opens != nil {
		e.r.At(opens, "the same quote at the end of its text", "the quote that opens here is closed by the one on line %d, column %d", e.at.Line, len([]rune(before)))
		return
	}
	e.r.At(e.at, "quotes around all of it, of the other kind where it has such quotes", "something follows a quote that closes")
}

// opening looks on the lines above for the quote that one on this line closes, where there is none before it here.
func (e *syntax) opening(before, quote string) *Node {
	for n := e.at.Line; n >= e.from.Line && n > 0; n-- {
		if n < e.at.Line {
			before = e.line(n)
		}
		if at := strings.LastIndex(before, quote); at >= 0 {
			if n == e.at.Line {
				return nil
			}
			return &Node{Line: n, Column: len([]rune(before[:at])) + 1}
		}
	}
	return nil
}

// above says how the lines above are indented that are around this one.
func (e *syntax) above() string {
	want := fmt.Sprintf("%d blanks, as on line %d", e.from.Column-1, e.from.Line)
	for n := min(e.at.Line-1, len(e.lines)); n >= e.from.Line; n-- {
		bare := strings.TrimLeft(e.line(n), " ")
		if bare == "" || bare[0] == '#' {
			continue
		}
		inside := len(e.line(n)) - len(bare)
		if inside == e.from.Column-1 && strings.HasPrefix(bare, "- ") {
			inside += len("- ")
		}
		if inside > e.from.Column-1 {
			want += fmt.Sprintf(", or %d, as on line %d", inside, n)
		}
		break
	}
	return want
}

func (e *syntax) line(n int) string {
	if n < 1 || n > len(e.lines) {
		return ""
	}
	return e.lines[n-1]
}

func (e *syntax) char(at *Node) string {
	if line := []rune(e.line(at.Line)); at.Column <= len(line) {
		return string(line[at.Column-1])
	}
	return ""
}

// indentation is how many blanks the line begins with on which it was noticed.
func (e *syntax) indentation() int {
	line := e.line(e.at.Line)
	return len(line) - len(strings.TrimLeft(line, " "))
}

func (e *syntax) lineStart() *Node { return &Node{Line: e.at.Line, Column: e.indentation() + 1} }

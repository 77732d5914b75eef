package suites

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// This is the only file that knows the YAML library. Files are read into a tree of nodes that keep
// their places, since decoding into structs loses the column, stops at the first mistake and
// ignores whatever follows the first document.

const (
	maxFileBytes = 1 << 20
	maxNodes     = 200_000 // after aliases are followed: no file can make the loader work without end
	maxDepth     = 32
)

type nodeKind int

const (
	scalarNode nodeKind = iota
	sequenceNode
	mappingNode
)

func (k nodeKind) String() string {
	return [...]string{"a single value", "a list", "a mapping"}[k]
}

// node is a YAML value with its place in the file.
type node struct {
	kind   nodeKind
	tag    string // of scalars: !!str, !!int, !!float, !!bool, !!null, …
	text   string // of scalars, as written
	line   int
	column int
	items  []*node // of sequences
	pairs  []pair  // of mappings, without duplicates
}

type pair struct{ key, value *node }

func (n *node) isNull() bool { return n.kind == scalarNode && n.tag == "!!null" }

// describe names a value in a message without repeating all of it.
func (n *node) describe() string {
	switch {
	case n.kind != scalarNode:
		return n.kind.String()
	case n.isNull():
		return "nothing"
	}
	text := n.text
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(text, "?"))
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// parseYAML reads one document. It returns nil when there is nothing to go on with; mistakes are
// reported, and the tree then lacks the parts that were wrong.
func parseYAML(data []byte, r *reporter) *node {
	top := &node{line: 1, column: 1}
	switch {
	case len(data) > maxFileBytes:
		r.at(top, "at most 1 MiB", "the file has %d bytes", len(data))
		return nil
	case !utf8.Valid(data):
		r.at(top, "UTF-8 text", "the file is not UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			r.at(top, "a mapping with suite and cases, or with known-issues", "the file is empty")
			return nil
		}
		reportSyntax(err, r)
		return nil
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		r.at(&node{line: max(1, next.Line), column: max(1, next.Column)},
			"one document a file", "a second YAML document starts here")
	} else if !errors.Is(err, io.EOF) {
		reportSyntax(err, r)
	}
	if len(document.Content) != 1 {
		return nil
	}
	w := walker{r: r, open: map[*yaml.Node]bool{}}
	return w.walk(document.Content[0], 0)
}

func reportSyntax(err error, r *reporter) {
	place := &node{line: 1, column: 1}
	message := err.Error()
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
			place.line = line
		}
		message = m[2]
	}
	r.at(place, "", "not YAML: %s", message)
}

// walker copies the library's tree, with aliases and merge keys followed.
type walker struct {
	r     *reporter
	nodes int
	full  bool
	open  map[*yaml.Node]bool // anchors being followed: one inside itself has no end
}

func (w *walker) walk(y *yaml.Node, depth int) *node {
	n := &node{tag: y.ShortTag(), text: y.Value, line: y.Line, column: y.Column}
	w.nodes++
	switch {
	case w.full:
		return nil
	case w.nodes > maxNodes:
		w.full = true
		w.r.at(n, "at most 200000 values, aliases followed", "too much in one file")
		return nil
	case depth > maxDepth:
		w.r.at(n, "at most 32 levels", "nested too deeply")
		return nil
	case w.open[y]:
		w.r.at(n, "", "an alias inside the value that it stands for")
		return nil
	}
	switch y.Kind {
	case yaml.AliasNode:
		return w.walk(y.Alias, depth+1)
	case yaml.SequenceNode:
		w.open[y] = true
		defer delete(w.open, y)
		n.kind = sequenceNode
		for _, item := range y.Content {
			if child := w.walk(item, depth+1); child != nil {
				n.items = append(n.items, child)
			}
		}
	case yaml.MappingNode:
		w.open[y] = true
		defer delete(w.open, y)
		n.kind = mappingNode
		w.mapping(y, n, depth)
	default:
		if y.Style&yaml.TaggedStyle != 0 {
			w.r.at(n, "a plain value", "tag %s", y.Tag)
		}
	}
	return n
}

func (w *walker) mapping(y *yaml.Node, n *node, depth int) {
	seen := map[string]*node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := &node{tag: y.Content[i].ShortTag(), text: y.Content[i].Value, line: y.Content[i].Line, column: y.Content[i].Column}
		if key.tag == "!!merge" {
			merged = append(merged, y.Content[i+1])
			continue
		}
		if y.Content[i].Kind != yaml.ScalarNode {
			w.r.at(key, "a name", "a key that is not a single value")
			continue
		}
		if first, ok := seen[key.text]; ok {
			w.r.at(key, "each key once", "%q is here twice, first on line %d", key.text, first.line)
			continue
		}
		seen[key.text] = key
		if value := w.walk(y.Content[i+1], depth+1); value != nil {
			n.pairs = append(n.pairs, pair{key, value})
		}
	}
	for _, m := range merged {
		w.merge(m, n, seen, depth)
	}
}

// merge adds the pairs of `<<: *anchor` (or a list of them) that the mapping does not have itself.
func (w *walker) merge(y *yaml.Node, into *node, seen map[string]*node, depth int) {
	from := w.walk(y, depth+1)
	if from == nil {
		return
	}
	sources := []*node{from}
	if from.kind == sequenceNode {
		sources = from.items
	}
	for _, source := range sources {
		if source.kind != mappingNode {
			w.r.at(source, "a mapping, or a list of mappings", "<< of %s", source.describe())
			continue
		}
		for _, p := range source.pairs {
			if seen[p.key.text] == nil {
				seen[p.key.text] = p.key
				into.pairs = append(into.pairs, p)
			}
		}
	}
}

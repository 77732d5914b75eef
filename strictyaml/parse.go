package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxFileBytes is the most that a file may have.
const MaxFileBytes = 1 << 20

const (
	maxNodes = 200_000 // after aliases are followed: no file can make the loader work without end
	maxDepth = 32
)

// Kind is the shape of a node.
type Kind int

const (
	ScalarKind Kind = iota
	SequenceKind
	MappingKind
)

func (k Kind) String() string { return [...]string{"a single value", "a list", "a mapping"}[k] }

// Node is a YAML value with its place in the file.
type Node struct {
	Kind   Kind
	Tag    string // of scalars: !!str, !!int, !!float, !!bool, !!null, …
	Text   string // of scalars, as written
	Plain  bool   // of scalars: not in quotes, and no block of text
	Block  bool   // of scalars: a block of text, which ends in an end of line
	Doubt  string // of plain scalars: what some readers of YAML take it for, where it should not be taken for text
	Line   int
	Column int
	Told   bool    // that it is wrong was said: there are no more mistakes at it
	Items  []*Node // of sequences
	Pairs  []Pair  // of mappings, without duplicates
}

// Pair is a key of a mapping with its value. The key is always a scalar.
type Pair struct{ Key, Value *Node }

// IsNull reports whether nothing is written where a value should be.
func (n *Node) IsNull() bool { return n.Kind == ScalarKind && n.Tag == "!!null" }

// Get returns the value of a key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Value
		}
	}
	return nil
}

// Describe names a value in a message without repeating all of it.
func (n *Node) Describe() string {
	switch {
	case n.Kind != ScalarKind:
		return n.Kind.String()
	case n.IsNull() && n.Text != "":
		return n.Text + ", which without quotes is nothing"
	case n.IsNull():
		return "nothing"
	}
	text := n.Text
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(text, "?"))
}

// CountOrKind is Describe for places where a list is told by its length.
func (n *Node) CountOrKind() string {
	switch {
	case n.Kind != SequenceKind:
		return n.Describe()
	case len(n.Items) == 0:
		return "an empty list"
	}
	return fmt.Sprintf("a list of %d", len(n.Items))
}

// Parse reads one document. It returns nil when there is nothing to go on with; mistakes are
// reported, and the tree then lacks the parts that were wrong.
func Parse(data []byte, r *Reporter) *Node {
	top := &Node{Line: 1, Column: 1}
	if len(data) > MaxFileBytes {
		r.At(top, "at most 1 MiB", "the file has %d bytes", len(data))
		return nil
	}
	text, ok := decode(data, r)
	if !ok {
		return nil
	}
	if text, ok = directives(text, r); !ok {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			r.At(top, "a mapping", "the file is empty")
			return nil
		}
		reportSyntax(err, text, r)
		return nil
	}
	var next yaml.Node
	if err := decoder.Decode(&next); err == nil {
		r.At(&Node{Line: max(1, next.Line), Column: max(1, next.Column)},
			"one document a file", "a second YAML document starts here")
	} else if !errors.Is(err, io.EOF) {
		reportSyntax(err, text, r)
	}
	if len(document.Content) != 1 {
		return nil
	}
	w := walker{r: r, open: map[*yaml.Node]bool{}}
	return w.walk(document.Content[0], 0)
}

// walker copies the library's tree, with aliases and merge keys followed.
type walker struct {
	r     *Reporter
	nodes int
	full  bool
	open  map[*yaml.Node]bool // anchors being followed: one inside itself has no end
}

// newNode copies what a value is by itself.
func newNode(y *yaml.Node) *Node {
	const block = yaml.LiteralStyle | yaml.FoldedStyle
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | block
	n := &Node{Tag: "!!str", Text: y.Value, Line: y.Line, Column: y.Column}
	if y.Kind == yaml.ScalarNode {
		n.Plain, n.Block = y.Style&quoted == 0, y.Style&block != 0
	}
	if n.Plain {
		n.Tag, n.Doubt = resolve(n.Text)
	}
	return n
}

func (w *walker) walk(y *yaml.Node, depth int) *Node {
	n := newNode(y)
	w.nodes++
	switch {
	case w.full:
		return nil
	case w.nodes > maxNodes:
		w.full = true
		w.r.At(n, "at most 200000 values, aliases followed", "too much in one file")
		return nil
	case depth > maxDepth:
		w.r.At(n, "at most 32 levels", "nested too deeply")
		return nil
	case w.open[y]:
		w.r.At(n, "", "an alias inside the value that it stands for")
		return nil
	}
	switch y.Kind {
	case yaml.AliasNode:
		return w.walk(y.Alias, depth+1)
	case yaml.SequenceNode:
		w.open[y] = true
		defer delete(w.open, y)
		n.Kind = SequenceKind
		for _, item := range y.Content {
			if child := w.walk(item, depth+1); child != nil {
				n.Items = append(n.Items, child)
			}
		}
	case yaml.MappingNode:
		w.open[y] = true
		defer delete(w.open, y)
		n.Kind = MappingKind
		w.mapping(y, n, depth)
	default:
		if y.Style&yaml.TaggedStyle != 0 {
			w.r.At(n, "the value without it; in quotes where it is text", "a tag, %s", y.Tag)
		}
	}
	return n
}

func (w *walker) mapping(y *yaml.Node, n *Node, depth int) {
	seen := map[string]*Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := newNode(y.Content[i])
		if key.Plain && key.Text == "<<" {
			if len(merged) > 0 {
				w.r.At(key, "<<: [*one, *other]", "<< is here twice")
			}
			merged = append(merged, y.Content[i+1])
			continue
		}
		if y.Content[i].Kind != yaml.ScalarNode || key.IsNull() {
			w.r.At(key, "a name", "a key that is not a single value")
			continue
		}
		left := y.Content[i+1].Tag == "!!null" && y.Style&yaml.FlowStyle != 0 // of a text that its commas have taken apart
		if key.Doubt != "" && len(key.Text) > 1 && !left {                    // no reader in use takes y and n for truths, and x and y are common names
			w.r.At(key, key.inQuotes(), "the key %s", key.doubted())
		}
		if first, ok := seen[key.Text]; ok {
			w.r.At(key, "each key once", "%q is here twice, first on line %d", key.Text, first.Line)
			continue
		}
		seen[key.Text] = key
		if value := w.walk(y.Content[i+1], depth+1); value != nil {
			n.Pairs = append(n.Pairs, Pair{Key: key, Value: value})
		}
	}
	for _, m := range merged {
		w.merge(m, n, seen, depth)
	}
}

// merge adds the pairs of `<<: *anchor` (or a list of them) that the mapping does not have itself.
func (w *walker) merge(y *yaml.Node, into *Node, seen map[string]*Node, depth int) {
	from := w.walk(y, depth+1)
	if from == nil {
		return
	}
	sources := []*Node{from}
	if from.Kind == SequenceKind {
		sources = from.Items
	}
	for _, source := range sources {
		if source.Kind != MappingKind {
			w.r.At(source, "a mapping, or a list of mappings", "<< of %s", source.Describe())
			continue
		}
		for _, p := range source.Pairs {
			if seen[p.Key.Text] == nil {
				seen[p.Key.Text] = p.Key
				into.Pairs = append(into.Pairs, p)
			}
		}
	}
}

// Package parameters gives a case once for every combination of the values that its key `with` lists. It says how these are
// written in the names of the cases, and in a selection of them.
package parameters

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"wskharness/strictyaml"
)

// Key is what parameters are written under.
const Key = "with"

// What names are written like in suites, those of parameters and all others.
const (
	NamePattern = `^[a-z][a-z0-9_-]{0,63}$`
	WantName    = "a lower-case name of letters, digits, _ and -"
)

var nameForm = regexp.MustCompile(NamePattern)

// IsName reports whether a text can be a name.
func IsName(text string) bool { return nameForm.MatchString(text) }

// MaxValues is how many values a file may have, every combination counted: no file can make the loader work without end.
const MaxValues = 200_000

const (
	maxCombinations = 64
	maxSuffix       = 128 // bytes of an id that are its parameters
)

// inID is what a value may be that is a part of an id: names of cases stand on command lines and in file names.
var inID = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}$`)

// Parameter is a name of `with`, with the value that it has in one case.
type Parameter struct{ Name, Value string }

// Suffix is what parameters add to an id.
func Suffix(params []Parameter) string {
	if len(params) == 0 {
		return ""
	}
	var parts []string
	for _, p := range params {
		parts = append(parts, p.Name+"="+p.Value)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Variant is a case as it is written, with the values of one combination of its parameters in their places.
type Variant struct {
	Node       *strictyaml.Node
	Parameters []Parameter        // those that are in the id
	Around     []*strictyaml.Node // what stands around it in the suite
}

// told is a value of which a mistake has been reported.
func told(n *strictyaml.Node) *strictyaml.Node {
	own := *n
	own.Told = true
	return &own
}

// Expand reads the parameters of a case, item, and gives it once for every combination of their values, each with what stands
// around it; of that, nil is nothing. Left is how many values the file may still have, and negative when it has more. A list has a
// value for each case; a single value is the same in all of them, and not in their names.
//
// A plain value $name stands for the parameter of that name, all of it; in quotes it is text. There is nothing
// more to it: no part of a text is replaced, and nothing is computed.
func Expand(r *strictyaml.Reporter, item *strictyaml.Node, around []*strictyaml.Node, left *int) []Variant {
	var with []pair
	if n := item.Get(Key); n != nil {
		var ok bool
		if with, ok = readWith(r, n); !ok {
			for i := range with { // the rest of the case is read all the same: all mistakes are told at once
				with[i].values = with[i].values[:1]
			}
		}
	}
	used := map[string]bool{}
	var variants []Variant
	all := combinations(with)
	values := size(item)
	for _, n := range around {
		values += size(n)
	}
	if *left -= len(all) * values; *left < 0 {
		r.At(item, fmt.Sprintf("at most %d", MaxValues), "the file has too many values, every combination of parameters counted")
		return nil
	}
	for _, combination := range all {
		s := substitution{r: r, values: combination.values, used: used}
		v := Variant{Node: s.withoutKey(item), Parameters: combination.params}
		for _, n := range around {
			v.Around = append(v.Around, s.apply(n))
		}
		variants = append(variants, v)
	}
	for _, p := range with {
		if !used[p.key.Text] && IsName(p.key.Text) {
			r.At(p.key, "$"+p.key.Text+" as a value of the case", "parameter %s is used nowhere", p.key.Describe())
		}
	}
	return variants
}

// size counts the values of a tree.
func size(n *strictyaml.Node) int {
	if n == nil {
		return 0
	}
	sum := 1
	for _, item := range n.Items {
		sum += size(item)
	}
	for _, p := range n.Pairs {
		sum += size(p.Value)
	}
	return sum
}

// pair is a parameter with the values that it takes.
type pair struct {
	key    *strictyaml.Node
	values []*strictyaml.Node
	listed bool
}

func readWith(r *strictyaml.Reporter, n *strictyaml.Node) (with []pair, ok bool) {
	m, good := r.Mapping(n, Key)
	if !good {
		return nil, false
	}
	count, length := 1, 0
	for _, p := range m.Node.Pairs {
		one := pair{key: p.Key, values: []*strictyaml.Node{p.Value}}
		if !IsName(p.Key.Text) {
			r.At(p.Key, WantName, "the parameter's name is %s", p.Key.Describe())
			good = false
		}
		if p.Value.Kind == strictyaml.SequenceKind && len(p.Value.Items) > 0 {
			one.values, one.listed = p.Value.Items, true
		}
		good = readValues(r, &one) && good
		longest := 0
		for _, v := range one.values {
			longest = max(longest, len(v.Text))
		}
		if one.listed {
			count, length = min(count*len(one.values), 1<<20), length+len(p.Key.Text)+longest+len("=,")
		}
		with = append(with, one)
	}
	switch {
	case len(m.Node.Pairs) == 0:
		r.At(n, "a mapping of names to values, or to lists of values", "%s is empty", Key)
		return nil, false
	case count > maxCombinations:
		r.At(n, fmt.Sprintf("at most %d", maxCombinations), "the case has %d combinations of parameters", count)
		return with, false
	case length > maxSuffix:
		r.At(n, fmt.Sprintf("at most %d bytes", maxSuffix), "the parameters make the names of the cases %d bytes longer", length)
		return with, false
	}
	return with, good
}

func readValues(r *strictyaml.Reporter, p *pair) bool {
	var seen []string
	good := true
	p.values = slices.Clone(p.values)
	for i, v := range p.values {
		what := Key + ": " + p.key.Text
		switch {
		case !r.Value(v, what, "a single value, or a list of them"):
			p.values[i], good = told(v), false
		case p.listed && !inID.MatchString(v.Text):
			r.At(v, "1 to 64 letters, digits, '.', '_', '+' and '-': it is a part of the case's name", "%s is %s", what, v.Describe())
			good = false
		case slices.Contains(seen, v.Text):
			r.At(v, "each value once", "%s has %s twice", what, v.Describe())
			good = false
		}
		seen = append(seen, v.Text)
	}
	return good
}

type combination struct {
	values map[string]*strictyaml.Node
	params []Parameter
}

// combinations gives every one, the last parameter changing fastest; of no parameters there is one, without any.
func combinations(with []pair) []combination {
	all := []combination{{}}
	for _, p := range with {
		var next []combination
		for _, c := range all {
			for _, v := range p.values {
				values := map[string]*strictyaml.Node{p.key.Text: v}
				for name, value := range c.values {
					values[name] = value
				}
				params := slices.Clone(c.params)
				if p.listed {
					params = append(params, Parameter{p.key.Text, v.Text})
				}
				next = append(next, combination{values, params})
			}
		}
		all = next
	}
	return all
}

// substitution puts values in the places of parameters.
type substitution struct {
	r      *strictyaml.Reporter
	values map[string]*strictyaml.Node
	used   map[string]bool
}

func (s substitution) withoutKey(item *strictyaml.Node) *strictyaml.Node {
	if item.Kind != strictyaml.MappingKind {
		return item
	}
	own := *item
	own.Pairs = slices.DeleteFunc(slices.Clone(item.Pairs), func(p strictyaml.Pair) bool { return p.Key.Text == Key })
	return s.apply(&own)
}

// apply copies a tree. A value that replaces a parameter keeps the place where it is written: what is wrong with
// it is wrong there.
func (s substitution) apply(n *strictyaml.Node) *strictyaml.Node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case strictyaml.ScalarKind:
		return s.scalar(n)
	case strictyaml.SequenceKind:
		own := *n
		own.Items = make([]*strictyaml.Node, len(n.Items))
		for i, item := range n.Items {
			own.Items[i] = s.apply(item)
		}
		return &own
	}
	own := *n
	own.Pairs = make([]strictyaml.Pair, len(n.Pairs))
	for i, p := range n.Pairs {
		own.Pairs[i] = strictyaml.Pair{Key: p.Key, Value: s.apply(p.Value)}
	}
	return &own
}

func (s substitution) scalar(n *strictyaml.Node) *strictyaml.Node {
	name, ok := strings.CutPrefix(n.Text, "$")
	if !ok || !n.Plain || !IsName(name) {
		return n
	}
	value := s.values[name]
	if value == nil {
		var names []string
		for name := range s.values {
			names = append(names, name)
		}
		slices.Sort(names)
		s.r.At(n, "a name of the case's with, or quotes around text that begins with $", "there is no parameter %q%s", name, strictyaml.Hint(name, names))
		return told(n)
	}
	s.used[name] = true
	return value
}

// Cut takes [version=1.1,…] off a pattern; brackets without = are a glob's. ok is false where it is not
// written right.
func Cut(id string) (family string, params []Parameter, ok bool) {
	at := strings.IndexByte(id, '[')
	if at < 0 || !strings.HasSuffix(id, "]") || !strings.Contains(id[at:], "=") {
		return id, nil, true
	}
	for _, one := range strings.Split(id[at+1:len(id)-1], ",") {
		name, value, ok := strings.Cut(one, "=")
		if _, err := path.Match(value, ""); !ok || err != nil {
			return id, nil, false
		}
		params = append(params, Parameter{name, value})
	}
	return id[:at], params, true
}

// Match reports whether each of the wanted parameters, whose values are globs, is among those of a case.
func Match(wanted, of []Parameter) bool {
	for _, want := range wanted {
		if !slices.ContainsFunc(of, func(p Parameter) bool {
			matches, _ := path.Match(want.Value, p.Value)
			return p.Name == want.Name && matches
		}) {
			return false
		}
	}
	return true
}

package suites

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wskharness/strictyaml"
)

const (
	maxCombinations = 64
	maxExpanded     = 200_000 // values of a file, every combination counted: no file can make the loader work without end
	maxSuffix       = 128     // bytes of an id that are its parameters
)

// inID is what a value may be that is a part of an id: names of cases stand on command lines and in file names.
var inID = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}$`)

// parameter is a name of `with:`, with the value that it has in one case.
type parameter struct{ name, value string }

// suffix is what parameters add to an id.
func suffix(params []parameter) string {
	if len(params) == 0 {
		return ""
	}
	var parts []string
	for _, p := range params {
		parts = append(parts, p.name+"="+p.value)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// variant is a case as it is written, with the values of one combination of its parameters in their places.
type variant struct {
	node   *node
	params []parameter // those that are in the id
	around fixture     // of the suite
}

// told is a value of which a mistake has been reported.
func told(n *node) *node {
	own := *n
	own.Told = true
	return &own
}

// expand reads the parameters of a case, and gives it once for every combination of their values. A list has a
// value for each case; a single value is the same in all of them, and not in their names.
//
// A plain value $name stands for the parameter of that name, all of it; in quotes it is text. There is nothing
// more to it: no part of a text is replaced, and nothing is computed.
func expand(r *reporter, item *node, around fixture, left *int) []variant {
	var with []pair
	if n := item.Get(keyWith); n != nil {
		var ok bool
		if with, ok = readWith(r, n); !ok {
			for i := range with { // the rest of the case is read all the same: all mistakes are told at once
				with[i].values = with[i].values[:1]
			}
		}
	}
	used := map[string]bool{}
	var variants []variant
	all := combinations(with)
	if *left -= len(all) * (size(item) + size(around.setUp) + size(around.tearDown) + size(around.health)); *left < 0 {
		r.At(item, fmt.Sprintf("at most %d", maxExpanded), "too many values in one file, every combination of parameters counted")
		return nil
	}
	for _, combination := range all {
		s := substitution{r: r, values: combination.values, used: used}
		variants = append(variants, variant{
			node: s.withoutWith(item), params: combination.params,
			around: fixture{setUp: s.apply(around.setUp), tearDown: s.apply(around.tearDown), health: s.apply(around.health)},
		})
	}
	for _, p := range with {
		if !used[p.key.Text] && identifier.MatchString(p.key.Text) {
			r.At(p.key, "$"+p.key.Text+" as a value of the case", "parameter %s is used nowhere", p.key.Describe())
		}
	}
	return variants
}

// size counts the values of a tree.
func size(n *node) int {
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
	key    *node
	values []*node
	listed bool
}

func readWith(r *reporter, n *node) (with []pair, ok bool) {
	m, good := r.Mapping(n, keyWith)
	if !good {
		return nil, false
	}
	count, length := 1, 0
	for _, p := range m.Node.Pairs {
		one := pair{key: p.Key, values: []*node{p.Value}}
		if !identifier.MatchString(p.Key.Text) {
			r.At(p.Key, wantIdentifier, "the parameter's name is %s", p.Key.Describe())
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
		r.At(n, "a mapping of names to values, or to lists of values", "%s is empty", keyWith)
		return nil, false
	case count > maxCombinations:
		r.At(n, fmt.Sprintf("at most %d", maxCombinations), "%d combinations of parameters", count)
		return with, false
	case length > maxSuffix:
		r.At(n, fmt.Sprintf("at most %d bytes", maxSuffix), "the parameters make the names of the cases %d bytes longer", length)
		return with, false
	}
	return with, good
}

func readValues(r *reporter, p *pair) bool {
	var seen []string
	good := true
	p.values = slices.Clone(p.values)
	for i, v := range p.values {
		what := keyWith + ": " + p.key.Text
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
	values map[string]*node
	params []parameter
}

// combinations gives every one, the last parameter changing fastest; of no parameters there is one, without any.
func combinations(with []pair) []combination {
	all := []combination{{}}
	for _, p := range with {
		var next []combination
		for _, c := range all {
			for _, v := range p.values {
				values := map[string]*node{p.key.Text: v}
				for name, value := range c.values {
					values[name] = value
				}
				params := slices.Clone(c.params)
				if p.listed {
					params = append(params, parameter{p.key.Text, v.Text})
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
	r      *reporter
	values map[string]*node
	used   map[string]bool
}

func (s substitution) withoutWith(item *node) *node {
	if item.Kind != strictyaml.MappingKind {
		return item
	}
	own := *item
	own.Pairs = slices.DeleteFunc(slices.Clone(item.Pairs), func(p strictyaml.Pair) bool { return p.Key.Text == keyWith })
	return s.apply(&own)
}

// apply copies a tree. A value that replaces a parameter keeps the place where it is written: what is wrong with
// it is wrong there.
func (s substitution) apply(n *node) *node {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case strictyaml.ScalarKind:
		return s.scalar(n)
	case strictyaml.SequenceKind:
		own := *n
		own.Items = make([]*node, len(n.Items))
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

func (s substitution) scalar(n *node) *node {
	name, ok := strings.CutPrefix(n.Text, "$")
	if !ok || !n.Plain || !identifier.MatchString(name) {
		return n
	}
	value := s.values[name]
	if value == nil {
		var names []string
		for name := range s.values {
			names = append(names, name)
		}
		slices.Sort(names)
		s.r.At(n, "a name of the case's with, or quotes around text that begins with $", "no parameter %q%s", name, strictyaml.Hint(name, names))
		return told(n)
	}
	s.used[name] = true
	return value
}

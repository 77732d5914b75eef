// Package settings reads the keys of wskharness.yaml. Each key is a row, from which it is read and checked, and from which
// the part of the JSON Schema is made that editors know it by; so the two can't differ:
//
//	var url string
//	table := settings.Table{Doc: "A machine in a rack.", Keys: []settings.Key{
//		{Name: "url", Doc: "Where it answers.", Must: "url: such as https://10.0.0.5", Value: settings.Text(&url)},
//	}}
//	given := table.Read(r, mapping) // whatever is wrong is in r, each mistake at its place
//	schema := table.Schema()
//
// A table is bound to the variables that its values are read into: whoever reads twice makes two.
package settings

import (
	"cmp"
	"maps"
	"slices"

	"wskharness/strictyaml"
)

// Object is an object of a JSON Schema.
type Object = map[string]any

// Value is what may stand behind a key: how it is read into a variable, and what the schema says of it.
type Value struct {
	Schema Object // nil: of a key that people write, and that must not be there
	// Read reports what is wrong with n, which messages call what.
	Read func(r *Reader, n *strictyaml.Node, what string)
}

// Key is one row.
type Key struct {
	Name    string
	Doc     string // what an editor shows
	Must    string // what is expected where the key is not there; empty: it may be absent
	Beside  []Rule // each names a key without which this one makes no sense
	Without []Rule // each names a key that excludes this one
	Value   Value
}

// Rule is about a key and another one.
type Rule struct {
	Key  string // the other one
	Want string // what is expected instead; empty: said of the two names
	Says string // what is wrong; empty: said of the two names
}

// Choice is keys of which one has to be there. That it is only one, or none of the schema's, their rows say.
type Choice struct {
	Names []string
	Want  string
	Says  string // what the mapping has none of
}

// Table is the keys of one mapping, in the order in which they are read and told.
type Table struct {
	Doc    string
	Keys   []Key
	Choice *Choice // nil: there is none
}

// Given is what a mapping has of a table's keys: a key that is absent is nil.
type Given map[string]*strictyaml.Node

// Read reads all keys. Whatever else the mapping has is a mistake.
func (t *Table) Read(r *Reader, m *strictyaml.Mapping) Given {
	given := Given{}
	for _, key := range t.Keys {
		take := m.Take
		if key.Must != "" {
			take = func(name string) *strictyaml.Node { return m.Need(name, key.Must) }
		}
		if n := take(key.Name); n != nil {
			given[key.Name] = n
		}
	}
	if c := t.Choice; c != nil && !slices.ContainsFunc(c.Names, func(name string) bool { return given[name] != nil }) {
		r.At(m.Node, c.Want, "%s has no %s", m.What, c.Says)
	}
	m.Done()
	for _, key := range t.Keys {
		if n := given[key.Name]; n != nil {
			key.check(r, m, n, given)
			key.Value.Read(r, n, key.Name)
		}
	}
	return given
}

// check holds a key against the others.
func (k *Key) check(r *Reader, m *strictyaml.Mapping, n *strictyaml.Node, given Given) {
	for _, rule := range k.Without {
		if given[rule.Key] != nil {
			r.At(n, cmp.Or(rule.Want, "one of "+rule.Key+" and "+k.Name), "%s", cmp.Or(rule.Says, m.What+" has both"))
		}
	}
	for _, rule := range k.Beside {
		if given[rule.Key] == nil {
			r.At(n, rule.Want, "%s", cmp.Or(rule.Says, k.Name+" without "+rule.Key))
		}
	}
}

// Schema is the table as an object of a JSON Schema.
func (t *Table) Schema() Object {
	properties, needs := Object{}, Object{}
	var required []string
	var excluded, choice []any
	for _, key := range t.Keys {
		if key.Value.Schema == nil {
			continue
		}
		property := maps.Clone(key.Value.Schema)
		if key.Doc != "" {
			property["description"] = key.Doc
		}
		properties[key.Name] = property
		if key.Must != "" {
			required = append(required, key.Name)
		}
		var beside []string
		for _, rule := range key.Beside {
			beside = append(beside, rule.Key)
		}
		if beside != nil {
			needs[key.Name] = beside
		}
		for _, rule := range key.Without {
			excluded = append(excluded, Object{"required": []string{rule.Key, key.Name}})
		}
	}
	schema := Object{"type": "object", "additionalProperties": false, "properties": properties}
	if t.Doc != "" {
		schema["description"] = t.Doc
	}
	if required != nil {
		schema["required"] = required
	}
	if len(needs) > 0 {
		schema["dependentRequired"] = needs
	}
	if excluded != nil {
		schema["not"] = Object{"anyOf": excluded}
	}
	if t.Choice != nil {
		for _, name := range t.Choice.Names {
			choice = append(choice, Object{"required": []string{name}})
		}
		schema["anyOf"] = choice
	}
	return schema
}

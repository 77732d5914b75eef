package settings

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"wskharness/strictyaml"
)

var (
	defineName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// LongestTime is the longest that anything may be given.
const LongestTime = 30 * 24 * time.Hour

// Definitions are what the schemas of values refer to, by name: the $defs of whatever schema they are in.
func Definitions() Object {
	return Object{
		"duration":  Object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`},
		"text":      Object{"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": 1000},
		"variables": Object{"type": "array", "minItems": 1, "uniqueItems": true, "items": Pattern(variableName.String())},
	}
}

// Refer is the schema of a name in the $defs.
func Refer(name string) Object { return Object{"$ref": "#/$defs/" + name} }

// Pattern is the schema of a text that matches a regular expression.
func Pattern(expression string) Object { return Object{"type": "string", "pattern": expression} }

// List is the schema of a list of at least one.
func List(item Object) Object { return Object{"type": "array", "minItems": 1, "items": item} }

// Different is the schema of a list of at least one, in which nothing is twice.
func Different(item Object) Object {
	list := List(item)
	list["uniqueItems"] = true
	return list
}

// Text is a text of one line.
func Text(to *string) Value {
	return Value{Refer("text"), func(r *Reader, n *strictyaml.Node, what string) { *to, _ = r.Line(n, what) }}
}

// Path is a path of this machine, which becomes absolute; one that can't be is empty.
func Path(to *string) Value {
	return Value{Refer("text"), func(r *Reader, n *strictyaml.Node, what string) { *to = r.FilePath(n, what) }}
}

// Bool is true or false.
func Bool(to *bool) Value {
	return Value{Object{"type": "boolean"}, func(r *Reader, n *strictyaml.Node, what string) { *to, _ = r.Bool(n, what) }}
}

// Word is one of some words. What the variable holds is the default.
func Word(to *string, words ...string) Value {
	schema := Object{"enum": words}
	if *to != "" {
		schema["default"] = *to
	}
	return Value{schema, func(r *Reader, n *strictyaml.Node, what string) { *to, _ = r.OneOf(n, what, words...) }}
}

// Integer is a whole number.
func Integer(to *int, lowest, highest int) Value {
	return Value{Object{"type": "integer", "minimum": lowest, "maximum": highest}, func(r *Reader, n *strictyaml.Node, what string) {
		number, _ := r.Number(n, what, uint64(lowest), uint64(highest))
		*to = int(number)
	}}
}

// Nested is a mapping with a table of its own, of which check, unless it is nil, looks at what the keys say together.
func Nested(table Table, check func(r *Reader, given Given)) Value {
	return Value{table.Schema(), func(r *Reader, n *strictyaml.Node, what string) {
		if m, ok := r.Mapping(n, what); ok {
			if given := table.Read(r, m); check != nil {
				check(r, given)
			}
		}
	}}
}

// Duration is a time such as 10m, up to the highest.
func Duration(to *time.Duration, highest time.Duration) Value {
	return Value{Refer("duration"), func(r *Reader, n *strictyaml.Node, what string) { *to, _ = r.Duration(n, what, highest) }}
}

// Command is a program and its arguments, each a word of its own.
func Command(to *[]string) Value {
	return Value{List(Refer("text")), func(r *Reader, n *strictyaml.Node, what string) { *to = r.command(n, what) }}
}

// Variable is the name of an environment variable that has a secret. What stands in its place is in no message: it may be
// the secret itself.
func Variable(to *string) Value {
	return Value{Pattern(variableName.String()), func(r *Reader, n *strictyaml.Node, what string) {
		if *to, _ = r.Line(n, what); *to != "" && !variableName.MatchString(*to) {
			r.At(n, "the name of an environment variable", "%s is not a name", what)
		}
	}}
}

// Variables are names of environment variables that a program is to be given; [Reader.Passed] has them, too.
func Variables(to *[]string) Value {
	return Value{Refer("variables"), func(r *Reader, n *strictyaml.Node, what string) { *to = r.variables(n, what) }}
}

func (r *Reader) variables(n *strictyaml.Node, what string) []string {
	const want = "the name of an environment variable"
	var names []string
	for _, item := range r.Items(n, what) {
		switch {
		case !r.Sure(item, "an entry of "+what, want):
		case strings.TrimSpace(item.Text) == "":
			r.At(item, want, "an entry of %s is %s, an empty name", what, item.Describe())
		case !variableName.MatchString(item.Text): // it is not repeated: it may be a value, in the wrong place
			r.At(item, want, "%s has something else", what)
		case slices.Contains(names, item.Text):
			r.At(item, "each of them once", "%s has %q twice", what, item.Text)
		default:
			names = append(names, item.Text)
		}
	}
	r.passed = append(r.passed, n.Items...)
	return names
}

// Defines are preprocessor names and what they stand for.
func Defines(to *map[string]string) Value {
	schema := Object{"type": "object", "propertyNames": Object{"pattern": defineName.String()},
		"additionalProperties": Object{"type": []string{"string", "number", "boolean"}}}
	return Value{schema, func(r *Reader, n *strictyaml.Node, what string) {
		*to = map[string]string{}
		r.defines(n, what, *to)
	}}
}

func (r *Reader) defines(n *strictyaml.Node, what string, into map[string]string) {
	d, ok := r.Mapping(n, what)
	if !ok {
		return
	}
	for _, pair := range d.Node.Pairs {
		name := pair.Key.Text
		if !defineName.MatchString(name) {
			r.At(pair.Key, "a C identifier", "the define is %s", pair.Key.Describe())
		}
		// As behind #define, 0x10 needs no quotes; 010, of base 8 in C, does.
		if !pair.Value.WholeNumber() && !r.Sure(pair.Value, "define "+name, "a single value") {
			continue
		}
		if strings.ContainsAny(pair.Value.Text, "\r\n\x00") {
			r.At(pair.Value, "a value of one line", "the define %s is %s", name, pair.Value.Describe())
		}
		into[name] = pair.Value.Text
	}
}

// Defined writes preprocessor names as NAME=value, sorted.
func Defined(defines map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(defines)) {
		all = append(all, name+"="+defines[name])
	}
	return all
}

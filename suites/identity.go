package suites

import (
	"encoding/binary"
	"hash"
	"io"
	"reflect"
	"regexp"
	"slices"
)

// Identify adds to a hash all that the case is and expects, and nothing of where it is written: two cases with the same
// identity do the same, and are judged alike.
func (c *Case) Identify(h hash.Hash) { identify(h, reflect.ValueOf(c)) }

// Identify adds to a hash all that the known issue declares.
func (k *KnownIssue) Identify(h hash.Hash) { identify(h, reflect.ValueOf(k)) }

// AllKnown returns the issues that are declared for a case, on whichever guest.
func (cat *Catalog) AllKnown(c *Case) []*KnownIssue {
	var found []*KnownIssue
	for _, k := range cat.known {
		if k.Case == c.Name() {
			found = append(found, k)
		}
	}
	return found
}

// places are the fields that say where something is written.
var places = []string{"File", "Line", "nextAt"}

// identify walks a value, unexported fields as well: a field that is added later is part of the identity at once.
func identify(w io.Writer, v reflect.Value) {
	number := func(n uint64) { _ = binary.Write(w, binary.LittleEndian, n) } // a hash never fails
	text := func(s string) {
		number(uint64(len(s)))
		_, _ = io.WriteString(w, s)
	}
	switch v.Kind() {
	case reflect.Pointer:
		switch {
		case v.IsNil():
			number(0)
		case v.Type() == reflect.TypeFor[*operation]():
			text(v.Elem().FieldByName("name").String())
		case v.Type() == reflect.TypeFor[*regexp.Regexp]():
			text(v.Elem().FieldByName("expr").String())
		default:
			number(1)
			identify(w, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Type.Kind() == reflect.Func || slices.Contains(places, field.Name) {
				continue
			}
			text(field.Name)
			identify(w, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		number(uint64(v.Len()))
		for i := range v.Len() {
			identify(w, v.Index(i))
		}
	case reflect.String:
		text(v.String())
	case reflect.Bool:
		if v.Bool() {
			number(1)
		} else {
			number(0)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		number(v.Uint())
	default:
		panic("suites: a case has a field of a kind that nobody has thought of: " + v.Type().String())
	}
}

package config

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

// The registry and the service manager of Windows ignore the case of names: two that differ in nothing else are one, of
// which the second would overwrite the first.

const (
	maxParameters  = 64
	maxBinary      = 4096 // bytes
	wantParameter  = "a number, a text, a list of texts, or {hex: digits}"
	wantRegistry   = "a whole number of at most 64 bits, in decimal without a leading zero or as 0x and hexadecimal digits; or a text in quotes"
	wantHexBytes   = "1 to 4096 bytes in hexadecimal digits"
	wantOtherNames = "a name of its own: Windows ignores case"
)

var parameterName = regexp.MustCompile(`^[A-Za-z0-9._ -]{1,64}$`)

// depends are the services that are started before one, whose own name is known when they are read.
func depends(service *suites.Service) settings.Value {
	return settings.Value{Schema: settings.Different(settings.Pattern(serviceName.String())), Read: func(r *settings.Reader, n *strictyaml.Node, _ string) {
		service.Depends = readDepends(r, n, service.Name)
	}}
}

func readDepends(r *settings.Reader, n *strictyaml.Node, service string) []string {
	var all []string
	seen := map[string]bool{}
	for _, item := range r.Items(n, "depends") {
		name, ok := r.Line(item, "an entry of depends")
		switch folded := strings.ToLower(name); {
		case !ok:
		case !serviceName.MatchString(name):
			r.At(item, "the name of a service", "depends: %s", item.Describe())
		case folded == strings.ToLower(service):
			r.At(item, "another service", "depends: %s is the driver's own", item.Describe())
		case seen[folded]:
			r.At(item, "each of them once", "depends has %q twice; Windows ignores case", name)
		default:
			seen[folded], all = true, append(all, name)
		}
	}
	return all
}

// parameters reads registry values: a whole number is a REG_DWORD, or a REG_QWORD where it does not fit; a text a
// REG_SZ; a list of texts a REG_MULTI_SZ; {hex: 00ff} a REG_BINARY.
func parameters(to *[]suites.Parameter) settings.Value {
	text := settings.Object{"type": "string", "minLength": 1, "maxLength": 1000}
	schema := settings.Object{
		"type": "object", "maxProperties": maxParameters, "propertyNames": settings.Object{"pattern": parameterName.String()},
		"additionalProperties": settings.Object{"anyOf": []any{
			settings.Object{"type": "integer", "minimum": 0}, text, settings.List(text),
			settings.Object{"type": "object", "required": []string{"hex"}, "additionalProperties": false, "properties": settings.Object{
				"hex": settings.Object{"type": []string{"string", "number"}, "pattern": "^[0-9A-Fa-f ]+$"},
			}},
		}},
	}
	return settings.Value{Schema: schema, Read: func(r *settings.Reader, n *strictyaml.Node, _ string) { *to = readParameters(r, n) }}
}

func readParameters(r *settings.Reader, n *strictyaml.Node) []suites.Parameter {
	m, ok := r.Mapping(n, "parameters")
	if !ok {
		return nil
	}
	if len(m.Node.Pairs) > maxParameters {
		r.At(n, fmt.Sprintf("at most %d", maxParameters), "there are %d parameters", len(m.Node.Pairs))
		return nil
	}
	var all []suites.Parameter
	seen := map[string]*strictyaml.Node{}
	for _, pair := range m.Node.Pairs {
		name := pair.Key.Text
		if !parameterName.MatchString(name) {
			r.At(pair.Key, "1 to 64 letters, digits, spaces, '.', '_' and '-'", "the parameter's name is %s", pair.Key.Describe())
		}
		if first := seen[strings.ToLower(name)]; first != nil {
			r.At(pair.Key, wantOtherNames, "the parameter %q is already on line %d, as %q", name, first.Line, first.Text)
		}
		seen[strings.ToLower(name)] = pair.Key
		if one, ok := parameter(r, pair.Value, name); ok {
			all = append(all, one)
		}
	}
	return all
}

func parameter(r *settings.Reader, n *strictyaml.Node, name string) (suites.Parameter, bool) {
	what := "parameter " + name
	switch {
	case n.Kind == strictyaml.SequenceKind:
		return multi(r, n, name, what)
	case n.Kind == strictyaml.MappingKind:
		return binary(r, n, name, what)
	case n.WholeNumber():
		return number(r, n, name, what)
	case n.IsNull():
		r.At(n, wantParameter, "%s is %s", what, n.Describe())
		return suites.Parameter{}, false
	case n.Doubt != "":
		r.At(n, wantRegistry, "%s is %s, which without quotes is %s", what, n.Text, n.Doubt)
		return suites.Parameter{}, false
	case n.Plain && n.Tag == "!!bool":
		r.At(n, "1 or 0; or the word in quotes", "%s is %s: the registry has no truths", what, n.Text)
		return suites.Parameter{}, false
	case n.Plain && n.Tag != "!!str":
		r.At(n, wantRegistry, "%s is %s", what, n.Text)
		return suites.Parameter{}, false
	}
	text, ok := r.Text(n, what)
	return suites.Parameter{Name: name, Kind: suites.RegText, Values: []string{text}}, ok
}

func number(r *settings.Reader, n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	number, err := strconv.ParseUint(n.Text, 0, 64)
	if err != nil {
		r.At(n, wantRegistry, "%s is %s", what, n.Text)
		return suites.Parameter{}, false
	}
	one := suites.Parameter{Name: name, Kind: suites.RegDword, Values: []string{strconv.FormatUint(number, 10)}}
	if number > 1<<32-1 {
		one.Kind = suites.RegQword
	}
	return one, true
}

// multi reads a list of texts, in which one may be there twice.
func multi(r *settings.Reader, n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	one := suites.Parameter{Name: name, Kind: suites.RegMulti}
	good := true
	for _, item := range r.Items(n, what) {
		if item.Kind == strictyaml.ScalarKind && item.Plain && item.Tag != "!!str" && item.Doubt == "" && !item.IsNull() {
			r.At(item, "the text in quotes: a list is of texts", "an entry of %s is %s", what, item.Text)
			good = false
			continue
		}
		text, ok := r.Text(item, "an entry of "+what)
		one.Values, good = append(one.Values, text), good && ok
	}
	return one, good && len(one.Values) > 0
}

func binary(r *settings.Reader, n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	m, _ := r.Mapping(n, what)
	digits := m.Need("hex", wantParameter)
	m.Done()
	if digits == nil || !r.Value(digits, what+": hex", wantHexBytes) {
		return suites.Parameter{}, false
	}
	text := strings.ReplaceAll(digits.Text, " ", "")
	if raw, err := hex.DecodeString(text); err != nil || len(raw) == 0 || len(raw) > maxBinary {
		r.At(digits, wantHexBytes, "%s: hex is %s", what, digits.Describe())
		return suites.Parameter{}, false
	}
	return suites.Parameter{Name: name, Kind: suites.RegBinary, Values: []string{text}}, true
}

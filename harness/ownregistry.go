package harness

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

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

// depends reads the services that are started before one.
func (p *configParser) depends(n *strictyaml.Node, service string) []string {
	var all []string
	seen := map[string]bool{}
	for _, item := range p.Items(n, "depends") {
		name, ok := p.Line(item, "an entry of depends")
		switch folded := strings.ToLower(name); {
		case !ok:
		case !serviceName.MatchString(name):
			p.At(item, "the name of a service", "depends: %s", item.Describe())
		case folded == strings.ToLower(service):
			p.At(item, "another service", "depends: %s is the driver's own", item.Describe())
		case seen[folded]:
			p.At(item, "each of them once", "depends has %q twice; Windows ignores case", name)
		default:
			seen[folded], all = true, append(all, name)
		}
	}
	return all
}

// parameters reads registry values: a whole number is a REG_DWORD, or a REG_QWORD where it does not fit; a text a
// REG_SZ; a list of texts a REG_MULTI_SZ; {hex: 00ff} a REG_BINARY.
func (p *configParser) parameters(n *strictyaml.Node) []suites.Parameter {
	m, ok := p.Mapping(n, "parameters")
	if !ok {
		return nil
	}
	if len(m.Node.Pairs) > maxParameters {
		p.At(n, fmt.Sprintf("at most %d", maxParameters), "%d parameters", len(m.Node.Pairs))
		return nil
	}
	var all []suites.Parameter
	seen := map[string]*strictyaml.Node{}
	for _, pair := range m.Node.Pairs {
		name := pair.Key.Text
		if !parameterName.MatchString(name) {
			p.At(pair.Key, "1 to 64 letters, digits, spaces, '.', '_' and '-'", "the parameter's name is %s", pair.Key.Describe())
		}
		if first := seen[strings.ToLower(name)]; first != nil {
			p.At(pair.Key, wantOtherNames, "the parameter %q is already on line %d, as %q", name, first.Line, first.Text)
		}
		seen[strings.ToLower(name)] = pair.Key
		if one, ok := p.parameter(pair.Value, name); ok {
			all = append(all, one)
		}
	}
	return all
}

func (p *configParser) parameter(n *strictyaml.Node, name string) (suites.Parameter, bool) {
	what := "parameter " + name
	switch {
	case n.Kind == strictyaml.SequenceKind:
		return p.multi(n, name, what)
	case n.Kind == strictyaml.MappingKind:
		return p.binary(n, name, what)
	case n.WholeNumber():
		return p.number(n, name, what)
	case n.IsNull():
		p.At(n, wantParameter, "%s is %s", what, n.Describe())
		return suites.Parameter{}, false
	case n.Doubt != "":
		p.At(n, wantRegistry, "%s is %s, which without quotes is %s", what, n.Text, n.Doubt)
		return suites.Parameter{}, false
	case n.Plain && n.Tag == "!!bool":
		p.At(n, "1 or 0; or the word in quotes", "%s is %s: the registry has no truths", what, n.Text)
		return suites.Parameter{}, false
	case n.Plain && n.Tag != "!!str":
		p.At(n, wantRegistry, "%s is %s", what, n.Text)
		return suites.Parameter{}, false
	}
	text, ok := p.Text(n, what)
	return suites.Parameter{Name: name, Kind: suites.RegText, Values: []string{text}}, ok
}

func (p *configParser) number(n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	number, err := strconv.ParseUint(n.Text, 0, 64)
	if err != nil {
		p.At(n, wantRegistry, "%s is %s", what, n.Text)
		return suites.Parameter{}, false
	}
	one := suites.Parameter{Name: name, Kind: suites.RegDword, Values: []string{strconv.FormatUint(number, 10)}}
	if number > 1<<32-1 {
		one.Kind = suites.RegQword
	}
	return one, true
}

// multi reads a list of texts, in which one may be there twice.
func (p *configParser) multi(n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	one := suites.Parameter{Name: name, Kind: suites.RegMulti}
	good := true
	for _, item := range p.Items(n, what) {
		if item.Kind == strictyaml.ScalarKind && item.Plain && item.Tag != "!!str" && item.Doubt == "" && !item.IsNull() {
			p.At(item, "the text in quotes: a list is of texts", "an entry of %s is %s", what, item.Text)
			good = false
			continue
		}
		text, ok := p.Text(item, "an entry of "+what)
		one.Values, good = append(one.Values, text), good && ok
	}
	return one, good && len(one.Values) > 0
}

func (p *configParser) binary(n *strictyaml.Node, name, what string) (suites.Parameter, bool) {
	m, _ := p.Mapping(n, what)
	digits := m.Need("hex", wantParameter)
	m.Done()
	if digits == nil || !p.Value(digits, what+": hex", wantHexBytes) {
		return suites.Parameter{}, false
	}
	text := strings.ReplaceAll(digits.Text, " ", "")
	if raw, err := hex.DecodeString(text); err != nil || len(raw) == 0 || len(raw) > maxBinary {
		p.At(digits, wantHexBytes, "%s: hex is %s", what, digits.Describe())
		return suites.Parameter{}, false
	}
	return suites.Parameter{Name: name, Kind: suites.RegBinary, Values: []string{text}}, true
}

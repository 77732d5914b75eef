package suites

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf16"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// registryValue is a value of the registry: its type and its bytes, as Windows keeps them ("Registry value types" in the
// Win32 reference).
type registryValue struct {
	kind uint32
	data []byte
}

func registryTypes() []named {
	return []named{{"REG_NONE", 0}, {"REG_SZ", 1}, {"REG_EXPAND_SZ", 2}, {"REG_BINARY", 3}, {"REG_DWORD", 4}, {"REG_DWORD_BIG_ENDIAN", 5},
		{"REG_LINK", 6}, {"REG_MULTI_SZ", 7}, {"REG_RESOURCE_LIST", 8}, {"REG_QWORD", 11}}
}

const (
	regExpand = 2

	maxRegistryKey     = 900 // characters
	wantRegistry       = "a number, a text, a list of texts, or one of {dword: …}, {qword: …}, {text: …}, {expand: …}, {list: […]}, {hex: …}"
	wantRegistryNumber = "a number in decimal without a leading zero or as 0x and hexadecimal digits; or a text in quotes"
	wantRegistryKey    = `HKLM\… or HKU\…, such as HKLM\SOFTWARE\Vendor`
	registryOfAgent    = `software\wskharness`
	registryNameMost   = 255
)

var (
	registryKey  = regexp.MustCompile(`^[^\\\x00-\x1f]{1,255}(\\[^\\\x00-\x1f]{1,255})*$`)
	registryName = regexp.MustCompile(`^[^\x00-\x1f]{0,255}$`)
)

// registry reads the step: which value, and what is to be done with it.
func (p *caseParser) registry(s *Step, g *generic, body *node, given map[string]*node, words *sentence) {
	key, name, ok := p.registryPlace(s, body, given)
	if !ok {
		return
	}
	words.parts[0] += " " + p.registryWords(s, key, name) // before delete and absent
	g.texts = []string{key, "=" + name}
	var does []string
	for _, one := range []string{"set", "equals", "delete", "absent"} {
		if given[one] != nil {
			does = append(does, one)
		}
	}
	if len(does) > 1 {
		p.r.At(given[does[1]], "one of set, equals, delete and absent", "registry has %s", strings.Join(does, " and "))
		return
	}
	if n := given["equals"]; n != nil {
		if v, ok := p.registryValue(n, "registry: equals"); ok {
			g.registry = &v
			words.add("equals " + v.String())
		}
	}
	if n := given["set"]; n != nil {
		p.registrySet(s, g, n, words)
	}
	if n := given["absent"]; n != nil {
		g.absent, _ = p.r.Bool(n, "registry: absent")
	}
	changes := given["set"] != nil || s.args[0] != abi.PlanRegistryGet
	if changes && s.args[2] == 0 && strings.HasPrefix(strings.ToLower(key), registryOfAgent) {
		p.r.At(body, "another key", "registry: %s is the agent's own", key)
	}
	if len(s.Checks) > 0 && (changes || g.absent) {
		p.r.At(body, "no checks", "%s is of a value that is read", s.Checks[0].Name)
	}
}

func (p *caseParser) registryWords(s *Step, key, name string) string {
	switch {
	case s.args[2] != 0:
		return "parameter " + name
	case name == "":
		name = "(default)"
	}
	return []string{`HKLM\`, `HKU\`}[s.args[1]] + key + " " + name
}

func (p *caseParser) registrySet(s *Step, g *generic, n *node, words *sentence) {
	v, ok := p.registryValue(n, "registry: set")
	if !ok {
		return
	}
	s.args[0], s.args[3] = abi.PlanRegistrySet, uint64(v.kind)
	if len(v.data) > 0 {
		g.texts = append(g.texts, hex.EncodeToString(v.data))
	}
	words.add("set " + v.String())
}

// registryPlace reads where the value is: key and name, or a parameter of the driver's service.
func (p *caseParser) registryPlace(s *Step, body *node, given map[string]*node) (key, name string, ok bool) {
	switch {
	case (given["key"] == nil) == (given["parameter"] == nil):
		p.r.At(body, "key and name, or parameter", "registry has neither key nor parameter, or both")
		return "", "", false
	case given["parameter"] != nil && given["name"] != nil:
		p.r.At(given["name"], "key beside it, or parameter alone", "registry has both name and parameter")
		return "", "", false
	case given["parameter"] != nil:
		s.args[2] = 1
		name, ok = p.registryNameOf(given["parameter"], "registry: parameter")
		return "Parameters", name, ok
	}
	key, ok = p.registryKeyOf(s, given["key"])
	if n := given["name"]; ok && n != nil {
		name, ok = p.registryNameOf(n, "registry: name")
	}
	return key, name, ok
}

func (p *caseParser) registryNameOf(n *node, what string) (string, bool) {
	if !p.r.Sure(n, what, "a name") {
		return "", false
	}
	if !registryName.MatchString(n.Text) {
		p.r.At(n, fmt.Sprintf("a name of at most %d characters", registryNameMost), "%s is %s", what, n.Describe())
		return "", false
	}
	return n.Text, true
}

func (p *caseParser) registryKeyOf(s *Step, n *node) (string, bool) {
	text, ok := p.text(n, "registry: key")
	if !ok {
		return "", false
	}
	root, below, _ := strings.Cut(text, `\`)
	switch strings.ToUpper(root) {
	case "HKLM", "HKEY_LOCAL_MACHINE":
	case "HKU", "HKEY_USERS":
		s.args[1] = 1
	case "HKCU", "HKEY_CURRENT_USER":
		p.r.At(n, wantRegistryKey, "registry: key is %s: the agent is a service, whose user is the system's", n.Describe())
		return "", false
	default:
		p.r.At(n, wantRegistryKey, "registry: key is %s", n.Describe())
		return "", false
	}
	if !registryKey.MatchString(below) || len(below) > maxRegistryKey {
		p.r.At(n, wantRegistryKey, "registry: key is %s", n.Describe())
		return "", false
	}
	return below, true
}

// registryValue reads a value: a whole number is a REG_DWORD, or a REG_QWORD where it does not fit, a text a REG_SZ, a list of
// texts a REG_MULTI_SZ, as in the configuration's parameters; or the type is named.
func (p *caseParser) registryValue(n *node, what string) (registryValue, bool) {
	kind := ""
	value := n
	switch n.Kind {
	case strictyaml.MappingKind:
		if len(n.Pairs) != 1 {
			p.r.At(n, wantRegistry, "%s is %s", what, n.Describe())
			return registryValue{}, false
		}
		kind, value = n.Pairs[0].Key.Text, n.Pairs[0].Value
	case strictyaml.SequenceKind:
		kind = "list"
	default:
		kind = "text"
		switch {
		case n.WholeNumber():
			kind = "number"
		case n.Doubt != "": // a number, perhaps: quotes alone would make it a text
			p.r.At(n, wantRegistryNumber, "%s is %s, which without quotes is %s", what, n.Text, n.Doubt)
			return registryValue{}, false
		case n.Plain && n.Tag != "!!str":
			p.r.At(n, wantRegistry+"; a text in quotes", "%s is %s", what, n.Describe())
			return registryValue{}, false
		}
	}
	return p.registryTyped(n, value, kind, what)
}

func (p *caseParser) registryTyped(n, value *node, kind, what string) (registryValue, bool) {
	refuse := func(want string) (registryValue, bool) {
		p.r.At(value, want, "%s: %s is %s", what, kind, value.Describe())
		return registryValue{}, false
	}
	switch kind {
	case "number", "dword", "qword":
		most := uint64(math.MaxUint64)
		if kind == "dword" {
			most = math.MaxUint32
		}
		number, ok := p.r.Number(value, what+": "+kind, 0, most)
		if !ok {
			return registryValue{}, false
		}
		if kind == "dword" || kind == "number" && number <= math.MaxUint32 {
			return registryValue{uint32(RegDword), binary.LittleEndian.AppendUint32(nil, uint32(number))}, true
		}
		return registryValue{uint32(RegQword), binary.LittleEndian.AppendUint64(nil, number)}, true
	case "text", "expand":
		text, ok := p.r.Raw(value, what+": "+kind)
		if !ok {
			return registryValue{}, false
		}
		if strings.ContainsRune(text, 0) || len(text) > abi.PlanGenericBytes/4 {
			return refuse("a text")
		}
		return registryValue{map[string]uint32{"text": uint32(RegText), "expand": regExpand}[kind], utf16Bytes(text + "\x00")}, true
	case "list":
		return p.registryList(value, what)
	case "hex":
		data, err := hex.DecodeString(strings.ReplaceAll(value.Text, " ", ""))
		if value.Kind != strictyaml.ScalarKind || err != nil || len(data) > abi.PlanGenericBytes/2 {
			return refuse("pairs of hexadecimal digits, in quotes where they could be a number")
		}
		return registryValue{uint32(RegBinary), data}, true
	}
	p.r.At(n, wantRegistry, "%s has %q", what, kind)
	return registryValue{}, false
}

func (p *caseParser) registryList(n *node, what string) (registryValue, bool) {
	if n.Kind != strictyaml.SequenceKind {
		p.r.At(n, "a list of texts", "%s is %s", what, n.Describe())
		return registryValue{}, false
	}
	text := ""
	for _, item := range n.Items {
		one, ok := p.r.Raw(item, what)
		if !ok {
			return registryValue{}, false
		}
		if one == "" || strings.ContainsRune(one, 0) {
			p.r.At(item, "a text that is not empty: an empty one ends such a list", "%s has %s", what, item.Describe())
			return registryValue{}, false
		}
		text += one + "\x00"
	}
	if len(text) > abi.PlanGenericBytes/4 {
		p.r.At(n, "a shorter list", "%s has %d characters", what, len(text))
		return registryValue{}, false
	}
	return registryValue{uint32(RegMulti), utf16Bytes(text + "\x00")}, true
}

func utf16Bytes(text string) []byte {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, unit)
	}
	return data
}

// text is what UTF-16 says, up to its last NULs.
func (v registryValue) text() string {
	units := make([]uint16, len(v.data)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(v.data[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}

// String says type and value: "REG_DWORD 5". The bytes may be a guest's.
func (v registryValue) String() string {
	name := fmt.Sprintf("type %d", v.kind)
	for _, one := range registryTypes() {
		if one.code == uint64(v.kind) {
			name = one.name
		}
	}
	switch {
	case v.kind == uint32(RegDword) && len(v.data) == 4:
		return fmt.Sprintf("%s %d", name, binary.LittleEndian.Uint32(v.data))
	case v.kind == uint32(RegQword) && len(v.data) == 8:
		return fmt.Sprintf("%s %d", name, binary.LittleEndian.Uint64(v.data))
	case (v.kind == uint32(RegText) || v.kind == regExpand) && len(v.data)%2 == 0:
		return name + " " + quoteShort(v.text())
	case v.kind == uint32(RegMulti) && len(v.data)%2 == 0:
		return name + " " + quoteShort(strings.ReplaceAll(v.text(), "\x00", "|"))
	}
	return name + " " + hexBytes(v.data)
}

// registry judges the value that was read. A text may be kept with its NUL or without, which Windows leaves to whoever writes.
func (j *judgement) registry(want registryValue) {
	o := j.result.Outputs
	if len(j.result.Values) <= abi.PlanValueRegistryBytes {
		j.add(KindReport, "", want.String(), "not reported", "expected "+want.String()+", but the guest did not report the value")
		return
	}
	got := registryValue{uint32(min(j.result.Values[abi.PlanValueRegistryType], math.MaxUint32)), o.Out}
	same := got.kind == want.kind && o.OutBytes == uint64(len(o.Out))
	if want.kind == uint32(RegText) || want.kind == regExpand {
		same = same && len(got.data)%2 == 0 && got.text() == want.text()
	} else {
		same = same && bytes.Equal(got.data, want.data)
	}
	if !same {
		j.add(KindOutput, "", want.String(), got.String(), fmt.Sprintf("expected %s, got %s", want, got))
	}
}

package suites

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf16"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/output"
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
		return registryValue{map[string]uint32{"text": uint32(RegText), "expand": regExpand}[kind], output.UTF16(text + "\x00")}, true
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
	return registryValue{uint32(RegMulti), output.UTF16(text + "\x00")}, true
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
		return name + " " + output.Quote(v.text())
	case v.kind == uint32(RegMulti) && len(v.data)%2 == 0:
		return name + " " + output.Quote(strings.ReplaceAll(v.text(), "\x00", "|"))
	}
	return name + " " + output.Hex(v.data)
}

package suites

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"wskharness/driver/abi"
)

// registryOperations is the step about a value of the registry.
func registryOperations() []operation {
	return []operation{
		agentOperation(operation{name: "registry", code: abi.PlanOpRegistry, read: (*caseParser).registry,
			doc: "Looks at a value of the registry, or changes it until the case is over. A value or a key that is not there is ERROR_FILE_NOT_FOUND.",
			args: []argument{
				{name: "key", kind: argText, doc: "its key, `HKLM\\…` or `HKU\\…`"},
				{name: "name", kind: argRegName, doc: "its name; the key's default value unless given"},
				{name: "parameter", kind: argRegName, doc: "in their place: its name below the key `Parameters` of the driver's service"},
				{name: "equals", kind: argRegistry, doc: "what it has to be: a number (REG_DWORD, or REG_QWORD where it does not fit), a text (REG_SZ), a list of texts (REG_MULTI_SZ), `{hex: 00ff}` (REG_BINARY), or of a type by its name: `{dword: 5}`, `{qword: 5}`, `{text: \"5\"}`, `{expand: \"%TEMP%\"}`, `{list: [a]}`"},
				{name: "set", kind: argRegistry, doc: "what it is made, with its key where there is none"},
				{name: "delete", kind: argBool, slot: 0, flag: abi.PlanRegistryDelete, doc: "it is deleted"},
				{name: "absent", kind: argBool, doc: "there has to be none"},
			},
			values: []value{
				{name: "type", index: abi.PlanValueRegistryType, kind: valueName, names: registryTypes(), doc: "its type"},
				{name: "bytes", index: abi.PlanValueRegistryBytes, doc: "how long it is"},
			}}),
	}
}

// registry reads the step: which value, and what is to be done with it.
func (p *caseParser) registry(in stepReading) {
	s, body, given, words, g := in.step, in.body, in.given, in.words, p.generic(in.step)
	g.bytes = true
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

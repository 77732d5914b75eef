package suites

import (
	"encoding/json"
	"math"
	"strings"

	"wskharness/driver/abi"
	"wskharness/suites/guestversion"
	"wskharness/suites/parameters"
	"wskharness/winerr"
)

// object is a JSON object; encoding/json writes its keys in order, so the schema is the same each
// time.
type object = map[string]any

// JSONSchema returns the JSON Schema (draft 2020-12) of suite files, for editors. What it rejects
// Load rejects too; Load knows more (names that must be declared first, limits that must nest).
func JSONSchema() []byte {
	ops := newVocabulary().ops
	step := object{}
	var one []any
	for i := range ops {
		own := ops[i].joiningAny(ops).schema()
		if first := step[ops[i].name]; first != nil {
			step[ops[i].name] = object{"anyOf": []any{first, own}}
			continue
		}
		step[ops[i].name] = own
		one = append(one, object{"required": []string{ops[i].name}})
	}
	plainStep := func(withLoop bool) object {
		properties, choices := object{}, one
		for name, schema := range step {
			properties[name] = schema
		}
		for name, schema := range commonSchemas() {
			properties[name] = schema
		}
		if withLoop {
			properties[loopKey] = ref("loop")
			choices = append(append([]any(nil), one...), object{"required": []string{loopKey}})
		}
		return object{"type": "object", "properties": properties, "additionalProperties": false, "oneOf": choices}
	}
	steps := func(of string) object {
		return object{"type": "array", "minItems": 1, "items": ref(of)}
	}
	repeat := described(orParameter(object{"type": "integer", "minimum": 1, "maximum": maxRepeat}), "how often each thread runs the steps")
	parallel := described(orParameter(object{"type": "integer", "minimum": 1, "maximum": abi.MaxParallel}), "how many kernel threads run the steps side by side")

	schema := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "wskharness suite",
		"description": "Test cases for a WSK driver, and known issues of guests",
		"type":        "object",
		"properties": object{
			keySuite:    described(ref("name"), "name of the suite"),
			"doc":       described(ref("text"), "what the suite is about"),
			"cases":     object{"type": "array", "minItems": 1, "items": ref("case")},
			keySetUp:    described(steps("step"), "runs before the steps of every case"),
			keyTearDown: described(steps("step"), "runs after the steps of every case, whatever became of them"),
			keyHealth:   described(steps("step"), "runs behind every case and its tear-down, whatever became of them: is what was tested as the next case needs it?"),
			keyOnce: object{"type": "object", "minProperties": 1, "additionalProperties": false,
				"description": "what is done once in each run of the driver that a case of the suite runs in",
				"properties": object{
					keySetUp:    described(steps("step"), "runs before the first case; where it fails, none of them runs"),
					keyTearDown: described(steps("step"), "runs after the last case, whatever became of them"),
				}},
			keyVerifier:    ref("verifier"),
			keyKnownIssues: object{"type": "array", "minItems": 1, "items": ref("known_issue")},
		},
		"additionalProperties": false,
		"dependentRequired": object{keySuite: []string{"doc", "cases"}, "doc": []string{keySuite}, "cases": []string{keySuite},
			keySetUp: []string{keySuite}, keyTearDown: []string{keySuite}, keyHealth: []string{keySuite}, keyOnce: []string{keySuite}, keyVerifier: []string{keySuite}},
		"anyOf": []any{object{"required": []string{keySuite}}, object{"required": []string{keyKnownIssues}}},
		"$defs": object{
			"name":   object{"type": "string", "pattern": parameters.NamePattern},
			"text":   object{"type": []string{"string", "number", "boolean"}, "minLength": 1, "maxLength": maxText},
			"digits": object{"type": []string{"string", "number"}, "examples": []string{"00 ff"}},
			"bytes": object{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
				"properties": object{"hex": ref("digits"), "text": ref("scalar"), "utf16": ref("scalar")}},
			"scalar": object{"type": []string{"string", "number", "boolean"}},
			// A value of a step or of a case may be a parameter, whatever it is otherwise.
			"parameter": object{"type": "string", "pattern": `^\$` + strings.TrimPrefix(parameters.NamePattern, "^"), "description": "a parameter of the case's with"},
			"taken": object{"type": "object", "description": "what an earlier step reported",
				"properties":           object{keyFrom: orParameter(ref("name")), keyValue: orParameter(ref("name"))},
				"required":             []string{keyFrom, keyValue},
				"additionalProperties": false},
			"duration": orParameter(object{"type": "string", "pattern": durationPattern, "examples": []string{"500ms", "2s"}}),
			"wait":     orParameter(object{"type": "string", "pattern": `^(none|infinite|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`, "examples": []string{"none", "infinite", "100ms"}}),
			"version":  orParameter(object{"type": []string{"number", "string"}, "minimum": 0, "maximum": 256, "pattern": versionText.String(), "examples": []any{"1.0"}}),
			"size":     orParameter(object{"type": "string", "pattern": sizeText.String(), "examples": []string{"64KiB"}}),
			"status": object{"anyOf": []any{
				object{"enum": winerr.NTStatusNames()},
				object{"type": "string", "pattern": `^0x[0-9A-Fa-f]{1,8}$`},
				object{"type": "integer", "minimum": 0, "maximum": uint32(math.MaxUint32)}, ref("parameter")}},
			"statuses": object{"anyOf": []any{ref("status"),
				object{"type": "array", "minItems": 1, "maxItems": abi.MaxExpect, "items": ref("status")}}},
			"next":       object{"anyOf": []any{ref("status"), object{"const": wordRefused}}},
			"step":       plainStep(true),
			"plain_step": plainStep(false),
			"loop": object{
				"type":        "object",
				"description": "Runs steps many times, on one thread or on many, in one request to the driver.",
				"properties": object{
					"repeat": repeat, "parallel": parallel,
					"for":     described(ref("duration"), "how long: no thread begins another pass after it"),
					"shared":  object{"type": "boolean", "description": "true: the threads use the same clients and sockets; else each has its own"},
					"timeout": ref("duration"),
					"steps":   steps("plain_step"),
					"choose":  object{"type": "array", "minItems": 2, "items": ref("choice"), "description": "in each pass a thread chooses one of these by chance"},
					"seed":    object{"type": "integer", "minimum": 1, "maximum": uint32(math.MaxUint32), "description": "of the choices; the run's unless given"},
				},
				"oneOf":                []any{object{"required": []string{"steps"}}, object{"required": []string{"choose"}}},
				"additionalProperties": false,
			},
			"choice": object{
				"type": "object",
				"properties": object{
					"weight": object{"type": "integer", "minimum": 1, "maximum": maxWeight, "description": "how often it is chosen, beside the others; 1 unless given"},
					"steps":  steps("plain_step"),
				},
				"required": []string{"steps"}, "additionalProperties": false,
			},
			"case": object{
				"type": "object",
				"properties": object{
					"id":     described(ref("name"), "name of the case in its suite"),
					"doc":    described(ref("text"), "the rule that the case checks, in a sentence"),
					"source": described(ref("text"), "where the rule is written, such as nf-wsk-wskregister"),
					"basis":  enum(bases(), "why the case expects what it expects; documented unless given"),
					"tags":   list("name", "for selection"),
					"requires": object{"type": "array", "minItems": 1, "uniqueItems": true, "description": "capabilities that a guest must have; it is skipped elsewhere",
						"items": orParameter(object{"enum": Capabilities()})},
					keyVerifier: ref("verifier"),
					"misuse":    object{"type": "boolean", "description": "can corrupt a machine: runs only when named"},
					"irql":      enum(irqls(), "where the steps run that may run there"),
					"timeout":   described(ref("duration"), "for its set-up and its steps"),
					"repeat":    repeat, "parallel": parallel,
					parameters.Key: object{
						"type": "object", "minProperties": 1, "propertyNames": ref("name"),
						"additionalProperties": object{"anyOf": []any{ref("scalar"),
							object{"type": "array", "minItems": 1, "uniqueItems": true, "items": ref("scalar")}}},
						"description": "parameters: $name stands for the value; the case runs for every combination of values in lists",
					},
					keySetUp:    described(steps("step"), "runs before the steps, after the suite's"),
					"steps":     steps("step"),
					keyTearDown: described(steps("step"), "runs after the steps, whatever became of them, before the suite's"),
				},
				"required": []string{"id", "doc", "steps"}, "additionalProperties": false,
			},
			"verifier":      verifierSchema(),
			"known_issue":   knownSchema(ops),
			"guest_version": object{"type": []string{"number", "string"}, "pattern": guestversion.Pattern, "examples": []any{"10.0"}},
		},
	}
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic("suites: " + err.Error()) // maps of strings and numbers always marshal
	}
	return append(data, '\n')
}

func commonSchemas() object {
	schemas := object{
		keyName: ref("name"), keyExpect: ref("statuses"), keyWithin: ref("duration"),
		keyNextOn:  object{"anyOf": []any{ref("next"), object{"type": "array", "minItems": 1, "maxItems": abi.MaxExpect, "items": ref("next")}}},
		keyAtLeast: ref("duration"), keyTimeout: ref("duration"),
		keyRecord: object{"anyOf": []any{object{"type": "boolean"}, object{"type": "array", "uniqueItems": true, "items": ref("name")}, ref("parameter")}},
		keyMisuse: orParameter(object{"type": "boolean"}),
		keyRepeat: orParameter(object{"type": "integer", "minimum": 1, "maximum": maxRepeat}),
	}
	for _, k := range commonKeys() {
		described(schemas[k.name].(object), k.doc)
	}
	return schemas
}

// schema is what may stand inside a step of the operation.
func (o *operation) schema() object {
	properties := object{}
	var required []string
	for _, a := range o.args {
		schema := kindSchema(a.kind, a.max, a.names)
		if a.told != "" {
			schema = orTaken(schema)
		}
		properties[a.name] = described(schema, a.doc)
		if a.required {
			required = append(required, a.name)
		}
	}
	if o.starts {
		properties[entryKey] = object{"type": "array", "minItems": 1, "items": ref("plain_step"), "description": "what DriverEntry does"}
	}
	if o.thread {
		properties["thread"] = described(orParameter(ref("name")), "start the operation on this thread, and go on")
	}
	if len(o.contexts) > 1 {
		var names []string
		for _, c := range o.contexts {
			names = append(names, c.name)
		}
		properties["at"] = described(orParameter(object{"enum": names}), "where the call runs")
	}
	for _, f := range o.forms() {
		highest := uint64(math.MaxUint32)
		if f.part != whole {
			highest = 255
		}
		schema := kindSchema(f.kind(), highest, f.value.names)
		if o.executor == byDriver && f.takes() {
			schema = orTaken(schema)
		}
		properties[f.name] = described(schema, "check: "+f.doc)
	}
	schema := object{"type": "object", "description": o.doc, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	} else {
		schema["type"] = []string{"object", "null"}
	}
	if o.scalar != "" {
		return object{"description": o.doc, "anyOf": []any{properties[o.scalar], schema}}
	}
	return schema
}

func knownSchema(ops []operation) object {
	actual := object{"status": described(ref("statuses"), "what the step returns there"),
		keyFailed: object{"type": "array", "minItems": 1, "items": ref("text"), "description": "of a program with a report: the tests that fail there, by their names in it"}}
	for _, o := range ops {
		for _, v := range o.values {
			if v.kind != valueTime {
				exact := checkForm{value: v, compare: abi.EQ}
				actual[v.name] = described(kindSchema(exact.kind(), math.MaxUint32, v.names), v.doc)
			}
		}
	}
	return object{
		"type": "object",
		"properties": object{
			"guest": described(object{"type": "string", "pattern": guestKindPattern}, "the kind of guest that deviates: "+wantGuestKind),
			guestversion.KeySeen: object{"type": "array", "minItems": 2, "maxItems": 2, "items": ref("guest_version"),
				"description": "the first and the last version of the guest on which it was seen; a newer one is expected to deviate, too"},
			guestversion.KeyFixed: described(ref("guest_version"), "the version of the guest from which on it does not deviate any more"),
			"case":                described(ref("text"), "suite.case"),
			"step":                described(ref("text"), "the operation, or the name of the step, that deviates"),
			"actual":              object{"type": "object", "minProperties": 1, "properties": actual, "additionalProperties": false, "description": "exactly how it deviates"},
			"reason":              described(ref("text"), "why"),
			"source":              described(ref("text"), "where that is known from"),
		},
		"required": []string{"guest", "case", "step", "actual", "reason"}, "additionalProperties": false,
		"dependentRequired": object{guestversion.KeyFixed: []string{guestversion.KeySeen}},
	}
}

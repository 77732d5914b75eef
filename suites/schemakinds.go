package suites

import (
	"math"

	"wskharness/driver/abi"
)

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

// orParameter admits $name beside what the schema is of.
func orParameter(schema object) object { return object{"anyOf": []any{schema, ref("parameter")}} }

// orTaken admits an earlier step's value beside what the schema is of.
func orTaken(schema object) object { return object{"anyOf": []any{schema, ref("taken")}} }

func described(schema object, doc string) object {
	schema["description"] = doc
	return schema
}

func list(of, doc string) object {
	return object{"type": "array", "minItems": 1, "items": ref(of), "uniqueItems": true, "description": doc}
}

func wordsOf(names []named) []string {
	var all []string
	for _, n := range names {
		all = append(all, n.name)
	}
	return all
}

func enum(names []named, doc string) object {
	return described(orParameter(object{"enum": wordsOf(names)}), doc)
}

func kindSchema(kind argKind, highest uint64, names []named) object {
	switch kind {
	case argBool, argSwitch:
		return orParameter(object{"type": "boolean"})
	case argText, argPath, argLocal:
		return orParameter(ref("text"))
	case argFileName:
		return orParameter(object{"type": "string", "pattern": fileName.String()})
	case argTexts:
		return object{"type": "array", "minItems": 1, "maxItems": maxArguments, "items": object{"type": []string{"string", "number", "boolean"}}}
	case argData:
		return object{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
			"properties": object{"hex": ref("digits"), "text": ref("scalar"), "utf16": ref("scalar"), "file": orParameter(ref("text"))}}
	case argPattern:
		part := object{"anyOf": []any{ref("scalar"), ref("bytes")}}
		return object{"anyOf": []any{ref("bytes"), object{"type": "object", "required": []string{"contains"}, "additionalProperties": false,
			"properties": object{"contains": object{"anyOf": []any{part, object{"type": "array", "minItems": 1, "items": part}}}}}}}
	case argControlCode:
		return orParameter(object{"anyOf": []any{object{"type": "integer", "minimum": 0, "maximum": uint32(math.MaxUint32)},
			object{"type": "string", "pattern": `^CTL_CODE\s*\(.*\)$`, "examples": []string{"CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)"}}}})
	case argEnv:
		return object{"type": "object", "minProperties": 1, "propertyNames": object{"pattern": variableName.String()},
			"additionalProperties": object{"type": []string{"string", "number", "null"}}}
	case argInput:
		return object{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
			"properties": object{"hex": ref("digits"), "text": ref("scalar"), "utf16": ref("scalar"), "file": ref("text")}}
	case argRegName:
		return orParameter(object{"type": []string{"string", "number"}, "maxLength": registryNameMost})
	case argRegistry:
		typed := func(name string, of object) object {
			return object{"type": "object", "required": []string{name}, "properties": object{name: of}, "additionalProperties": false}
		}
		texts := object{"type": "array", "items": object{"type": []string{"string", "number", "boolean"}}}
		number := object{"type": []string{"integer", "string"}}
		return object{"anyOf": []any{object{"type": []string{"string", "integer"}}, texts, typed("dword", number), typed("qword", number),
			typed("text", ref("scalar")), typed("expand", ref("scalar")), typed("list", texts), typed("hex", object{"type": []string{"string", "integer"}})}}
	case argTags:
		return object{"type": "array", "minItems": 1, "maxItems": maxPoolTags, "uniqueItems": true, "items": object{"type": "string", "pattern": poolTag.String()}}
	case argExit:
		one := object{"type": "integer", "minimum": math.MinInt32, "maximum": highest}
		return orParameter(object{"anyOf": []any{one, object{"type": "array", "minItems": 1, "maxItems": maxExits, "items": one}}})
	case argOutput:
		return object{"type": "object", "minProperties": 1, "additionalProperties": false, "properties": object{
			"equals": ref("scalar"), "matches": ref("text"),
			"contains": object{"anyOf": []any{ref("scalar"), object{"type": "array", "minItems": 1, "items": ref("scalar")}}}}}
	case argVersions:
		return object{"type": "array", "minItems": 2, "maxItems": 2, "items": ref("version")}
	case argVersion:
		return ref("version")
	case argWait:
		return ref("wait")
	case argDuration:
		return ref("duration")
	case argSize:
		return ref("size")
	case argClient, argThread, argSocket, argMaking, argHandle, argOpening:
		return orParameter(ref("name"))
	case argClients:
		return object{"type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": true, "items": orParameter(ref("name"))}
	case argName:
		return orParameter(object{"enum": wordsOf(names)})
	case argNumbers:
		return object{"type": "array", "maxItems": abi.MaxArgs, "items": kindSchema(argNumber, highest, nil)}
	case argSlots:
		return object{"type": "array", "minItems": 1, "items": object{"enum": wordsOf(names)}}
	case argStatus:
		return ref("status")
	}
	return orParameter(object{"type": "integer", "minimum": 0, "maximum": highest})
}

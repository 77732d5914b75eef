package config

import (
	"encoding/json"

	"wskharness/settings"
	"wskharness/vm"
)

// Schema is the JSON Schema (draft 2020-12) of wskharness.yaml, for editors. It is made of the rows by which files are read.
func Schema(kinds []vm.Kind) []byte {
	p := &parser{kinds: kinds, config: &Config{}}
	keys := p.keys()
	schema := keys.Schema()
	schema["$schema"], schema["title"] = "https://json-schema.org/draft/2020-12/schema", Name
	definitions := settings.Definitions()
	for _, kind := range kinds {
		form := kind.Form()
		form.Keys.Keys = append([]settings.Key{{
			Name: "provider", Must: "the kind of machine", Value: settings.Value{Schema: settings.Object{"const": kind.Name}},
		}}, form.Keys.Keys...)
		definitions[kind.Name] = form.Keys.Schema()
	}
	schema["$defs"] = definitions
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // there is nothing in it but texts, numbers, lists and mappings
	}
	return append(text, '\n')
}

// targetsSchema is a mapping of names to machines of any kind.
func targetsSchema(kinds []vm.Kind) settings.Object {
	var one []any
	for _, kind := range kinds {
		one = append(one, settings.Refer(kind.Name))
	}
	return settings.Object{
		"type": "object", "minProperties": 1,
		"propertyNames":        settings.Object{"pattern": targetName.String()},
		"additionalProperties": settings.Object{"oneOf": one},
	}
}

package harness

import (
	_ "embed"
	"maps"
	"slices"
)

//go:embed config.schema.json
var configSchema []byte

// ConfigSchema is the JSON Schema of wskharness.yaml, for editors.
func ConfigSchema() []byte { return slices.Clone(configSchema) }

func sortedDefines(defines map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(defines)) {
		all = append(all, name+"="+defines[name])
	}
	return all
}

package suites

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// compiledSchema is the schema as a library by others understands it.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("suite.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("suite.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asEditor reads YAML as an editor does, into plain values.
func asEditor(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSchemaAcceptsBuiltin(t *testing.T) {
	schema := compiledSchema(t)
	for _, source := range append(Builtin(), exampleSuites(t)...) {
		if err := schema.Validate(asEditor(t, source.Data)); err != nil {
			t.Errorf("%s: %v", source.Name, err)
		}
	}
}

// exampleSuites are those of the examples, whose drivers are not the sample.
func exampleSuites(t testing.TB) []Source {
	t.Helper()
	names, err := filepath.Glob("../examples/*/suites/*.yaml")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d suites of examples, %v", len(names), err)
	}
	var all []Source
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Source{Name: name, Data: data})
	}
	return all
}

// TestSchemaRejects holds the schema to the mistakes that a schema can express, and to nothing that
// Load accepts.
func TestSchemaRejects(t *testing.T) {
	schema := compiledSchema(t)
	rejected := 0
	for _, test := range slices.Concat(mistakeTable(), matrixMistakes(), genericMistakes(), deviceMistakes(), takenMistakes()) {
		if !test.schema {
			continue
		}
		rejected++
		t.Run(test.name, func(t *testing.T) {
			if schema.Validate(asEditor(t, []byte(test.text))) == nil {
				t.Errorf("accepted:\n%s", test.text)
			}
		})
	}
	if rejected < 30 {
		t.Errorf("only %d mistakes are marked as the schema's", rejected)
	}
}

func TestSchemaIsTheSameEachTime(t *testing.T) {
	if !bytes.Equal(JSONSchema(), JSONSchema()) {
		t.Error("two calls differ")
	}
}

func TestBuiltinListIsComplete(t *testing.T) {
	files, err := filepath.Glob("builtin/*")
	if err != nil {
		t.Fatal(err)
	}
	sources := Builtin()
	if len(files) != len(sources) {
		t.Errorf("%d files in builtin, %d sources: %v", len(files), len(sources), files)
	}
	for _, s := range sources {
		if data, err := os.ReadFile(s.Name); err != nil || !bytes.Equal(data, s.Data) || !s.Builtin {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

package wskharness_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"wskharness/config"
	"wskharness/suites"
	"wskharness/vm/kinds"
)

// jsonName is a name of JSON, in camel case, with its options; or none; or an annotation of OData, whose words others have
// chosen (Redfish), as they have those of QEMU's monitor.
var jsonName = regexp.MustCompile(`^(-|[a-z][a-zA-Z0-9]*)?(,(omitempty|omitzero|string))*$|^[A-Za-z.]*[@#][A-Za-z.]+$|^(node-name|rd_bytes|wr_bytes)$`)

// TestJSONIsInCamelCase holds all that the program writes and reads as JSON to one case, by the tags of the product's structs.
func TestJSONIsInCamelCase(t *testing.T) {
	tags := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			if name, ok := reflect.StructTag(tag).Lookup("json"); ok {
				tags++
				if !jsonName.MatchString(name) {
					t.Errorf("%s: %q is not in camel case", set.Position(field.Tag.Pos()), name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || tags < 300 {
		t.Errorf("%d tags were found: %v", tags, err)
	}
}

// yamlKey is a key of YAML, in snake case.
var yamlKey = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// TestYAMLIsInSnakeCase holds all that a person writes to another case, by the schemas of it.
func TestYAMLIsInSnakeCase(t *testing.T) {
	for _, schema := range [][]byte{suites.JSONSchema(), config.Schema(kinds.All())} {
		var whole map[string]any
		if err := json.Unmarshal(schema, &whole); err != nil {
			t.Fatal(err)
		}
		keys := 0
		var walk func(any)
		walk = func(node any) {
			switch node := node.(type) {
			case []any:
				for _, one := range node {
					walk(one)
				}
			case map[string]any:
				properties, _ := node["properties"].(map[string]any)
				for key := range properties {
					if keys++; !yamlKey.MatchString(key) {
						t.Errorf("the key %q is not in snake case", key)
					}
				}
				for _, one := range node {
					walk(one)
				}
			}
		}
		walk(whole)
		if keys < 20 {
			t.Errorf("%d keys were found", keys)
		}
	}
}

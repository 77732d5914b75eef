package driverrun

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFoldIsPure reads this package's own sources: what a driver run comes to depends on nothing but what it is told.
func TestFoldIsPure(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	pure := []string{"fmt", "maps", "slices", "strings", "time", "wskharness/guest", "wskharness/guest/journal", "wskharness/results", "wskharness/suites", "wskharness/suites/output", "wskharness/driver/abi", "wskharness/vm", "wskharness/winerr"}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		seen++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range file.Imports {
			if path := strings.Trim(one.Path.Value, `"`); !slices.Contains(pure, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := call.X.(*ast.Ident); ok && of.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}, call.Sel.Name) {
				t.Errorf("%s looks at a clock: time.%s", name, call.Sel.Name)
			}
			return true
		})
	}
	if seen < 8 {
		t.Errorf("only %d files were read", seen)
	}
}

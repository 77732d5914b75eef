package suites

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOperationIsARow: what is special to an operation is in its row, and nothing else asks which one a step is of. Beside the
// files of rows, whose names end in operations.go, no opcode is named, and none is read but to write a plan.
func TestOperationIsARow(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	opcode := regexp.MustCompile(`^(Plan)?Op[A-Z]`)
	rows, read := 0, 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, _ := selector.X.(*ast.Ident)
			switch {
			case from != nil && from.Name == "abi" && opcode.MatchString(selector.Sel.Name) && strings.HasSuffix(name, "operations.go"):
				rows++
			case from != nil && from.Name == "abi" && opcode.MatchString(selector.Sel.Name):
				t.Errorf("%s: abi.%s: say in the operation's row what is special to it", positions.Position(selector.Pos()), selector.Sel.Name)
			case selector.Sel.Name == "code" && isSelector(selector.X, "op"):
				read++
			}
			return true
		})
	}
	if ops := operations(); rows != len(ops) {
		t.Errorf("opcodes are named %d times in the files of rows, for %d operations: each belongs into its row, and there alone", rows, len(ops))
	}
	if read != 1 {
		t.Errorf("a step's opcode is read in %d places: only the plan needs it", read)
	}
}

func isSelector(x ast.Expr, name string) bool {
	selector, ok := x.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == name
}

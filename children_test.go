package wskharness_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// starters are what starts a program, or hands on this process's whole environment, by package.
var starters = map[string][]string{
	"os/exec":               {"Command", "CommandContext", "Cmd{}"},
	"os":                    {"StartProcess", "ProcAttr{}", "Environ"},
	"syscall":               {"ForkExec", "StartProcess", "Exec", "Environ"},
	"golang.org/x/sys/unix": {"Exec", "Environ"},
}

// TestOneWayToStartPrograms holds the module to package child: what is started elsewhere inherits the passwords of all
// targets, unless somebody thinks of it. Tests may do as they like.
func TestOneWayToStartPrograms(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	inChild := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, name := range p.GoFiles {
			for _, found := range startersIn(t, filepath.Join(p.Dir, name)) {
				if room(p.ImportPath) == "child" {
					inChild++
					continue
				}
				t.Errorf("%s: programs are started with child.Command, and get their environment from child.Environment", found)
			}
		}
	}
	if inChild != 3 {
		t.Errorf("package child has %d of them, not 3: is anything found at all?", inChild)
	}
}

// startersIn are the places of a file that start programs by themselves.
func startersIn(t *testing.T, path string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{} // by the name that the package has in this file
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := imported[strings.LastIndex(imported, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if found, ok := starters[imported]; ok {
			known[name] = found
		}
	}
	var places []string
	check := func(n ast.Expr, suffix string) {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if from, ok := selector.X.(*ast.Ident); ok && slices.Contains(known[from.Name], selector.Sel.Name+suffix) {
			places = append(places, set.Position(n.Pos()).String()+": "+from.Name+"."+selector.Sel.Name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			check(n, "") // called, or kept in a variable to be called
		case *ast.CompositeLit:
			check(n.Type, "{}")
		case *ast.CallExpr: // new(exec.Cmd)
			if of, ok := n.Fun.(*ast.Ident); ok && of.Name == "new" && len(n.Args) == 1 {
				check(n.Args[0], "{}")
			}
		}
		return true
	})
	return places
}

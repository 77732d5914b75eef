package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const includeDir = "../../../../driver/include"

// TestCurrent holds the package to the headers: a number that is changed in a header alone does not go unnoticed.
func TestCurrent(t *testing.T) {
	want, err := fromHeaders(includeDir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../abi.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("driver/abi/abi.go is not what the headers in driver/include say: run go generate ./driver/abi")
	}
}

func TestNames(t *testing.T) {
	for c, want := range map[string]string{
		"WSKT_OP_REGISTER": "OpRegister", "WSKP_OP_RUN": "PlanOpRun", "WSKT_V_NPI_SAME_CLIENT": "ValueNPISameClient", "WSKT_ABI": "ABI",
		"WSKT_VALUE_MAX_NS": "ValueMaxNS", "WSKP_UNLOAD": "PlanUnload", "WSKT_SOCKET_NULL_IRP": "SocketNullIRP", "WSKT_EQ": "EQ",
	} {
		if got := exported(c); got != want {
			t.Errorf("%s is %s, want %s", c, got, want)
		}
	}
}

// TestUnreadable has the generator refuse what it would otherwise leave out, or make something else of.
func TestUnreadable(t *testing.T) {
	for text, want := range map[string]string{
		"enum { WSKT_A = 1, WSKT_B };":                           `"WSKT_B };" is none of`,
		"enum { WSKT_A = 1":                                      `"WSKT_A = 1" is none of`,
		"#define WSKT_A sizeof(WSKT_STEP)\nint x;":               `"x" is outside of braces`,
		"#define WSKT_A \"text\"\n":                              "which is no number",
		"#define WSKT_A\n":                                       "has no value",
		"enum { WSKT_A = 1,":                                     "a brace is never closed",
		"#define WSKT_A 1.5\n":                                   "which is no number",
		"#define WSKT_V_A 1\n#define WSKT_VALUE_A 2\n":           "WSKT_V_A and WSKT_VALUE_A would both be ValueA",
		"typedef struct WSKT_A {\n UINT32 *Next;\n} WSKT_A;":     `"UINT32 *Next;" is none of`,
		"typedef struct WSKT_STEP {\n PVOID Next;\n} WSKT_STEP;": "Next of WSKT_STEP is a PVOID, which Go does not write",
		"enum { WSKT_A /* first */ = 1 };":                       `"WSKT_A /* first */ = 1 };" is none of`,
	} {
		all, err := parse("x.h", text)
		if err == nil {
			_, err = write(all)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestCompilerAgrees has the compiler that builds driver and agent evaluate every number, and lay out every structure.
// encoding/binary writes a structure without padding, so the C side must not have any either.
func TestCompilerAgrees(t *testing.T) {
	t.Parallel()
	const compiler = "x86_64-w64-mingw32-gcc"
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("%s is not installed: nothing compares numbers and layout with what a compiler makes of the headers", compiler)
	}
	asserts := assertions(t)
	if n := strings.Count(asserts, "_Static_assert"); n < 320 {
		t.Fatalf("only %d numbers are compared", n)
	}
	compile := func(source string) error {
		cmd := exec.Command(compiler, "-Wall", "-Werror", "-fsyntax-only", "-I", includeDir, "-x", "c", "-")
		cmd.Stdin = strings.NewReader("#include <stddef.h>\n#include \"wskplan.h\"\n" + source)
		output, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	}
	refused := make(chan error)
	go func() {
		refused <- compile(strings.Replace(asserts, "sizeof(WSKT_STEP) == ", "sizeof(WSKT_STEP) == 1", 1))
	}()
	if err := compile(asserts); err != nil {
		t.Error(err)
	}
	if <-refused == nil {
		t.Error("the compiler accepts a wrong size: the proof proves nothing")
	}
}

// assertions are what a C compiler has to agree to, about every name of the package.
func assertions(t *testing.T) string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "../../abi.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("abi", files, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	sizes := types.SizesFor("gc", "amd64")
	assert := func(of string, want any) { fmt.Fprintf(&b, "_Static_assert(%s == %v, %q);\n", of, want, of) }
	for _, d := range declared(t) {
		for _, c := range d.constants {
			assert("(unsigned long long)("+c.name+")", pkg.Scope().Lookup(exported(c.name)).(*types.Const).Val().ExactString()+"ull")
		}
		if d.structure == "" {
			continue
		}
		object := pkg.Scope().Lookup(exported(d.structure))
		if object == nil {
			continue // Go does not encode it
		}
		s := object.Type().Underlying().(*types.Struct)
		offset := int64(0)
		for i := range s.NumFields() {
			assert(fmt.Sprintf("offsetof(%s, %s)", d.structure, s.Field(i).Name()), offset)
			offset += sizes.Sizeof(s.Field(i).Type())
		}
		assert("sizeof("+d.structure+")", offset)
	}
	return b.String()
}

func declared(t *testing.T) []declaration {
	t.Helper()
	var all []declaration
	for _, name := range []string{"wskabi.h", "wskplan.h"} {
		text, err := os.ReadFile(filepath.Join(includeDir, name))
		if err != nil {
			t.Fatal(err)
		}
		found, err := parse(name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

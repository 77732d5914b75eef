package driver

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// What no other file uses is static, where the compiler tells whether its own file does: so nothing is left in an image
// that nobody calls.
func TestEveryFunctionIsCalled(t *testing.T) {
	unused := map[string]int{} // a file that is shared between images may be used in one of them only
	images := map[string]int{}
	for _, spec := range []Spec{SampleSpec(nil), ModelSpec(nil), AgentSpec()} {
		for _, file := range sources(t, spec) {
			images[file.path]++
		}
		for _, name := range usedNowhereElse(sources(t, spec), spec.Dirs, "DriverEntry", "wmain") {
			unused[name]++
		}
	}
	for name, count := range unused {
		file, _, _ := strings.Cut(name, ":")
		if count == images[file] {
			t.Errorf("%s is used in no other file: make it static, or remove it", name)
		}
	}
}

func TestUsedNowhereElse(t *testing.T) {
	files := sources(t, Spec{Name: "x.exe", Dirs: []string{"."}, Includes: []string{"include"}, Sources: fstest.MapFS{
		"a.h":           {Data: []byte("int Used(void);\nint Dead(int);\nextern const int Row, Spare;\nstatic inline int Inline(void)\n{\n    return ByHeader();\n}\n")},
		"a.c":           {Data: []byte("__asm static int Own(void)\n{\n}\n\nint Used(void)\n{\n}\n\nint ByHeader(void)\n{\n}\n\nint Dead(int A,\n         int B)\n{\n    Dead(1, 2);\n}\n\nint Api(void)\n{\n}\n\nint Short(void) { return 1; }\n\nconst int Row = 1;\nconst int Spare = 2;\n")},
		"include/api.h": {Data: []byte("int Api(void);\n")},
		"b.c":           {Data: []byte("/* Dead, Spare */\nint main(void)\n{\n    return Used() + Row;\n}\n")},
	}})
	if diff := cmp.Diff([]string{"a.c:Dead", "a.c:Short", "a.c:Spare"}, usedNowhereElse(files, []string{"."}, "main")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func sources(t *testing.T, spec Spec) []sourceFile {
	t.Helper()
	files, err := spec.readSources()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	comment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	// As clang-format lays them out: what begins a line is at file scope.
	definition  = regexp.MustCompile(`(?m)^[A-Za-z_][\w *]*?\b(\w+)(?:\([^;{}]*\)\s\{|(?:\[[^\]\n]*\])* = )`)
	declaration = regexp.MustCompile(`(?m)^[A-Za-z_][\w *]*?\b\w+\([^;{}]*\);|^extern [^;]*;`)
	local       = regexp.MustCompile(`^[^(=]*\bstatic `)
	identifier  = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
)

// usedNowhereElse are the functions and variables, but for entries, that are there for other files and that no other
// file names; a declaration is no use, but for one in a header that is not in the folders: that is of an interface.
func usedNowhereElse(files []sourceFile, folders []string, entries ...string) (unused []string) {
	users := map[string][]string{} // of a name, the files
	texts := map[string]string{}
	for _, file := range files {
		text := comment.ReplaceAllString(string(file.content), "")
		if file.compiled() {
			texts[file.path] = text
		}
		calls := string(file.content)
		if slices.Contains(folders, path.Dir(file.path)) {
			calls = declaration.ReplaceAllString(text, "")
		}
		seen := map[string]bool{}
		for _, name := range identifier.FindAllString(calls, -1) {
			if !seen[name] {
				users[name] = append(users[name], file.path)
			}
			seen[name] = true
		}
	}
	for file, text := range texts {
		for _, match := range definition.FindAllStringSubmatch(text, -1) {
			if local.MatchString(match[0]) || slices.Contains(entries, match[1]) {
				continue
			}
			if !slices.ContainsFunc(users[match[1]], func(user string) bool { return user != file }) {
				unused = append(unused, fmt.Sprintf("%s:%s", file, match[1]))
			}
		}
	}
	slices.Sort(unused)
	return unused
}

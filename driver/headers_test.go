package driver

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// annotatedFolders are those whose headers say of each routine at which IRQL it may be called, in the kit's words.
var annotatedFolders = append(SampleSpec(nil).Dirs, "model")

// No two files of the driver need each other, and each of its headers is of the file of its name.
func TestHeadersOfTheDriver(t *testing.T) {
	spec := SampleSpec(nil)
	for _, wrong := range slices.Concat(circles(t, spec.Sources, spec.Dirs),
		declaredElsewhere(t, spec.Sources, spec.Dirs), unannotated(t, spec.Sources, annotatedFolders)) {
		t.Error(wrong)
	}
	if n := len(declarations(t, spec.Sources, annotatedFolders)); n < 100 {
		t.Errorf("found %d declarations: want those of all headers", n)
	}
}

func TestWhatIsWrongWithHeaders(t *testing.T) {
	const low, said = "top/low.h", "_IRQL_requires_max_(DISPATCH_LEVEL) "
	sources := fstest.MapFS{
		low:         {Data: []byte("#include \"high.h\"\n" + said + "VOID Mine(_Out_ PKIRQL Irql);\nVOID Theirs(VOID); /* at { any; IRQL */\n")},
		"top/low.c": {Data: []byte("#include \"low.h\"\nVOID Mine(PKIRQL Irql)\n{\n}\n\nstatic VOID Theirs(VOID)\n{\n}\n")},
		"top/high.h": {Data: []byte("typedef struct A {\n    int B;\n} A;\n" + said + "typedef VOID ROUTINE(A *B);\ntypedef VOID OTHER(A *B);\n" +
			"ROUTINE One,\n    Two;\nOTHER Three;\nextern const A Four;\nstatic inline VOID Here(VOID)\n{\n    Mine();\n}\n#define M(X) \\\n    Mine(X);\n")},
		"top/high.c": {Data: []byte("#include \"low.h\"\nVOID Theirs(VOID) { Mine(); }\n\nVOID One(A *B)\n{\n}\n\nVOID Two(A *B) { Mine(); }\nVOID Three(A *B)\n{\n}\nconst A Four = {1};\n")},
	}
	folders := []string{"top"}
	for what, test := range map[string]struct{ got, want []string }{
		"circles":     {circles(t, sources, folders), []string{"high and low include each other"}},
		"elsewhere":   {declaredElsewhere(t, sources, folders), []string{low + " declares Theirs: want it defined in low.c"}},
		"unannotated": {unannotated(t, sources, folders), []string{"top/high.h: Three: want its IRQL, by _IRQL_requires_max_ or its like", low + ": Theirs: want its IRQL, by _IRQL_requires_max_ or its like"}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
}

func filesOf(t *testing.T, sources fs.FS, folders []string) []sourceFile {
	t.Helper()
	files, err := (Spec{Sources: sources, Dirs: folders}).readSources()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stem is what a header and the file behind it have in common.
func stem(name string) string { return strings.TrimSuffix(path.Base(name), path.Ext(name)) }

// circles tells which files need each other: a header counts as one with the file of its name.
func circles(t *testing.T, sources fs.FS, folders []string) (wrong []string) {
	t.Helper()
	needs := map[string]map[string]bool{}
	for _, file := range filesOf(t, sources, folders) {
		from := stem(file.path)
		if needs[from] == nil {
			needs[from] = map[string]bool{}
		}
		for _, match := range include.FindAllStringSubmatch(string(file.content), -1) {
			if to := stem(match[1]); to != from {
				needs[from][to] = true
			}
		}
	}
	for again := true; again; { // until all that is needed over others is known as well
		again = false
		for _, direct := range needs {
			for to := range maps.Clone(direct) {
				for further := range needs[to] {
					again = again || !direct[further]
					direct[further] = true
				}
			}
		}
	}
	for _, a := range slices.Sorted(maps.Keys(needs)) {
		for _, b := range slices.Sorted(maps.Keys(needs[a])) {
			if a < b && needs[b][a] {
				wrong = append(wrong, fmt.Sprintf("%s and %s include each other", a, b))
			}
		}
	}
	return wrong
}

// declared is what a header says of something that a file defines.
type declared struct {
	header, name string
	routine      bool // and not data
	annotated    bool // with an IRQL
}

var (
	noCode       = regexp.MustCompile(`(?s)/\*.*?\*/|(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*`)
	block        = regexp.MustCompile(`\{[^{}]*\}`)
	annotation   = regexp.MustCompile(`\b_[A-Z]\w*_\b(?:\((?:[^()]|\([^()]*\))*\))?`)
	prototype    = regexp.MustCompile(`^[\w\s*]*?(\w+)\s*\(`)
	functionType = regexp.MustCompile(`^typedef\s+\w[\w\s*]*?[\s*](\w+)\(`)
	kitType      = regexp.MustCompile(`^(DRIVER_\w+|IO_COMPLETION_ROUTINE|KSTART_ROUTINE)$`) // annotated in the kit
	data         = regexp.MustCompile(`^extern\s[\w\s*]*?(\w+)(?:\[[^\]]*\])?$`)
)

// statements are those of a header at file scope, without what is in braces.
func statements(text string) (all []string) {
	text = noCode.ReplaceAllString(text, "")
	for block.MatchString(text) {
		text = block.ReplaceAllString(text, ";")
	}
	for _, s := range strings.Split(text, ";") {
		all = append(all, strings.Join(strings.Fields(s), " "))
	}
	return all
}

func declarations(t *testing.T, sources fs.FS, folders []string) (all []declared) {
	t.Helper()
	files := filesOf(t, sources, folders)
	types := map[string]bool{} // of functions: whether they are annotated
	for _, file := range files {
		for _, s := range statements(string(file.content)) {
			bare := strings.TrimSpace(annotation.ReplaceAllString(s, ""))
			if match := functionType.FindStringSubmatch(bare); match != nil && !file.compiled() {
				types[match[1]] = strings.Contains(s, "_IRQL_")
			}
		}
	}
	for _, file := range files {
		for _, s := range statements(string(file.content)) {
			bare := strings.TrimSpace(annotation.ReplaceAllString(s, ""))
			first, rest, _ := strings.Cut(bare, " ")
			annotated, known := types[first]
			switch {
			case file.compiled() || first == "typedef" || first == "static" || strings.HasPrefix(first, "C_ASSERT"):
			case known || kitType.MatchString(first):
				for _, name := range strings.Split(rest, ",") {
					all = append(all, declared{file.path, strings.TrimSpace(name), true, annotated || !known})
				}
			case data.MatchString(bare):
				all = append(all, declared{header: file.path, name: data.FindStringSubmatch(bare)[1]})
			case prototype.MatchString(bare):
				all = append(all, declared{file.path, prototype.FindStringSubmatch(bare)[1], true, strings.Contains(s, "_IRQL_")})
			}
		}
	}
	return all
}

var defined = regexp.MustCompile(`(?m)^((?:static )?)[A-Za-z][\w *]*?\b(\w+)(?:\([^;{}]*\)\s\{|(?:\[[^\]\n]*\])? = )`)

// declaredElsewhere tells what headers declare that the file of their name does not define.
func declaredElsewhere(t *testing.T, sources fs.FS, folders []string) (wrong []string) {
	t.Helper()
	home := map[string]string{}
	for _, file := range filesOf(t, sources, folders) {
		for _, match := range defined.FindAllStringSubmatch(string(file.content), -1) {
			if file.compiled() && match[1] == "" {
				home[match[2]] = stem(file.path)
			}
		}
	}
	for _, d := range declarations(t, sources, folders) {
		if home[d.name] != stem(d.header) {
			wrong = append(wrong, fmt.Sprintf("%s declares %s: want it defined in %s.c", d.header, d.name, stem(d.header)))
		}
	}
	return wrong
}

// unannotated tells which routines a header declares without the IRQL at which they may be called.
func unannotated(t *testing.T, sources fs.FS, folders []string) (wrong []string) {
	t.Helper()
	for _, d := range declarations(t, sources, folders) {
		if d.routine && !d.annotated {
			wrong = append(wrong, fmt.Sprintf("%s: %s: want its IRQL, by _IRQL_requires_max_ or its like", d.header, d.name))
		}
	}
	return wrong
}

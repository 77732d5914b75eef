package driver

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// The folders of an image are in the order in which they include each other.
func TestIncludesRunOneWay(t *testing.T) {
	for _, spec := range []Spec{SampleSpec(nil), AgentSpec()} {
		for _, wrong := range includesAgainst(t, spec.Sources, spec.Dirs) {
			t.Errorf("%s: %s", spec.Name, wrong)
		}
	}
}

func TestIncludesAgainst(t *testing.T) {
	sources := fstest.MapFS{
		"base/a.c": {Data: []byte("#include \"a.h\"\n#include \"b.h\"\n#include <windows.h>\n")},
		"base/a.h": {Data: []byte("#include \"elsewhere.h\"\n")},
		"top/b.c":  {Data: []byte("#include \"b.h\"\n#include \"a.h\"\n")},
		"top/b.h":  {},
		"top/a.h":  {},
	}
	want := []string{"base/a.h and top/a.h have one name: say which of them is meant", "base/a.c includes top/b.h, of a folder above its own"}
	if diff := cmp.Diff(want, includesAgainst(t, sources, []string{"base", "top"})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

var include = regexp.MustCompile(`(?m)^\s*#\s*include\s+"([^"]+)"`)

// includesAgainst tells which files include a header of a folder that comes behind their own in the list.
func includesAgainst(t *testing.T, sources fs.FS, folders []string) (wrong []string) {
	t.Helper()
	home := map[string]string{} // of each header, by its name, which is how it is included
	files, err := (Spec{Sources: sources, Dirs: folders}).readSources()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := path.Base(file.path)
		if other, taken := home[name]; taken && !file.compiled() {
			wrong = append(wrong, fmt.Sprintf("%s and %s have one name: say which of them is meant", other, file.path))
			continue
		}
		home[name] = file.path
	}
	for _, file := range files {
		for _, match := range include.FindAllStringSubmatch(string(file.content), -1) {
			header, ours := home[match[1]]
			if ours && slices.Index(folders, path.Dir(header)) > slices.Index(folders, path.Dir(file.path)) {
				wrong = append(wrong, fmt.Sprintf("%s includes %s, of a folder above its own", file.path, header))
			}
			if strings.Contains(match[1], "/") {
				wrong = append(wrong, fmt.Sprintf("%s includes %s: a header is named without its folder", file.path, match[1]))
			}
		}
	}
	return wrong
}

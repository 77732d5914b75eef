package wskharness_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// house is all that the repository has by name: files, folders, and the identifiers of its sources.
type house struct {
	paths       map[string]bool // of files and folders, from the root
	names       map[string]bool // of files, without their folders
	sources     map[string]string
	identifiers map[string]bool
}

var word = regexp.MustCompile(`[A-Za-z_]\w*`)

// openHouse reads the repository as it is on the disk, without what is made there.
func openHouse(t *testing.T) *house {
	t.Helper()
	h := &house{paths: map[string]bool{}, names: map[string]bool{}, sources: map[string]string{}, identifiers: map[string]bool{}}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (name == ".git" || name == "bin" || name == "wskharness-runs") {
			return filepath.SkipDir
		}
		h.paths[filepath.ToSlash(name)] = true
		if d.IsDir() {
			return nil
		}
		h.names[d.Name()] = true
		if !slices.Contains([]string{".go", ".c", ".h", ".md", ".yaml"}, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(name)
		h.sources[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range h.sources {
		if path.Ext(name) == ".md" {
			continue
		}
		for _, identifier := range word.FindAllString(text, -1) {
			h.identifiers[identifier] = true
		}
	}
	return h
}

// packageOf is the text of the package that documents call by that name; empty: there is none.
func (h *house) packageOf(name string) (text string) {
	for file, source := range h.sources {
		if path.Ext(file) == ".go" && path.Base(path.Dir(file)) == name {
			text += source
		}
	}
	return text
}

var (
	quoted    = regexp.MustCompile("`([^`\n]+)`")
	pathLike  = regexp.MustCompile(`^[\w.*…-]+(/[\w.*-]+)*/?$`)
	qualified = regexp.MustCompile(`^([a-z]\w*)\.([A-Z]\w*)(\.\w+)*$`)
)

// missing says why what a document quotes is not there; empty: it is, or is nothing of the repository's.
func (h *house) missing(quote string) string {
	if m := qualified.FindStringSubmatch(quote); m != nil {
		text := h.packageOf(m[1])
		declared := regexp.MustCompile(`(?m)^\s*(func|type|const|var)? ?(\([^)]*\) )?` + m[2] + `\b`)
		switch {
		case text == "": // of Go's own library
		case !declared.MatchString(text):
			return "package " + m[1] + " declares no " + m[2]
		case m[3] != "" && !h.identifiers[strings.TrimPrefix(m[3], ".")]:
			return "nothing is called " + m[3]
		}
		return ""
	}
	if !pathLike.MatchString(quote) || strings.Contains(quote, "…") {
		return ""
	}
	name := strings.TrimSuffix(quote, "/")
	top, _, below := strings.Cut(name, "/")
	if slices.Contains([]string{"suites/mine.yaml", "*.c"}, name) {
		return "" // what a user has
	}
	source := slices.Contains([]string{".go", ".c", ".h"}, path.Ext(name))
	switch {
	case !below && !source, below && !source && !h.paths[top]:
		return ""
	case !below && h.names[name]:
		return ""
	}
	for there := range h.paths {
		if ok, _ := path.Match(name, there); ok || source && strings.HasSuffix(there, "/"+name) {
			return ""
		}
	}
	return "there is no such file or folder"
}

// TestDocumentsNameWhatIsThere holds what documents quote of the repository, files, folders and identifiers, to it.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	h := openHouse(t)
	for file, text := range h.sources {
		if path.Ext(file) != ".md" || path.Dir(file) != "docs" && path.Dir(file) != "." {
			continue
		}
		for n, line := range strings.Split(text, "\n") {
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				if why := h.missing(m[1]); why != "" {
					t.Errorf("%s:%d: `%s`: %s", file, n+1, m[1], why)
				}
			}
		}
	}
}

// TestDrawingOfTheHouse holds the drawing in docs/architecture.md to the folders that there are.
func TestDrawingOfTheHouse(t *testing.T) {
	h := openHouse(t)
	_, rest, _ := strings.Cut(h.sources["docs/architecture.md"], "```\n")
	drawing, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("docs/architecture.md has no drawing")
	}
	parent := ""
	for line := range strings.Lines(drawing) {
		nested := strings.HasPrefix(line, "  ")
		for _, field := range strings.Fields(line) {
			name, folder := strings.CutSuffix(field, "/")
			if !folder {
				break
			}
			if nested {
				name = path.Join(parent, name)
			} else {
				parent = name
			}
			if !h.paths[name] {
				t.Errorf("the drawing has %s, and there is no such folder", name)
			}
		}
	}
}

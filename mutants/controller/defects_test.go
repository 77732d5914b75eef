package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDefects holds the table to what it is about: each defect can be made, and the test that has to notice it is there.
func TestDefects(t *testing.T) {
	root := filepath.Join("..", "..")
	all, err := readDefects(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("%d defects", len(all))
	}
	names := map[string]bool{}
	for _, d := range all {
		if names[d.Name] || d.Name == "" {
			t.Errorf("%q is there twice, or has no name", d.Name)
		}
		names[d.Name] = true
		pkg, test := d.where()
		test, _, _ = strings.Cut(test, "/")
		if !hasTest(t, filepath.Join(root, pkg), test) {
			t.Errorf("%s: there is no %s in %s", d.Name, test, pkg)
		}
	}
}

func hasTest(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + test + `\(t \*testing\.T\)`).Match(text) {
			return true
		}
	}
	return false
}

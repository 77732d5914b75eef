package suites

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//go:generate go test . -run TestReferenceIsCurrent -update

var update = flag.Bool("update", false, "write the steps into docs/suites.md")

const stepsHeading = "# The steps\n\n"

// TestReferenceIsCurrent holds the page that people read to the table that the loader works with.
func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.Join("..", "docs", "suites.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	intro, steps, found := strings.Cut(string(page), stepsHeading)
	if !found {
		t.Fatalf("%s has no heading %q", path, stepsHeading)
	}
	var want bytes.Buffer
	if err := reference(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(intro+stepsHeading+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), steps); diff != "" {
		t.Errorf("docs/suites.md has other steps than the table: run go generate ./suites:\n%s", diff)
	}
}

// TestPageExamples loads what the page shows: a block that begins a suite begins a file, and the others go on with it.
func TestPageExamples(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "suites.md"))
	if err != nil {
		t.Fatal(err)
	}
	var files []Source
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		if strings.HasPrefix(block[1], "suite:") {
			files = append(files, Source{Name: fmt.Sprintf("suites.md, %d", len(files)+1)})
		}
		last := &files[len(files)-1]
		last.Data = append(last.Data, block[1]...)
	}
	catalog, err := Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.All()[0]
	if len(c.Steps) != 8 || len(catalog.Known("wine", "10.0", c)) != 1 {
		t.Errorf("%d steps, known issues %v", len(c.Steps), catalog.Known("wine", "10.0", c))
	}
}

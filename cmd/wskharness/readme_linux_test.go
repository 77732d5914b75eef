package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/driver/drivertest"
)

// TestReadme does what the README says, in its order: its YAML is written to the file that its first line
// names, its shell lines are run. Its console block is checked to be of this program.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	shared := sharedCache(t)
	cache := filepath.Join(dir, "cache")
	if err := drivertest.Share(shared, filepath.Join(cache, "wskharness"), "wine/templates"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endGuests(filepath.Join(cache, "wskharness")) })
	work := filepath.Join(dir, "work")
	if err := os.MkdirAll(filepath.Join(work, "suites"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "README.md"), readme, 0o644); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, block := range fence.FindAllStringSubmatch(string(readme), -1) {
		language, text := block[1], block[2]
		seen[language]++
		switch language {
		case "yaml":
			first, _, _ := strings.Cut(text, "\n")
			name, ok := strings.CutPrefix(first, "# ")
			if !ok || !filepath.IsLocal(name) {
				t.Fatalf("a YAML block that does not begin with the name of its file: %s", first)
			}
			if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		case "sh":
			cmd := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", text)
			cmd.Dir = work
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "LAB1_PASSWORD=x", exitFile+"=")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		case "console":
			if !strings.HasPrefix(text, "$ make run\n") {
				t.Errorf("the console block does not show `make run`")
			}
		default:
			t.Errorf("a block in %s that nothing checks", language)
		}
	}
	if seen["sh"] < 5 || seen["yaml"] < 3 {
		t.Errorf("the blocks that were found: %v", seen)
	}
	if left := processesOf(cache); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"wskharness/config"
	"wskharness/harness"
	"wskharness/vm/kinds"
)

// option is a line of YAML in a comment; prose has no colon behind its first word, or begins with a capital.
var option = regexp.MustCompile(`^( *)# ( *)([a-z0-9_]+:.*)$`)

// parts are the blocks of init/wskharness.yaml that stand in comments, each as the numbers of its lines: what a reader takes out of its
// comment in one go.
func parts(lines []string) [][]int {
	var all [][]int
	last := -2
	for i, line := range lines {
		if !option.MatchString(line) {
			continue
		}
		if i != last+1 {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], i)
		last = i
	}
	return all
}

// TestInitHoldsInAnyCombination: whichever parts of the configuration are taken out of their comments, the rest being left,
// it is a configuration without a mistake, that plans a run.
func TestInitHoldsInAnyCombination(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	from, err := fs.Sub(initFiles, "init")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writeNew(from); err != nil {
		t.Fatal(err)
	}
	initial, err := os.ReadFile(config.Name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(initial), "\n")
	blocks := parts(lines)
	if len(blocks) < 7 || len(blocks) > 12 {
		t.Fatalf("%d parts stand in comments: %v", len(blocks), blocks)
	}
	// What stands below lab1, in parts of its own, needs it.
	lab := -1
	for i, block := range blocks {
		if strings.Contains(lines[block[0]], "lab1:") {
			lab = i
		}
	}
	tried := 0
	for set := range 1 << len(blocks) {
		text := make([]string, len(lines))
		copy(text, lines)
		whole := true
		for i, block := range blocks {
			if set>>i&1 == 0 {
				continue
			}
			for _, line := range block {
				m := option.FindStringSubmatch(lines[line])
				text[line] = m[1] + m[2] + m[3]
			}
			ofLab := strings.HasPrefix(text[block[0]], "    ")
			whole = whole && (!ofLab || set>>lab&1 == 1)
		}
		if !whole {
			continue
		}
		tried++
		path := filepath.Join(dir, config.Name)
		if err := os.WriteFile(path, []byte(strings.Join(text, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(kinds.All(), path, dir)
		if err != nil {
			t.Fatalf("%s\n%v", strings.Join(text, "\n"), err)
		}
		if set%16 != 0 && set != 1<<len(blocks)-1 {
			continue // the catalogue is the same in all of them, and takes its time
		}
		if err := plans(c); err != nil && runtime.GOOS == "linux" { // elsewhere no run can be planned on the Wine guest in it
			t.Fatalf("%s\n%v", strings.Join(text, "\n"), err)
		}
	}
	if tried < 1<<(len(blocks)-3) {
		t.Errorf("%d combinations were tried", tried)
	}
}

func plans(c *config.Config) error {
	catalog, err := c.Catalog()
	if err != nil {
		return err
	}
	if err := harness.Check(c, catalog); err != nil {
		return err
	}
	plan, err := harness.NewPlan(harness.Request{Config: c})
	if err == nil && len(plan.Cases) == 0 {
		err = fmt.Errorf("no case in it")
	}
	return err
}

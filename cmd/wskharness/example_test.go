package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExampleReadme holds the example's README to the script that runs it: every command of the one is in the other.
func TestExampleReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(filepath.Join("..", ".."), "examples", "reverse", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "example.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range fence.FindAllStringSubmatch(string(readme), -1) {
		if block[1] != "sh" {
			continue
		}
		for line := range strings.Lines(block[2]) {
			commands++
			if !strings.Contains(string(script), "\nexec "+line) {
				t.Errorf("the script does not run %s", line)
			}
		}
	}
	if commands < 5 {
		t.Errorf("the README has only %d commands", commands)
	}
}

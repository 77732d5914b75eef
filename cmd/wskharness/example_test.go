package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// copyExample brings a folder of examples/ into the script's, without what was built or run in it.
func copyExample(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: example NAME")
	}
	from := os.DirFS(filepath.Join(filepath.Join("..", ".."), "examples", args[0]))
	to := ts.MkAbs(args[0])
	ts.Check(fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"out", "wskharness-runs"}, path):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		data, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), data, 0o644)
	}))
}

// TestExampleReadme holds each example's README to the script that runs it: every command of the one is in the other.
func TestExampleReadme(t *testing.T) {
	for name, script := range map[string]string{"reverse": "example.txtar", "mailbox": "mailbox.txtar"} {
		t.Run(name, func(t *testing.T) {
			readme, err := os.ReadFile(filepath.Join(filepath.Join("..", ".."), "examples", name, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			script, err := os.ReadFile(filepath.Join("testdata", script))
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
			if commands < 4 {
				t.Errorf("the README has only %d commands", commands)
			}
		})
	}
}

// fence is a fenced block of Markdown: its language, and its lines.
var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

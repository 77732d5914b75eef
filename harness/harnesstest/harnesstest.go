// Package harnesstest lets tests make whole runs on Wine guests of their own, where there are such, and read what runs came to.
package harnesstest

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"wskharness/config"
	"wskharness/results"
	"wskharness/vm/kinds"
)

// ParseConfig is config.Parse with all kinds of machines.
func ParseConfig(data []byte, name, dir string) (*config.Config, error) {
	return config.Parse(kinds.All(), data, name, dir)
}

// LoadConfig is config.Load with all kinds of machines.
func LoadConfig(path, dir string) (*config.Config, error) { return config.Load(kinds.All(), path, dir) }

// NeedsWineGuests skips a test that plans a run on one, where there can be none.
func NeedsWineGuests(t *testing.T) {
	t.Helper()
	for _, kind := range kinds.All() {
		if kind.Name == "wine" && kind.Absent != nil {
			t.Skip(kind.Absent)
		}
	}
}

// Config is a configuration with a Wine target, in a folder of its own with the files that it names.
func Config(t *testing.T, more string, files map[string]string) *config.Config {
	t.Helper()
	NeedsWineGuests(t)
	dir := t.TempDir()
	all := map[string]string{}
	maps.Copy(all, files)
	all[config.Name] = "targets: {wine: {provider: wine}}\n" + more
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config, err := LoadConfig("", dir)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// Outcomes are the final outcomes of a record, by case.
func Outcomes(rec *results.Record) map[string]results.Outcome {
	all := map[string]results.Outcome{}
	for _, t := range rec.Targets {
		for _, c := range t.Cases {
			all[c.Name] = c.Final
		}
	}
	return all
}

// ReasonOf is all that a record says of a case.
func ReasonOf(rec *results.Record, name string) string {
	for _, t := range rec.Targets {
		for i := range t.Cases {
			if t.Cases[i].Name == name {
				return name + ": " + t.Cases[i].Words()
			}
		}
	}
	return name + " is not in the record"
}

// Summary is what the run of a folder says of itself, for whoever has to find out what went wrong.
func Summary(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "summary.md"))
	journal, _ := os.ReadFile(filepath.Join(dir, results.JournalName))
	return string(text) + string(journal)
}

// Package config is wskharness.yaml: where to run, what to test there, and within which time. A file is read whole, and
// everything that is wrong in it is told at its place:
//
//	c, err := config.Load(kinds.All(), "", ".") // the nearest file, or the embedded default
//	target := c.Target("wine")
//	schema := config.Schema(kinds.All())        // for editors, from the rows by which files are read
//
// What a target may say beside its provider, its kind of machine knows (package vm).
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// Name is the file that is looked for in the current folder and those above it.
const Name = "wskharness.yaml"

//go:embed default.yaml
var defaultConfig []byte

// Config is a configuration, checked. Paths in it are absolute.
type Config struct {
	Path     string // of the file; empty for the embedded default
	Dir      string // from which relative paths in it count
	Targets  []Target
	Suites   []string          // files and folders with suites of the user's own
	Out      string            // folder in which run folders are made
	Defines  map[string]string // of the sample driver
	External *External         // the driver to test; nil: the sample
	Run      Defaults
	Limits   Limits

	said references // where the file says what only the catalogue can tell to be wrong
}

// Defaults is what `run` does where the command line does not say.
type Defaults struct {
	Targets []string
	Suites  []string // selection patterns; empty: everything
}

// Target is one configured machine. As JSON it has only what the file says of it: see [Config.Define].
type Target struct {
	Name    string
	Said    *strictyaml.Node // the mapping of the file
	Kind    vm.Kind          `json:"-"`
	Machine vm.Definition    `json:"-"`
}

// define makes the machine of what was said, and reports whether that can be; what is wrong is in r.
func (t *Target) define(r *settings.Reader, kinds []vm.Kind) bool {
	m, ok := r.Mapping(t.Said, "target "+t.Name)
	if !ok {
		return false
	}
	var names []string
	for _, kind := range kinds {
		names = append(names, kind.Name)
	}
	n := m.Need("provider", "provider: "+strings.Join(names, " or "))
	if n == nil {
		return false
	}
	word, ok := r.OneOf(n, "provider", names...)
	if !ok {
		return false
	}
	t.Kind = kinds[slices.Index(names, word)]
	form := t.Kind.Form()
	given := form.Keys.Read(r, m)
	t.Machine = form.Define(r, given)
	return true
}

// Check says what is wrong with the files that the target names, as a *settings.UsageError.
func (t *Target) Check() error {
	if t.Machine.Check == nil {
		return nil
	}
	if err := t.Machine.Check(); err != nil {
		return settings.Usagef("target %s: %w", t.Name, err)
	}
	return nil
}

// Here says why the target can't be used from this system, as a *settings.UsageError.
func (t *Target) Here() error {
	if t.Kind.Absent == nil {
		return nil
	}
	return settings.Usagef("target %s: %w", t.Name, t.Kind.Absent)
}

// Load reads the configuration at path, or, where path is empty, the nearest one above dir, or the embedded default, of
// targets of some kinds. Everything that is wrong in the file comes back together, as strictyaml.Mistakes.
func Load(kinds []vm.Kind, path, dir string) (*Config, error) {
	if path == "" {
		found, err := find(dir)
		if err != nil {
			return nil, err
		}
		path = found
	}
	if path == "" {
		return Parse(kinds, defaultConfig, "default configuration", dir)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, settings.Usagef("read the configuration: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	config, err := Parse(kinds, data, settings.DisplayPath(path), filepath.Dir(absolute))
	if err != nil {
		return nil, err
	}
	config.Path = absolute
	return config, nil
}

// find looks for the nearest file; "" where there is none.
func find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, Name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for a configuration: %w", err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// Parse reads a configuration, which mistakes call name, fills in what it does not say, and validates it. Relative paths
// count from dir.
func Parse(kinds []vm.Kind, data []byte, name, dir string) (*Config, error) {
	p := &parser{
		Reader: &settings.Reader{Reporter: strictyaml.NewReporter(name), Dir: dir}, kinds: kinds,
		config: &Config{Dir: dir, Out: filepath.Join(dir, "wskharness-runs"), Defines: map[string]string{}},
	}
	if root := strictyaml.Parse(data, p.Reporter); root != nil {
		p.root(root)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return p.config, nil
}

// Define makes the machines of a configuration that was kept as JSON, as the record of a run keeps it, where the file may
// have changed since.
func (c *Config) Define(kinds []vm.Kind) error {
	r := &settings.Reader{Reporter: strictyaml.NewReporter(c.Source()), Dir: c.Dir}
	for i := range c.Targets {
		t := &c.Targets[i]
		if t.Said == nil {
			return settings.Usagef("target %s was recorded by another version of wskharness, which this one can't read: run the cases again", t.Name)
		}
		t.define(r, kinds)
	}
	return r.Err()
}

// Target returns the target of a name, or nil.
func (c *Config) Target(name string) *Target {
	for i := range c.Targets {
		if c.Targets[i].Name == name {
			return &c.Targets[i]
		}
	}
	return nil
}

// TargetNames lists all targets in the order of the file.
func (c *Config) TargetNames() []string {
	var names []string
	for _, t := range c.Targets {
		names = append(names, t.Name)
	}
	return names
}

// Startable is the target of a name that can be brought up and left up, or, without a name, the first of them.
func (c *Config) Startable(name string) (*Target, error) {
	for i := range c.Targets {
		t := &c.Targets[i]
		switch startable := t.Kind.List != nil; {
		case t.Kind.Absent != nil && (name == "" || name == t.Name):
			return nil, t.Here()
		case startable && (name == "" || name == t.Name):
			return t, nil
		case name == t.Name:
			return nil, settings.Usagef("target %s is a machine that is always there: the harness does not bring it up", name)
		}
	}
	if name == "" {
		return nil, settings.Usagef("%s has no target that the harness can bring up", c.Source())
	}
	return nil, c.NoTarget(name)
}

// NoTarget says that there is no target of a name, as a *settings.UsageError.
func (c *Config) NoTarget(name string) error {
	return settings.Usagef("no target %q in %s%s", name, c.Source(), strictyaml.Hint(name, c.TargetNames()))
}

// Source names the configuration in messages.
func (c *Config) Source() string {
	if c.Path == "" {
		return "the default configuration"
	}
	return settings.DisplayPath(c.Path)
}

// SecretVariables are the environment variables that have passwords of targets.
func (c *Config) SecretVariables() []string {
	var names []string
	for _, t := range c.Targets {
		names = append(names, t.Machine.Secrets.Variables...)
	}
	return names
}

// Environment is what a program gets of this process's environment: no password of any target, also of those that a
// run has nothing to do with.
func (c *Config) Environment(also []string) child.Environment {
	return child.Environment{Also: also, Never: c.SecretVariables()}
}

// Redactor knows the passwords of all targets. One that can't be read is not known: whoever needs it says why.
func (c *Config) Redactor(getenv func(string) string) *remote.Redactor {
	var known []remote.Secret
	for _, t := range c.Targets {
		if values := t.Machine.Secrets.Values; values != nil {
			known = append(known, values(getenv)...)
		}
	}
	return remote.NewRedactor(known...)
}

package harness

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"wskharness/strictyaml"
)

// ConfigName is the file that is looked for in the current folder and those above it.
const ConfigName = "wskharness.yaml"

//go:embed default.yaml
var defaultConfig []byte

// Config is a configuration, checked. Paths in it are absolute.
type Config struct {
	Path    string // of the file; empty for the embedded default
	Targets []Target
	Suites  []string          // files and folders with suites of the user's own
	Out     string            // folder in which run folders are made
	Defines map[string]string // of the sample driver
	Own     *OwnDriver        // the driver to test; nil: the sample
	Run     Defaults
	Limits  Limits

	said references // where the file says what only the catalogue can tell to be wrong
}

// Defaults is what `run` does where the command line does not say.
type Defaults struct {
	Targets []string
	Suites  []string // selection patterns; empty: everything
}

// Provider names a way to come by a machine.
type Provider string

// The providers that a target can have.
const (
	ProviderWine   Provider = "wine"
	ProviderStatic Provider = "static"
)

// Target is one configured machine. Of Wine and Static the one that Provider names is set.
type Target struct {
	Name     string
	Provider Provider
	Wine     *WineTarget
	Static   *StaticTarget
}

// WineTarget is an embedded guest.
type WineTarget struct {
	Netio string // a netio.sys to use instead of Wine's own; empty: Wine's own
	Model bool   // the model of the harness (driver/model) instead of Wine's own
	// Control says that Netio can be controlled as the model is (driver/include/wskcontrol.h).
	Control bool
	// ModelDefines are preprocessor names for building the model: see driver/model/defects.h.
	ModelDefines map[string]string
}

// OwnNetio reports whether the guest has Wine's own provider.
func (w *WineTarget) OwnNetio() bool { return w.Netio == "" && !w.Model }

// StaticTarget is a machine that answers WinRM and that the harness can neither start nor revert. It reboots it
// where nothing else helps.
type StaticTarget struct {
	URL          string
	User         string
	PasswordEnv  string // name of an environment variable
	PasswordFile string
	Auth         string // "basic" or "ntlm"
	Certificate  string // SHA-256 of the only certificate that is accepted, in hexadecimal
	CAFile       string // PEM, or one certificate in DER; empty: the system's
	AllowPlain   bool   // Basic over HTTP: password and everything else in the clear

	Reset       []string      // a program of this machine, with its arguments, that turns it off and on; may be empty
	ResetEnv    []string      // environment variables that this program gets beyond what every one gets
	ResetWithin time.Duration // how long it may take until it is up again; 10 minutes when zero
}

// LoadConfig reads the configuration at path, or, where path is empty, the nearest one above dir,
// or the embedded default. Everything that is wrong in the file comes back together, as
// strictyaml.Mistakes.
func LoadConfig(path, dir string) (*Config, error) {
	if path == "" {
		found, err := findConfig(dir)
		if err != nil {
			return nil, err
		}
		path = found
	}
	if path == "" {
		return parseConfig(defaultConfig, "default configuration", dir)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &UsageError{Err: fmt.Errorf("read the configuration: %w", err)}
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	config, err := parseConfig(data, displayPath(path), filepath.Dir(absolute))
	if err != nil {
		return nil, err
	}
	config.Path = absolute
	return config, nil
}

func findConfig(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, ConfigName)
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

// parseConfig reads, fills in what is not said, and validates. Relative paths count from dir.
func parseConfig(data []byte, name, dir string) (*Config, error) {
	p := &configParser{Reporter: strictyaml.NewReporter(name), dir: dir}
	c := &Config{Out: filepath.Join(dir, "wskharness-runs"), Defines: map[string]string{}}
	if root := strictyaml.Parse(data, p.Reporter); root != nil {
		p.root(root, c)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return c, nil
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

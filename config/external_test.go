package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"wskharness/child"
	"wskharness/driver"
	"wskharness/suites"
	"wskharness/vm/kinds"
)

// externalFolder has the files of a driver that is ready.
func externalFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"echo.sys", "echo.inf", "echo.cat", "echo.pdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExternalDriver(t *testing.T) {
	dir := externalFolder(t)
	for name, test := range map[string]struct {
		text string
		want External
	}{
		"ready": {"{sys: echo.sys}", External{File: filepath.Join(dir, "echo.sys"), Service: suites.Service{Name: "echo", Start: suites.StartDemand}}},
		"all of a ready one": {
			"{sys: echo.sys, inf: echo.inf, cat: echo.cat, pdb: echo.pdb, service: Echo-2, start: boot, depends: [netio, tcpip], " +
				"parameters: {Depth: 3, Large: 0x100000000, Name: some text, Names: [a, b], Key: {hex: '00 ff'}}}",
			External{
				File: filepath.Join(dir, "echo.sys"), INF: filepath.Join(dir, "echo.inf"), Catalog: filepath.Join(dir, "echo.cat"), PDB: filepath.Join(dir, "echo.pdb"),
				Service: suites.Service{
					Name: "Echo-2", Start: suites.StartBoot, Depends: []string{"netio", "tcpip"},
					Parameters: []suites.Parameter{
						{Name: "Depth", Kind: suites.RegDword, Values: []string{"3"}},
						{Name: "Large", Kind: suites.RegQword, Values: []string{"4294967296"}},
						{Name: "Name", Kind: suites.RegText, Values: []string{"some text"}},
						{Name: "Names", Kind: suites.RegMulti, Values: []string{"a", "b"}},
						{Name: "Key", Kind: suites.RegBinary, Values: []string{"00ff"}},
					},
				},
			}},
		"built": {"{source: ., build: [make, -s], build_within: 30s, sys: out/x.sys}", External{
			File: filepath.Join(dir, "out", "x.sys"), Sign: true, Build: &driver.Command{Dir: dir, Args: []string{"make", "-s"}, Limit: 30 * time.Second},
			Service: suites.Service{Name: "x", Start: suites.StartDemand},
		}},
		"built with variables": {"{source: ., build: [make], build_env: [CROSS_COMPILE, _TOKEN2], sys: x.sys}", External{
			File: filepath.Join(dir, "x.sys"), Sign: true, Build: &driver.Command{Dir: dir, Args: []string{"make"}, Limit: defaultBuildLimit,
				Environment: child.Environment{Also: []string{"CROSS_COMPILE", "_TOKEN2"}}},
			Service: suites.Service{Name: "x", Start: suites.StartDemand},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			text := "targets: {wine: {provider: wine}}\ndriver: " + test.text + "\n"
			c, err := parseConfig([]byte(text), "c.yaml", dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, c.External); diff != "" {
				t.Error(diff)
			}
			if err := configSchemaCompiled(t).Validate(plainYAML(t, text)); err != nil {
				t.Errorf("the schema refuses it: %v", err)
			}
		})
	}
}

func TestExternalDriverMistakes(t *testing.T) {
	dir := externalFolder(t)
	for name, test := range map[string]struct {
		text, want string
		schema     bool // the schema refuses it, too
	}{
		"not there":          {"{sys: gone.sys}", "c.yaml:2:15: sys: there is no file " + filepath.Join(dir, "gone.sys") + " (expected a file, or source and build that make it)", false},
		"ending":             {"{sys: echo.inf}", `c.yaml:2:15: sys is "echo.inf" (expected a file with the ending .sys)`, true},
		"with defines":       {"{sys: echo.sys, defines: {A: 1}}", "c.yaml:2:34: defines are of the sample driver, and sys is another one", true},
		"key alone":          {"{service: x}", "c.yaml:2:19: service without a driver of your own (expected sys: the driver's file beside it)", true},
		"misspelt":           {"{sys: echo.sys, servce: x}", `c.yaml:2:25: unknown key "servce" in driver; did you mean "service"?`, true},
		"build alone":        {"{sys: echo.sys, build: [make]}", "c.yaml:2:32: build without source", true},
		"source alone":       {"{sys: echo.sys, source: .}", "c.yaml:2:33: source is of use to a build only, and no command builds the driver", true},
		"no folder":          {"{sys: echo.sys, source: gone, build: [make]}", "c.yaml:2:33: source: " + filepath.Join(dir, "gone") + " is not an existing folder (expected a folder)", false},
		"empty build":        {"{sys: echo.sys, source: ., build: []}", "build is an empty list (expected a list of at least one)", true},
		"build's time":       {"{sys: echo.sys, source: ., build: [make], build_within: 3h}", "build_within is 3h (expected whole milliseconds from 1ms to 2h)", false},
		"build_env alone":    {"{sys: echo.sys, build_env: [CC]}", "c.yaml:2:36: build_env without build (expected build: [the program, its arguments] beside it)", true},
		"build_env a value":  {"{sys: echo.sys, source: ., build: [make], build_env: [CC=gcc]}", "c.yaml:2:63: build_env has something else (expected the name of an environment variable)", true},
		"build_env twice":    {"{sys: echo.sys, source: ., build: [make], build_env: [CC, CC]}", `c.yaml:2:67: build_env has "CC" twice`, true},
		"build_env empty":    {"{sys: echo.sys, source: ., build: [make], build_env: []}", "build_env is an empty list (expected a list of at least one)", true},
		"build_env no name":  {"{sys: echo.sys, source: ., build: [make], build_env: [CC, '']}", `c.yaml:2:67: an entry of build_env is "", an empty name (expected the name of an environment variable)`, true},
		"build_env blank":    {"{sys: echo.sys, source: ., build: [make], build_env: ['  ']}", `an entry of build_env is "  ", an empty name`, true},
		"build_env nothing":  {"{sys: echo.sys, source: ., build: [make], build_env: [~]}", "an entry of build_env is ~, which without quotes is nothing (expected the name of an environment variable)", true},
		"sys of a device":    {"{sys: con.sys}", `c.yaml:2:15: sys is "con.sys": "con.sys" is the name of a device (expected a name that a file can have in the guest)`, false},
		"cat alone":          {"{sys: echo.sys, cat: echo.cat}", "c.yaml:2:30: cat is the catalogue of an .inf, and the configuration names none", true},
		"cat and sign":       {"{sys: echo.sys, inf: echo.inf, cat: echo.cat, sign: true}", "a signature put into the driver now would make the catalogue wrong (expected sign: false)", false},
		"service":            {"{sys: echo.sys, service: a b}", `c.yaml:2:34: the service's name is "a b"`, true},
		"start":              {"{sys: echo.sys, start: manual}", `start is "manual" (expected one of boot, system, auto, demand)`, true},
		"depends":            {"{sys: echo.sys, depends: [a/b]}", `c.yaml:2:35: depends: "a/b" (expected the name of a service)`, true},
		"parameter's name":   {`{sys: echo.sys, parameters: {'a\b': 1}}`, `c.yaml:2:38: the parameter's name is "a\\b"`, true},
		"parameter's value":  {"{sys: echo.sys, parameters: {a: -1}}", "parameter a is -1 (expected a whole number of at most 64 bits, in decimal without a leading zero", true},
		"parameter's digits": {"{sys: echo.sys, parameters: {a: {hex: 0g}}}", `parameter a: hex is "0g" (expected 1 to 4096 bytes in hexadecimal digits)`, true},
	} {
		t.Run(name, func(t *testing.T) {
			text := "targets: {wine: {provider: wine}}\ndriver: " + test.text + "\n"
			_, err := parseConfig([]byte(text), "c.yaml", dir)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s, and nothing else", err, test.want)
			}
			if refused := configSchemaCompiled(t).Validate(plainYAML(t, text)) != nil; test.schema && !refused {
				t.Error("the schema takes it")
			}
		})
	}
}

func configSchemaCompiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(kinds.All())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// plainYAML reads YAML as an editor does.
func plainYAML(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

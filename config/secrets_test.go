package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labs are two machines with passwords, and a driver that is built.
const labs = `targets:
  one: {provider: static, url: 'https://h', user: u, password_env: ONE_PASSWORD, power: {reset: [ipmitool, power, reset], env: [%RESET%]}}
  two: {provider: static, url: 'https://h', user: u, password_env: LC_PASSWORD}
  three: {provider: static, url: 'https://h', user: u, password_file: pw}
driver: {source: ., build: [make], build_env: [%BUILD%], sys: x.sys}
`

func labsWith(reset, build string) string {
	return strings.NewReplacer("%RESET%", reset, "%BUILD%", build).Replace(labs)
}

// The variables of a program are named in the configuration, and none is a target's password, whichever target's.
func TestVariablesOfPrograms(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		reset, build string
		want         string
		schema       bool // the schema refuses it, too
	}{
		"good":                    {"IPMI_PASSWORD, SSH_AUTH_SOCK", "CROSS_COMPILE", "", false},
		"reset has its password":  {"ONE_PASSWORD", "A", "c.yaml:2:129: ONE_PASSWORD is the password_env of a target, which no program is given (expected a variable of its own)", false},
		"reset has another's":     {"A, LC_PASSWORD", "A", "c.yaml:2:132: LC_PASSWORD is the password_env of a target", false},
		"build has a password":    {"A", "B, ONE_PASSWORD", "c.yaml:5:51: ONE_PASSWORD is the password_env of a target", false},
		"no name":                 {"'A B'", "A", "c.yaml:2:129: env has something else (expected the name of an environment variable)", true},
		"named twice":             {"A, A", "A", `c.yaml:2:132: env has "A" twice`, true},
		"none is named":           {"", "A", "env is an empty list (expected a list of at least one)", true},
		"a list in place of name": {"[A]", "A", "c.yaml:2:129: an entry of env is a list", true},
	} {
		t.Run(name, func(t *testing.T) {
			text := labsWith(test.reset, test.build)
			c, err := parseConfig([]byte(text), "c.yaml", dir)
			if refused := configSchemaCompiled(t).Validate(plainYAML(t, text)) != nil; refused != test.schema {
				t.Errorf("the schema refuses it: %t, want %v", refused, test.schema)
			}
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got  %v\nwant %s, and nothing else", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"ONE_PASSWORD", "LC_PASSWORD"}, c.Environment(nil).Never); diff != "" {
				t.Error(diff)
			}
		})
	}
	alone := "targets: {one: {provider: static, url: 'https://h', user: u, password_file: pw, power: {env: [A]}}}\n"
	if _, err := parseConfig([]byte(alone), "c.yaml", dir); err == nil || !strings.Contains(err.Error(), "c.yaml:1:88: power has no program that does something") {
		t.Error(err)
	}
	if configSchemaCompiled(t).Validate(plainYAML(t, alone)) == nil {
		t.Error("the schema takes env without a program")
	}
}

// All passwords of a configuration are known where something is told, those of machines that are not used as well.
func TestRedactorKnowsAllPasswords(t *testing.T) {
	dir := t.TempDir()
	c, err := parseConfig([]byte(labsWith("A", "A")), "c.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string {
		return map[string]string{"ONE_PASSWORD": "first one", "LC_PASSWORD": "second"}[name]
	}
	if got := c.Redactor(getenv).Text("first one, second, third"); got != "[redacted], [redacted], third" {
		t.Errorf("without the file: %s, want %q", got, "[redacted], [redacted], third")
	}
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("third\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := c.Redactor(getenv).Text("first one, second, third"); got != "[redacted], [redacted], [redacted]" {
		t.Errorf("with the file: %s, want %q", got, "[redacted], [redacted], [redacted]")
	}
}

package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/strictyaml"
	"wskharness/vm/kinds"
)

func parseConfig(data []byte, name, dir string) (*Config, error) {
	return Parse(kinds.All(), data, name, dir)
}

func TestConfigMistakesAllAtOnce(t *testing.T) {
	const text = `targets:
  wine: {provider: wine, nteio: builtin}
  lab:
    provider: static
    url: http://10.0.0.5/wsman
    user: admin
    auth: basic
    password: hunter2
  Bad Name: {provider: vmware}
run:
  targets: [wien]
outt: x
driver: {defines: {A B: 1, LINES: "1\n2", EMPTY: ""}}
`
	_, err := parseConfig([]byte(text), "wskharness.yaml", "/etc")
	want := strings.TrimSpace(`
wskharness.yaml:2:26: unknown key "nteio" in target wine; did you mean "netio"? (expected one of provider, netio, control, model_defines)
wskharness.yaml:5:10: basic over http sends the password in the clear (expected https, or auth: ntlm, or allow_plain: true in so many words)
wskharness.yaml:8:15: a password in the configuration itself (expected password_env: NAME of an environment variable, or password_file: PATH)
wskharness.yaml:9:3: the target's name is "Bad Name" (expected lower-case letters, digits, dots, dashes and underscores)
wskharness.yaml:9:24: provider is "vmware" (expected one of wine, qemu, libvirt, hyperv, static)
wskharness.yaml:11:13: no target "wien"; did you mean "wine"? (expected one of wine, lab)
wskharness.yaml:12:1: unknown key "outt" in the configuration; did you mean "out"? (expected one of targets, suites, out, driver, run, limits)
wskharness.yaml:13:20: the define is "A B" (expected a C identifier)
wskharness.yaml:13:35: the define LINES is "1\n2" (expected a value of one line)`)
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the message repeats the password")
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := Load(kinds.All(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, target := range c.Targets {
		targets = append(targets, target.Name+": "+target.Kind.Name+", "+target.Machine.Description)
	}
	if diff := cmp.Diff([]string{"wine: wine, Wine's own netio.sys", "model: wine, wskharness's model netio.sys"}, targets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Defaults{Targets: []string{"wine"}, Suites: []string{"registration", "capture", "negotiation", "lifecycle", "sockets", "device", "stress", "boot"}}, c.Run); diff != "" {
		t.Error(diff)
	}
}

// TestSchemaTakesWhatIsTaken: an editor marks nothing that the harness reads.
func TestSchemaTakesWhatIsTaken(t *testing.T) {
	schema := configSchemaCompiled(t)
	for _, text := range []string{
		string(defaultConfig),
		"targets: {w: {provider: wine, netio: model, model_defines: {A: 1, B: '', C: x}}}\nout: 5\nsuites: [7, a]\nlimits: {case: 1m05s}\n",
		"targets: {b: {provider: static, url: 'HTTP://[::1]:1', user: 5, password_file: pw, auth: basic, allow_plain: true, power: {reset: [x, -n, 5, true, 1.5], env: [A]}, boot_within: 5m}}\nrun: {targets: [b], suites: [device]}\n",
		"%YAML 1.2\n---\ntargets: &t {w: {provider: wine}}\n",
	} {
		if _, err := parseConfig([]byte(text), "c.yaml", "/etc"); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if text = strings.TrimPrefix(text, "%YAML 1.2\n---\n"); schema.Validate(plainYAML(t, text)) != nil {
			t.Errorf("%s\nthe schema: %v", text, schema.Validate(plainYAML(t, text)))
		}
	}
}

func TestConfigIsFoundUpward(t *testing.T) {
	top := t.TempDir()
	deep := filepath.Join(top, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "targets: {box: {provider: static, url: 'https://h', user: u, password_file: pw, certificate_sha256: '" +
		strings.Repeat("AB:", 31) + "AB'}}\nsuites: [mine]\n"
	if err := os.WriteFile(filepath.Join(top, Name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(kinds.All(), "", deep)
	if err != nil {
		t.Fatal(err)
	}
	if err := disk.Replace(disk.OS(), filepath.Join(top, "pw"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := c.Target("box").Machine.Endpoint(os.Getenv)
	want := remote.Endpoint{URL: "https://h:5986/wsman", User: "u", Password: "s3cret", Auth: remote.AuthNTLM, PinSHA256: strings.Repeat("ab", 32)}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, %v; want %+v", e, err, want)
	}
	if diff := cmp.Diff([]string{filepath.Join(top, "mine")}, c.Suites); diff != "" {
		t.Error(diff)
	}
}

// FuzzConfig: whatever the file says, there is a configuration or a list of mistakes.
func FuzzConfig(f *testing.F) {
	f.Add(defaultConfig)
	f.Add([]byte("targets: {w: {provider: wine}}\ndriver: {source: ., build: [make], sys: a.sys, inf: a.inf, start: boot, depends: [x], parameters: {A: 1, B: [c], D: {hex: '00'}}}\n"))
	f.Add([]byte("targets: {a: {provider: static, url: 'http://x', user: u, password_env: P, auth: ntlm}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data, "f", "/x")
		var mistakes strictyaml.Mistakes
		if (c == nil) == (err == nil) || err != nil && !errors.As(err, &mistakes) {
			t.Fatalf("got %v, %v, want a configuration or its mistakes", c, err)
		}
		if c != nil && len(c.Targets) == 0 {
			t.Fatal("a configuration without a target")
		}
	})
}

func TestLimitsFitInsideEachOther(t *testing.T) {
	for name, test := range map[string]struct{ limits, want string }{
		"not said":      {"", "24h0m0s 12h0m0s 4h0m0s 30m0s 2m0s"},
		"inner fits":    {"{run: 1h}", "1h0m0s 58m0s 56m0s 30m0s 2m0s"},
		"inner shrinks": {"{run: 10m, collect: 1m}", "10m0s 9m0s 8m0s 7m0s 1m0s"},
		"outer grows":   {"{suite: 40h}", "40h4m0s 40h2m0s 40h0m0s 30m0s 2m0s"},
		"all given":     {"{run: 9s, target: 8s, suite: 7s, case: 6s, collect: 1s}", "9s 8s 7s 6s 1s"},
		"a gap":         {"{run: 30m, case: 29m, collect: 10s}", "30m0s 29m50s 29m40s 29m0s 10s"},
		"no time":       {"{case: 0s}", "c.yaml:2:16: case is 0s (expected whole milliseconds from 1ms to 720h)"},
		"no room":       {"{run: 3m}", "c.yaml:2:15: run 3m does not leave 2m to collect evidence beyond what is inside it (expected at least 6m1s)"},
		"all wrong": {"{run: 9s, target: 9s, suite: 9s, case: 9s, collect: 1s, step: 1s}", strings.TrimSpace(`
c.yaml:2:15: run 9s does not leave 1s to collect evidence beyond what is inside it (expected at least 12s)
c.yaml:2:27: target 9s does not leave 1s to collect evidence beyond what is inside it (expected at least 11s)
c.yaml:2:38: suite 9s does not leave 1s to collect evidence beyond what is inside it (expected at least 10s)
c.yaml:2:65: unknown key "step" in limits (expected one of case, suite, target, run, collect)`)},
	} {
		t.Run(name, func(t *testing.T) {
			text := "targets: {wine: {provider: wine}}\n"
			if test.limits != "" {
				text += "limits: " + test.limits + "\n"
			}
			c, err := parseConfig([]byte(text), "c.yaml", "/etc")
			if err != nil {
				if err.Error() != test.want {
					t.Errorf("got\n%v\nwant\n%v", err, test.want)
				}
				return
			}
			l := c.Limits
			if got := fmt.Sprint(l.Run, " ", l.Target, " ", l.Suite, " ", l.Case, " ", l.Collect); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

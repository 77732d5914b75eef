package libvirt

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// define reads what a target says.
func define(t *testing.T, text string) (vm.Definition, error) {
	t.Helper()
	r := &settings.Reader{Reporter: strictyaml.NewReporter("c.yaml"), Dir: "/etc"}
	m, ok := r.Mapping(strictyaml.Parse([]byte(text), r.Reporter), "target vm")
	if !ok {
		t.Fatal(r.Err())
	}
	form := Kind().Form()
	d := form.Define(r, form.Keys.Read(r, m))
	return d, r.Err()
}

const login = "user: u, password_env: P"

func TestTargets(t *testing.T) {
	for _, test := range []struct{ keys, description, shared string }{
		{"domain: win11, overlay: true", "clones of domain win11 at qemu:///system as u", ""},
		{"domain: win11, overlay: true, uri: 'qemu+ssh://lab1/system', address: agent, pool: fast, memory_dump: panic", "clones of domain win11 at qemu+ssh://lab1/system as u", ""},
		{"domain: win11, snapshot: clean", "domain win11 at qemu:///system from snapshot clean as u", "libvirt:qemu:///system/win11"},
		{"domain: win11, snapshot: clean, uri: 'qemu+tls://LAB1/system', address: 10.0.0.7", "domain win11 at qemu+tls://LAB1/system from snapshot clean as u", "libvirt:qemu://lab1/system/win11"},
		{"domain: win11, snapshot: clean, uri: 'qemu+ssh://lab1/system'", "domain win11 at qemu+ssh://lab1/system from snapshot clean as u", "libvirt:qemu://lab1/system/win11"},
	} {
		d, err := define(t, "{"+login+", "+test.keys+"}")
		if err != nil || d.Description != test.description || d.Shared != test.shared || d.BootWithin != bootLimit {
			t.Errorf("%s: %q, shared %q, %v; want %q, %q", test.keys, d.Description, d.Shared, err, test.description, test.shared)
		}
	}
}

// Every mistake is told at its place, and no password with it.
func TestMistakesOfTargets(t *testing.T) {
	for keys, want := range map[string]string{
		"overlay: true":                                                  "domain: its name",
		"domain: w":                                                      "domain without a clean state (expected snapshot: NAME",
		"domain: w, overlay: false":                                      "domain without a clean state",
		"domain: w, overlay: true, snapshot: x":                          "target vm has both",
		"domain: w, overlay: true, address: 10.0.0.1":                    "address of clones",
		"domain: w, snapshot: x, address: '-x'":                          "lease, agent, arp, forward, or a name",
		"domain: w, snapshot: x, memory_dump: always":                    "memory_dump",
		"domain: w, snapshot: x, uri: 'qemu+ssh://u:s3cret@h/system'":    "a password in it",
		"domain: w, snapshot: x, uri: 'qemu+tcp://h/system'":             "none of unix, ssh and tls",
		"domain: w, snapshot: x, transport: http, certificate_sha256: x": "64 hexadecimal digits",
	} {
		_, err := define(t, "{"+login+", "+keys+"}")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v; want %q", keys, err, want)
		}
	}
}

// A target without its password is told before anything is asked of libvirt.
func TestProviderNeedsThePassword(t *testing.T) {
	d, err := define(t, "{"+login+", domain: w, overlay: true}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Provider(vm.Host{Getenv: func(string) string { return "" }, Cache: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "P is empty or not set") {
		t.Errorf("%v; want that P is not set", err)
	}
	t.Setenv("P", "s3cret")
	if _, err := d.Provider(vm.Host{Getenv: os.Getenv, Cache: t.TempDir()}); err != nil {
		t.Error(err)
	}
}

func TestSchema(t *testing.T) {
	keys := Kind().Form().Keys
	text, err := json.Marshal(keys.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"uri"`, `"snapshot"`, `"required":["user","domain"]`, `{"required":["overlay","snapshot"]}`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema lacks %s: %s", want, text)
		}
	}
}

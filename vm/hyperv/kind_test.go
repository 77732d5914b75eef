package hyperv

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

func defined(text string) (vm.Definition, error) {
	r := &settings.Reader{Reporter: strictyaml.NewReporter("c.yaml"), Dir: "/etc"}
	m, ok := r.Mapping(strictyaml.Parse([]byte(text), r.Reporter), "target box")
	if !ok {
		return vm.Definition{}, r.Err()
	}
	form := Kind().Form()
	d := form.Define(r, form.Keys.Read(r, m))
	return d, r.Err()
}

func TestSettings(t *testing.T) {
	t.Setenv("P", "guest-secret")
	t.Setenv("H", "host-secret")
	d, err := defined("{host: {url: 'https://HV1:5986', user: lab, password_env: H}, vm: Win11, checkpoint: clean, user: tester, password_env: P, boot_within: 20m}")
	if err != nil {
		t.Fatal(err)
	}
	if d.Description != "VM Win11 on hv1:5986 from checkpoint clean as tester" || d.Shared != "hyperv:hv1:5986/win11" || d.BootWithin != 20*time.Minute {
		t.Errorf("got %+v", d)
	}
	if values := d.Secrets.Values(os.Getenv); !slices.Equal(d.Secrets.Variables, []string{"P", "H"}) || len(values) != 2 || values[1].Reveal() != "host-secret" {
		t.Errorf("its secrets: %v, %d values", d.Secrets.Variables, len(values))
	}
	p, err := d.Provider(vm.Host{Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	if o := p.(*provider).options; o.URL != "https://hv1:5986/wsman" || o.Login.User != "lab" || o.Service.User != "tester" || o.Service.Port != 5986 {
		t.Errorf("got %+v", o)
	}
	if d, err := defined("{host: local, vm: a, checkpoint: c, user: u, password_env: P, address: 'fe80::1'}"); err != nil || d.Shared != "hyperv:this machine/a" || d.BootWithin != bootLimit {
		t.Errorf("a local one: %+v, %v", d, err)
	}
	if _, err := d.Provider(vm.Host{Getenv: func(name string) string { return map[string]string{"P": "x"}[name] }}); err == nil || !strings.Contains(err.Error(), "H is empty or not set") {
		t.Errorf("without the host's password: %v", err)
	}
}

func TestMistakesOfSettings(t *testing.T) {
	for text, want := range map[string][]string{
		"{}": {"host: local, or", "vm: its name", "checkpoint: its name", "user"},
		"{host: far, vm: a, checkpoint: c, user: u, password_env: P}":                                                      {"local, or {url:"},
		"{host: {url: 'https://h'}, vm: a, checkpoint: c, user: u, password_env: P}":                                       {"user: the account", "password"},
		"{host: {url: 'http://h', auth: basic, user: u, password_env: H}, vm: a, checkpoint: c, user: u, password_env: P}": {"in the clear"},
		"{host: local, vm: a, checkpoint: c, user: u, password_env: P, address: 'h:5986'}":                                 {"without a port"},
		"{host: local, vm: a, checkpoint: c, user: u, password_env: P, port: 0}":                                           {"port"},
	} {
		_, err := defined(text)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %v; want %q in it", text, err, part)
			}
		}
	}
}

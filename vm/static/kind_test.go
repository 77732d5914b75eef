package static

import (
	"os"
	"slices"
	"testing"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// defined is what a target says, as a definition.
func defined(t *testing.T, text string) vm.Definition {
	t.Helper()
	r := &settings.Reader{Reporter: strictyaml.NewReporter("c.yaml"), Dir: "/etc"}
	m, ok := r.Mapping(strictyaml.Parse([]byte(text), r.Reporter), "target box")
	if !ok {
		t.Fatal(r.Err())
	}
	form := Kind().Form()
	d := form.Define(r, form.Keys.Read(r, m))
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

// Two targets are one machine where host and port are the same, however they are written.
func TestSharedMachine(t *testing.T) {
	for url, want := range map[string]string{"https://LAB1:5986/wsman": "lab1:5986", "https://lab1:5986/other": "lab1:5986", "https://lab2": "lab2:5986"} {
		if got := defined(t, "{url: '"+url+"', user: u, password_env: P}").Shared; got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// A target's programs get the variables that are named for them, and no password of any target.
func TestVariablesOfPrograms(t *testing.T) {
	t.Setenv("P", "s3cret")
	d := defined(t, "{url: 'https://h', user: u, password_env: P, revert: [reimage, lab1], revert_env: [IPMI_PASSWORD, SSH_AUTH_SOCK]}")
	p, err := d.Provider(vm.Host{Getenv: os.Getenv, Never: []string{"P", "OTHER"}})
	if err != nil {
		t.Fatal(err)
	}
	o := p.(*Provider).opts
	if !slices.Equal(o.Revert.Environment.Also, []string{"IPMI_PASSWORD", "SSH_AUTH_SOCK"}) || !slices.Equal(o.Revert.Environment.Never, []string{"P", "OTHER"}) {
		t.Errorf("got environment %+v, want IPMI_PASSWORD and SSH_AUTH_SOCK, and never P and OTHER", o.Revert.Environment)
	}
	if !slices.Equal(d.Secrets.Variables, []string{"P"}) || len(o.Revert.Words) != 2 || o.Endpoint.Password.Reveal() != "s3cret" {
		t.Errorf("%+v, %+v", d.Secrets, o)
	}
}

//go:build unix

package host_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/config"
	"wskharness/driver"
	"wskharness/host"
	"wskharness/vm"
	"wskharness/vm/kinds"
	"wskharness/workshop"
)

// That the test certificate ends soon is told by doctor, and by whatever signs with it, before it is signed with.
func TestEndOfTheCertificateIsAnnounced(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		age  time.Duration // of the certificate, which lives for 90 days
		want string
	}{
		"young": {0, ""}, "old": {65*day - time.Hour, "expires in 25 days"}, "over": {100 * day, "another test certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("XDG_CONFIG_HOME", home)
			config, err := config.Parse(kinds.All(), []byte("targets: {wine: {provider: wine}}\ndriver: {source: ., build: ['false'], sys: x.sys}\n"), "c.yaml", t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			aged := func() {
				t.Helper()
				if _, err := driver.LoadOrCreateSigner(filepath.Join(home, "wskharness", "signing"), time.Now().Add(-test.age)); err != nil {
					t.Fatal(err)
				}
			}
			aged()
			if c := host.Examine(t.Context(), config, nil)[1]; !c.OK || !strings.Contains(c.Detail, "valid until ") || !strings.Contains(c.Detail, test.want) ||
				test.want == "" && strings.Contains(c.Detail, ";") {
				t.Errorf("doctor: %+v", c)
			}
			aged() // what doctor has replaced comes back, and has to go again
			var said []string
			w := workshop.Workshop{Cache: driver.Cache{Dir: t.TempDir()}, Warn: func(text string) { said = append(said, text) }}
			if _, err := w.Package(t.Context(), config); err == nil {
				t.Error("it was built")
			}
			if got := strings.Join(said, "\n"); !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("the build: %q", got)
			}
		})
	}
}

// What a target names and is not there is told before a run comes to need it.
func TestDoctorOfATarget(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	text := "targets:\n  good: {provider: static, url: 'https://h', user: u, password_env: P, power: {reset: ['go']}}\n" +
		"  bad: {provider: static, url: 'https://i', user: u, password_env: P, revert: [/no/such/program]}\n"
	config, err := config.Parse(kinds.All(), []byte(text), "c.yaml", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]vm.Check{}
	for _, c := range host.Examine(t.Context(), config, nil) {
		got[c.Name] = c
	}
	if c := got["target good"]; !c.OK || !c.Needed {
		t.Errorf("got %+v, want that all is there", c)
	}
	if c := got["target bad"]; c.OK || !strings.Contains(c.Detail, "/no/such/program can't be started") {
		t.Errorf("got %+v, want the program that is not there", c)
	}
}

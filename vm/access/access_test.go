package access

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/disk"
	"wskharness/settings"
)

func TestSecretsAreResolvedLate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pw")
	if err := disk.Replace(disk.OS(), file, []byte("s3cret\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := Access{URL: "https://h:5986/wsman", Login: Login{User: "u", Auth: "ntlm"}}
	fromFile, fromEnv, unset := base, base, base
	fromFile.PasswordFile = file
	fromEnv.PasswordEnv, unset.PasswordEnv = "PW", "NOT_SET"
	getenv := func(name string) string { return map[string]string{"PW": "s3cret"}[name] }
	for _, target := range []Access{fromFile, fromEnv} {
		e, err := target.Endpoint(getenv)
		if err != nil || e.Password.Reveal() != "s3cret" {
			t.Errorf("%+v: %v, %v", target, e, err)
		}
	}
	marked := func(string) string { return "\ufeffs3cret\r\n" }
	if e, err := fromEnv.Endpoint(marked); err != nil || e.Password.Reveal() != "s3cret" {
		t.Errorf("with what a shell took of a file: %v", err)
	}
	if _, err := fromEnv.Endpoint(func(string) string { return "s3cret\xfc" }); err == nil || !strings.Contains(err.Error(), "variable PW is not UTF-8") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	var usage *settings.UsageError
	if _, err := unset.Endpoint(getenv); !errors.As(err, &usage) || !strings.Contains(err.Error(), "NOT_SET") {
		t.Errorf("got %v, want a usage error that names the variable", err)
	}
}

func TestExposure(t *testing.T) {
	for name, test := range map[string]struct {
		sharing disk.Sharing
		exposed bool
	}{
		"own": {disk.Sharing{}, false}, "the system's": {disk.Sharing{Owner: "user 0", System: true}, false}, "another's": {disk.Sharing{Owner: "user 8"}, true},
		"own and open": {disk.Sharing{Read: true}, true}, "the system's and open": {disk.Sharing{Owner: "user 0", System: true, Read: true}, true},
		"own, and others may write": {disk.Sharing{Write: true}, true},
	} {
		if err := exposure("f", test.sharing); (err != nil) != test.exposed {
			t.Errorf("%s: got %v, want exposed %t", name, err, test.exposed)
		}
	}
}

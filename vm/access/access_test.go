package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/disk"
	"wskharness/settings"
)

func TestSecretsAreResolvedLate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pw")
	if err := os.WriteFile(file, []byte("s3cret\r\n"), 0o600); err != nil {
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

// A password that others may read is none. What counts is the file that a link leads to.
func TestPasswordFileIsPrivate(t *testing.T) {
	for name, test := range map[string]struct {
		mode    os.FileMode
		owner   int // 0: whoever runs the test
		content string
		want    string // of the error, after the path; empty: none
	}{
		"private":         {0o600, 0, "s3cret\n", ""},
		"read only":       {0o400, 0, "s3cret", ""},
		"group reads":     {0o640, 0, "s3cret", " is open to others (mode 0640): make it private with: chmod 600 "},
		"all read":        {0o644, 0, "s3cret", " is open to others (mode 0644): make it private with: chmod 600 "},
		"others write":    {0o602, 0, "s3cret", " is open to others (mode 0602): make it private with: chmod 600 "},
		"somebody else's": {0o600, 12345, "s3cret", " belongs to another user (user 12345; mode 0600): make it yours with: chown "},
		"not a password":  {0o600, 0, strings.Repeat("x", 5000), " is larger than 4096 bytes"},
		"empty":           {0o600, 0, "\n", " is empty"},
		"two lines":       {0o600, 0, "s3cret\r\nu\r\n", " has more than one line, and is to have the password alone"},
		"a line before":   {0o600, 0, "\ns3cret\n", " has more than one line, and is to have the password alone"},
		"CRLF":            {0o600, 0, "s3cret\r\n", ""},
		"a mark":          {0o600, 0, "\ufeffs3cret\r\n", ""},
		"a mark alone":    {0o600, 0, "\ufeff\r\n", " is empty"},
		"PowerShell's":    {0o600, 0, utf16le("s3cret\r\n"), ""},
		"big-endian":      {0o600, 0, "\xfe\xff\x00s\x003\x00c\x00r\x00e\x00t", ""},
		"UTF-16, cut":     {0o600, 0, utf16le("s3cret")[:7], " is UTF-16 that is cut or damaged"},
		"UTF-16, no mark": {0o600, 0, utf16le("s3cret\r\n")[2:], " has NUL characters: if it is UTF-16 without a byte order mark, save it as UTF-8"},
		"Latin-1":         {0o600, 0, "s3cret\xfc\n", " is not UTF-8, from its byte 7 on: save it as UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.owner != 0 && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			path := filepath.Join(t.TempDir(), "pw")
			if err := errors.Join(os.WriteFile(path, []byte(test.content), 0o600), os.Chmod(path, test.mode)); err != nil {
				t.Fatal(err)
			}
			if test.owner != 0 {
				if err := os.Chown(path, test.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			link := path + ".link"
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{path, link} {
				e, err := (&Access{URL: "https://h:5986/wsman", Login: Login{User: "u", Auth: "ntlm", PasswordFile: path}}).Endpoint(os.Getenv)
				switch {
				case test.want == "":
					if err != nil || e.Password.Reveal() != "s3cret" {
						t.Errorf("got %v, want the password of the file", err)
					}
				case err == nil || !strings.Contains(err.Error(), "read the password: "+path+test.want) || strings.Contains(err.Error(), "s3cret"):
					t.Errorf("got %v, want %s", err, test.want)
				default:
					if _, ok := errors.AsType[*settings.UsageError](err); !ok {
						t.Errorf("%T is no usage error", err)
					}
				}
			}
		})
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

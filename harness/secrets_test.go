package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// labs are two machines with passwords, and a driver that is built.
const labs = `targets:
  one: {provider: static, url: 'https://h', user: u, password_env: ONE_PASSWORD, reset: [ipmitool, power, reset], reset_env: [%RESET%]}
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
		"reset has its password":  {"ONE_PASSWORD", "A", "c.yaml:2:127: ONE_PASSWORD is the password_env of a target, which no program is given (expected a variable of its own)", false},
		"reset has another's":     {"A, LC_PASSWORD", "A", "c.yaml:2:130: LC_PASSWORD is the password_env of a target", false},
		"build has a password":    {"A", "B, ONE_PASSWORD", "c.yaml:5:51: ONE_PASSWORD is the password_env of a target", false},
		"no name":                 {"'A B'", "A", "c.yaml:2:127: reset_env has something else (expected the name of an environment variable)", true},
		"named twice":             {"A, A", "A", `c.yaml:2:130: reset_env has "A" twice`, true},
		"none is named":           {"", "A", "reset_env is an empty list (expected a list of at least one)", true},
		"a list in place of name": {"[A]", "A", "c.yaml:2:127: an entry of reset_env is a list", true},
	} {
		t.Run(name, func(t *testing.T) {
			text := labsWith(test.reset, test.build)
			c, err := parseConfig([]byte(text), "c.yaml", dir)
			if refused := configSchemaCompiled(t).Validate(plainYAML(t, text)) != nil; refused != test.schema {
				t.Errorf("the schema refuses it: %t", refused)
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
			if diff := cmp.Diff([]string{"IPMI_PASSWORD", "SSH_AUTH_SOCK"}, c.Target("one").Static.ResetEnv); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"ONE_PASSWORD", "LC_PASSWORD"}, c.environment(nil).Never); diff != "" {
				t.Error(diff)
			}
		})
	}
	alone := "targets: {one: {provider: static, url: 'https://h', user: u, password_file: pw, reset_env: [A]}}\n"
	if _, err := parseConfig([]byte(alone), "c.yaml", dir); err == nil || !strings.Contains(err.Error(), "c.yaml:1:92: reset_env without reset") {
		t.Error(err)
	}
	if configSchemaCompiled(t).Validate(plainYAML(t, alone)) == nil {
		t.Error("the schema takes reset_env without reset")
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
	if got := c.redactor(getenv).Text("first one, second, third"); got != "[redacted], [redacted], third" {
		t.Errorf("without the file: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("third\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := c.redactor(getenv).Text("first one, second, third"); got != "[redacted], [redacted], [redacted]" {
		t.Errorf("with the file: %s", got)
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
		"somebody else's": {0o600, 12345, "s3cret", " belongs to another user (12345; mode 0600): make it yours with: chown "},
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
				e, err := (&StaticTarget{URL: "https://h:5986/wsman", User: "u", Auth: "ntlm", PasswordFile: path}).endpoint(os.Getenv)
				switch {
				case test.want == "":
					if err != nil || e.Password.Reveal() != "s3cret" {
						t.Errorf("%v", err)
					}
				case err == nil || !strings.Contains(err.Error(), "read the password: "+path+test.want) || strings.Contains(err.Error(), "s3cret"):
					t.Errorf("got %v, want %s", err, test.want)
				default:
					if _, ok := errors.AsType[*UsageError](err); !ok {
						t.Errorf("%T is no usage error", err)
					}
				}
			}
		})
	}
}

func TestExposure(t *testing.T) {
	for name, test := range map[string]struct {
		mode        os.FileMode
		owner, user uint32
		exposed     bool
	}{
		"own": {0o600, 7, 7, false}, "root's": {0o600, 0, 7, false}, "another's": {0o600, 8, 7, true}, "a user's, for root": {0o600, 8, 0, true},
		"own and open": {0o604, 7, 7, true}, "root's and open": {0o640, 0, 7, true},
	} {
		if err := exposure("f", test.mode, test.owner, test.user); (err != nil) != test.exposed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

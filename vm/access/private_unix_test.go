//go:build unix

package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/settings"
)

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

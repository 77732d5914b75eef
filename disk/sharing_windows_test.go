package disk_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"wskharness/disk"
)

// setAccess gives a file an access list, in Windows' own words for it.
func setAccess(t *testing.T, path, sddl string) {
	t.Helper()
	sd, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		t.Fatal(err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := windows.CreateFile(name, windows.WRITE_DAC|windows.READ_CONTROL, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(file)
	if err := windows.SetKernelObjectSecurity(file, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, sd); err != nil {
		t.Fatal(err)
	}
}

// TestSharingOf reads access lists: who else may read a file, or write to it, and who is no other.
func TestSharingOf(t *testing.T) {
	token, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	own := "(A;;FA;;;" + token.User.Sid.String() + ")"
	for name, test := range map[string]struct {
		list        string
		read, write bool
		how         string
	}{
		"this user alone":      {"D:P" + own, false, false, ""},
		"those who may anyway": {"D:P" + own + "(A;;FA;;;SY)(A;;FA;;;BA)", false, false, ""},
		"all may read":         {"D:P" + own + "(A;;FR;;;WD)", true, false, "may read it"},
		"all may write":        {"D:P" + own + "(A;;FA;;;WD)", true, true, "may write to it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			setAccess(t, path, test.list)
			got, err := disk.SharingOf(path, nil)
			if err != nil || got.Read != test.read || got.Write != test.write || !strings.Contains(got.How, test.how) || got.Owner != "" {
				t.Errorf("got %+v, %v; want read %t, write %t, %q", got, err, test.read, test.write, test.how)
			}
		})
	}
}

// TestFilesOfThisUserAlone are closed to others, whatever their folder says.
func TestFilesOfThisUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := disk.Replace(disk.OS(), path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := disk.SharingOf(path, nil)
	if err != nil || got.Read || got.Write || got.Owner != "" {
		t.Errorf("got %+v, %v; want it to be this user's alone", got, err)
	}
	for _, advice := range []string{disk.ToClose(path, false), disk.ToOwn(path)} {
		if !strings.Contains(advice, `icacls "`+path+`"`) {
			t.Errorf("got %s; want a command with icacls", advice)
		}
	}
	if _, err := disk.SharingOf(path+".none", nil); err == nil {
		t.Error("a file that is not there: want an error")
	}
}

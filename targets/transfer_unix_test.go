//go:build unix

package targets

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/guest/transfer"
	"wskharness/settings"
)

// chdirTree makes a folder with some files the current one.
func chdirTree(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.txt", "b.txt", "dir/c", "dir/sub/d", "other/e", "con", "bad/x:y", "bad/nul.log", "bad/ok"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("empty", 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestUploadDestinations is the rule of where things go in a guest.
func TestUploadDestinations(t *testing.T) {
	chdirTree(t)
	tests := []struct {
		locals []string
		to     string
		want   []string // files and empty folders in the guest, or …
		fails  []string // … what the error names
	}{
		{locals: []string{"a.txt"}, to: `C:\x`, want: []string{`C:\x`}},
		{locals: []string{"a.txt"}, to: `C:\x\`, want: []string{`C:\x\a.txt`}},
		{locals: []string{"a.txt"}, to: `C:/x/y/`, want: []string{`C:\x\y\a.txt`}},
		{locals: []string{"a.txt"}, to: `C:\`, want: []string{`C:\a.txt`}},
		{locals: []string{"a.txt", "b.txt"}, to: `C:\x`, want: []string{`C:\x\a.txt`, `C:\x\b.txt`}},
		{locals: []string{"dir"}, to: `C:\x`, want: []string{`C:\x\c`, `C:\x\sub\d`}},
		{locals: []string{"dir/"}, to: `C:\x`, want: []string{`C:\x\c`, `C:\x\sub\d`}},
		{locals: []string{"dir"}, to: `C:\x\`, want: []string{`C:\x\dir\c`, `C:\x\dir\sub\d`}},
		{locals: []string{"dir/."}, to: `C:\x\`, want: []string{`C:\x\c`, `C:\x\sub\d`}},
		{locals: []string{"dir/sub/.."}, to: `C:\`, want: []string{`C:\c`, `C:\sub\d`}},
		{locals: []string{"dir", "other"}, to: `C:\x`, want: []string{`C:\x\dir\c`, `C:\x\dir\sub\d`, `C:\x\other\e`}},
		{locals: []string{"dir/.", "other/.", "a.txt"}, to: `C:\x`, want: []string{`C:\x\c`, `C:\x\sub\d`, `C:\x\e`, `C:\x\a.txt`}},
		{locals: []string{"empty"}, to: `C:\x`, want: []string{`C:\x`}},
		{locals: []string{"empty"}, to: `C:\x\`, want: []string{`C:\x\empty`}},
		{locals: []string{"con"}, to: `C:\fine`, want: []string{`C:\fine`}},
		{locals: []string{"con"}, to: `C:\x\`, fails: []string{"con", "device"}},
		{locals: []string{"bad"}, to: `C:\x`, fails: []string{"2 paths", "x:y", "nul.log"}},
		{locals: []string{"a.txt", "./a.txt"}, to: `C:\x`, fails: []string{"named twice"}},
		{locals: []string{"dir/sub", "sub"}, to: `C:\x`, fails: []string{"sub: no such file"}},
		{locals: []string{"gone", "away"}, to: `C:\x`, fails: []string{"gone", "away"}},
		{locals: []string{"/dev/null"}, to: `C:\x`, fails: []string{"neither a file nor a folder"}},
		{locals: []string{"a.txt"}, to: `x`, fails: []string{"not absolute"}},
		{locals: []string{"a.txt"}, to: `/x/`, fails: []string{"not absolute"}},
		{locals: []string{"a.txt"}, to: ``, fails: []string{"not absolute"}},
		{locals: []string{"a.txt"}, to: `\\host\share\x`, fails: []string{"not absolute"}},
		{locals: []string{"a.txt"}, to: `C:\x\..\y`, fails: []string{"relative name"}},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.locals, "+")+" to "+test.to, func(t *testing.T) {
			u, err := NewUpload(test.locals, test.to)
			if test.fails != nil {
				if _, ok := errors.AsType[*settings.UsageError](err); !ok {
					t.Fatalf("no usage error: %v", err)
				}
				for _, want := range test.fails {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in: %v", want, err)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Clone(u.Tree.Folders)
			for _, f := range u.Tree.Files {
				got = append(got, f.Path)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestUploadTellsWhere: the last line of a push names what is there now.
func TestUploadTellsWhere(t *testing.T) {
	chdirTree(t)
	for want, test := range map[string][]string{
		`C:\x`:       {`C:\x`, "a.txt"},
		`C:\x\a.txt`: {`C:/x/`, "a.txt"},
		`C:\x\dir`:   {`C:\x\`, "dir"},
		`C:\`:        {`C:\`, "dir/."},
		`C:\y`:       {`C:\y`, "dir", "a.txt"},
		`C:\z`:       {`C:\z\`, "dir/."},
	} {
		u, err := NewUpload(test[1:], test[0])
		if err != nil || u.Where() != want {
			t.Errorf("%q: %s, %v; want %s", test, u.Where(), err, want)
		}
	}
}

// TestDestination is the rule of where things go on the host.
func TestDestination(t *testing.T) {
	chdirTree(t)
	tests := []struct {
		path, local string
		kind        transfer.EntryKind
		want        string
	}{
		{`C:\x\f`, "new", transfer.EntryFile, "new"},
		{`C:\x\f`, "a.txt", transfer.EntryFile, "a.txt"},
		{`C:\x\f`, "dir", transfer.EntryFile, "dir/f"},
		{`C:\x\f`, "new/", transfer.EntryFile, "new/f"},
		{`C:\x\f`, ".", transfer.EntryFile, "f"},
		{`C:/x/f/`, "dir/..", transfer.EntryFile, "f"},
		{`C:\x\f`, "new", transfer.EntryFolder, "new"},
		{`C:\x\f`, "dir", transfer.EntryFolder, "dir"},
		{`C:\x\f\`, "dir", transfer.EntryFolder, "dir"},
		{`C:\x\f`, "dir/", transfer.EntryFolder, "dir/f"},
		{`C:\x\f`, ".", transfer.EntryFolder, "f"},
		{`C:\x\f`, "new", transfer.EntryAbsent, "new"},
	}
	for _, test := range tests {
		if got := destination(test.path, test.local, test.kind); got != test.want {
			t.Errorf("%s (%s) to %s: %s, want %s", test.path, test.kind, test.local, got, test.want)
		}
	}
}

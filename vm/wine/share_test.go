//go:build linux

package wine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote/winrmd"
)

// Files that are the same as the installation's become links to these, whatever they are called; all else stays.
func TestShare(t *testing.T) {
	t.Parallel()
	installed, prefix := t.TempDir(), t.TempDir()
	drive := filepath.Join(prefix, "drive_c", "windows")
	write := func(dir, name, content string) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	large := strings.Repeat("0123456789abcdef", 40<<10)
	bySize := map[int64][]string{}
	for name, content := range map[string]string{"a.dll": "same", "b.dll": "same", "c.sys": "xxxx", "large.dll": large, "new.dll": large[1:] + "!"} {
		bySize[int64(len(content))] = append(bySize[int64(len(content))], write(installed, name, content))
	}
	for name, content := range map[string]string{
		"system32/A.DLL": "same", "system32/b.dll": "same", "winsxs/x/renamed.dll": "xxxx", "system32/large.dll": large,
		"system32/own.dll": "this", "system32/win.ini": "same", "system32/empty.dll": "", "system32/nearly.dll": large[:len(large)-1] + "?",
	} {
		write(drive, name, content)
	}
	if err := share(prefix, bySize); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err := filepath.WalkDir(drive, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(drive, path)
		to, _ := os.Readlink(path) // none: it is no link
		got[rel] = strings.TrimPrefix(to, installed+"/")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"system32/A.DLL": "a.dll", "system32/b.dll": "b.dll", "winsxs/x/renamed.dll": "c.sys", "system32/large.dll": "large.dll",
		"system32/own.dll": "", "system32/win.ini": "", "system32/empty.dll": "", "system32/nearly.dll": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Links lead only to what a guest can't change: on a read-only file system of its own, or of another user's.
func TestProtects(t *testing.T) {
	t.Parallel()
	own := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(own, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	others, err := os.Stat("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	isRoot := os.Geteuid() == 0
	for name, test := range map[string]struct {
		with enclosure
		path string
		info fs.FileInfo
		want bool
	}{
		"one's own, with namespaces":          {enclosure{Bubblewrap: "bwrap"}, own, info, true},
		"one's own, with Landlock":            {enclosure{Landlock: 7}, own, info, false},
		"one's own, with nothing":             {enclosure{}, own, info, false},
		"the distribution's, with Landlock":   {enclosure{Landlock: 7}, "/bin/sh", others, !isRoot},
		"the distribution's, with nothing":    {enclosure{}, "/bin/sh", others, !isRoot},
		"the distribution's, with namespaces": {enclosure{Bubblewrap: "bwrap"}, "/bin/sh", others, true},
	} {
		if got := test.with.protects(test.path, test.info); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

// A template takes a tenth of the space that it took as copies, and a guest that writes to its Windows folder changes
// nothing of Wine's installation.
func TestGuestsShareWineAndCannotChangeIt(t *testing.T) {
	t.Parallel()
	if confinement().Bubblewrap == "" {
		t.Skip(confinement().NoSpaces)
	}
	up := booted(t, confinement())
	if used := allocated(t, up.kin.prefix); used > 70<<20 {
		t.Errorf("a guest takes %d MiB", used>>20)
	}
	library := filepath.Join(up.kin.prefix, "drive_c/windows/system32/version.dll")
	original, err := filepath.EvalSymlinks(library)
	if err != nil || strings.HasPrefix(original, up.kin.prefix) {
		t.Fatalf("version.dll is %s, no link to Wine's: %v", original, err)
	}
	before := state(t, original)
	for _, line := range []string{
		`echo x> C:\windows\system32\written.dll`, // as it can be: see below
		`echo x> C:\windows\system32\version.dll`, `echo x>> C:\windows\system32\version.dll`, `attrib +r C:\windows\system32\version.dll`,
		`del C:\windows\system32\version.dll`, `move C:\windows\system32\version.dll C:\moved.dll`, `copy /y C:\windows\win.ini C:\windows\system32\version.dll`,
	} {
		p, err := up.host.Start(t.Context(), winrmd.Spec{Line: "cmd /c " + line, Codepage: 65001})
		if err != nil {
			t.Fatal(err)
		}
		p.Stdin().Close()
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if after := state(t, original); after != before {
			t.Fatalf("%s: Wine's own was %s and is %s", line, before, after)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(library), "written.dll")); err != nil {
		t.Errorf("nothing was written at all: %v", err)
	}
}

// What a guest has in common with the others is nothing that it can write to.
func TestGuestsHaveNoFileInCommon(t *testing.T) {
	t.Parallel()
	if confinement().Bubblewrap == "" {
		t.Skip(confinement().NoSpaces)
	}
	up := booted(t, confinement())
	err := filepath.WalkDir(filepath.Join(up.kin.prefix, "drive_c/windows"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Nlink > 1 {
			t.Errorf("%s is the template's, too", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.Mode(), info.Size(), info.ModTime(), info.Sys().(*syscall.Stat_t).Ino)
}

// allocated is the space that a folder takes.
func allocated(t *testing.T, dir string) (used int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the guest is up
		}
		if err == nil {
			used += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return used
}

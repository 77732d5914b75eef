package disc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// files are what discs of tests have: names that ISO 9660 itself can't have, folders in folders, and more in one folder than
// its records find room for in a sector.
func files() map[string][]byte {
	all := map[string][]byte{
		"autounattend.xml":                            []byte("<unattend/>"),
		"wskharness/install-windows.cmd":              []byte("@echo off\r\n"),
		"wskharness/Über alles.txt":                   bytes.Repeat([]byte("0123456789abcdef"), 1000),
		"wskharness/deep/deeper/a long name.long.txt": []byte("deep"),
		"wskharness/deep/empty":                       {},
		"other/x":                                     []byte("x"),
	}
	for n := range 60 {
		all[fmt.Sprintf("many/file-number-%02d.inf", n)] = fmt.Append(nil, n)
	}
	return all
}

func TestWrittenDiscIsRead(t *testing.T) {
	image, err := Write(filepath.Join(t.TempDir(), "scratch"), "ANSWERS", files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	if d.Label != "ANSWERS" {
		t.Errorf("got the label %q", d.Label)
	}
	compare(t, d, files())
}

// What others see of the disc is what counts: Windows reads the Joliet tree.
func TestWrittenDiscIsReadByOthers(t *testing.T) {
	dir := t.TempDir()
	image, err := Write(filepath.Join(dir, "scratch"), "ANSWERS", files())
	if err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(dir, "answers.iso")
	if err := os.WriteFile(iso, image, 0o600); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(files()))
	t.Run("isoinfo", func(t *testing.T) {
		files := files()
		delete(files, "wskharness/Über alles.txt") // isoinfo knows no UTF-8
		want := slices.Sorted(maps.Keys(files))
		var names []string
		for line := range strings.Lines(output(t, "isoinfo", "-J", "-f", "-i", iso)) {
			if name := strings.TrimPrefix(strings.TrimSpace(line), "/"); files[name] != nil {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("got %q, want %q", names, want)
		}
		for name, data := range files {
			if got := output(t, "isoinfo", "-J", "-i", iso, "-x", "/"+name); got != string(data) {
				t.Errorf("%s: got %d bytes, want %d", name, len(got), len(data))
			}
		}
	})
	t.Run("xorriso", func(t *testing.T) {
		to := filepath.Join(dir, "extracted")
		output(t, "xorriso", "-read_fs", "norock", "-osirrox", "on", "-indev", iso, "-extract", "/", to)
		got := map[string][]byte{}
		if err := filepath.WalkDir(to, func(at string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, _ := filepath.Rel(to, at)
			got[filepath.ToSlash(name)], err = os.ReadFile(at)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("got %q, want %q", names, want)
		}
		for name, data := range files() {
			if !bytes.Equal(got[name], data) {
				t.Errorf("%s: got %d bytes, want %d", name, len(got[name]), len(data))
			}
		}
	})
}

// Discs that others have made: as Windows' are, in UDF; as drivers come, in Joliet; in ISO 9660 alone.
func TestDiscsOfOthers(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	for name, data := range files() {
		at := filepath.Join(from, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, options := range map[string][]string{
		"UDF": {"-udf", "-iso-level", "3", "-allow-limited-size"}, "UDF and Joliet": {"-udf", "-J"}, "Joliet": {"-J", "-r"}, "ISO 9660, level 4": {"-iso-level", "4"},
	} {
		t.Run(name, func(t *testing.T) {
			iso := filepath.Join(dir, strings.ReplaceAll(name, " ", "")+".iso")
			output(t, "genisoimage", slices.Concat([]string{"-quiet", "-V", "A_DISC", "-o", iso}, options, []string{from})...)
			d, err := Open(iso)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			want := files()
			if strings.HasPrefix(name, "ISO") {
				delete(want, "wskharness/Über alles.txt")
			}
			if d.Label != "A_DISC" {
				t.Errorf("got the label %q", d.Label)
			}
			compare(t, d, want)
		})
	}
}

func compare(t *testing.T, d *Disc, want map[string][]byte) {
	t.Helper()
	for name, data := range want {
		f, err := d.File(strings.ToUpper(name))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: got %d bytes, %v; want %d", name, len(got), err, len(data))
		}
		listed, err := d.Folder(strings.TrimSuffix(path.Dir(name), "."))
		at := slices.IndexFunc(listed, func(e Entry) bool { return e.Name == path.Base(name) })
		if err != nil || at < 0 || listed[at].Size != int64(len(data)) || listed[at].Folder {
			t.Errorf("%s: listed are %v, %v", name, listed, err)
		}
	}
	for _, name := range []string{"nothing", "many/nothing", "autounattend.xml/below"} {
		if _, err := d.File(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := d.File("wskharness"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder as a file: got %v", err)
	}
}

func TestNoDisc(t *testing.T) {
	for name, data := range map[string][]byte{"empty": nil, "short": []byte("MZ"), "zeros": make([]byte, 600*sector)} {
		if _, err := Read(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrNotADisc) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: got %v", err)
	}
}

func TestNamesThatNoDiscHas(t *testing.T) {
	for _, name := range []string{"../up", "/root", "", strings.Repeat("x", 65)} {
		if _, err := Write(filepath.Join(t.TempDir(), "scratch"), "X", map[string][]byte{name: nil}); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	var out, complaints strings.Builder
	if _, err := exec.LookPath(program); err != nil && runtime.GOOS == "windows" {
		t.Skip(err) // scripts/deps installs it elsewhere
	}
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, complaints.String())
	}
	return out.String()
}

// FuzzRead: whatever an image says, reading it ends, and within bounds.
func FuzzRead(f *testing.F) {
	image, err := Write(filepath.Join(f.TempDir(), "scratch"), "X", map[string][]byte{"a/b": []byte("c"), "d": nil})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(image)
	f.Fuzz(func(t *testing.T, image []byte) {
		d, err := Read(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			return
		}
		var walk func(name string, depth int)
		walk = func(name string, depth int) {
			list, _ := d.Folder(name)
			for _, e := range list[:min(len(list), 8)] {
				at := path.Join(name, e.Name)
				if f, err := d.File(at); err == nil {
					_, _ = io.CopyN(io.Discard, f, 1<<16)
				} else if depth < 3 {
					walk(at, depth+1)
				}
			}
		}
		walk("", 0)
	})
}

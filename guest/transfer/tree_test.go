package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wskharness/guest/transfer/frame"
	"wskharness/winetest"
)

func TestTreeOfAFolder(t *testing.T) {
	t.Parallel()
	dir := writeTree(t, map[string]string{"a.txt": "a", "sub/b": "bb", "sub/none/": "", "leer/": ""})
	winetest.Lacks(t, "makes symbolic links and shows nothing of them")
	if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	var tree Tree
	if err := tree.Add(dir, `C:\t`); err != nil {
		t.Fatal(err)
	}
	if err := tree.Check(); err != nil {
		t.Error(err)
	}
	var files []string
	for _, f := range tree.Files {
		files = append(files, f.Path)
	}
	if want := []string{`C:\t\a.txt`, `C:\t\sub\b`}; !slices.Equal(files, want) {
		t.Errorf("files %q; want slices.Equal(files, want)", files)
	}
	if want := []string{`C:\t\leer`, `C:\t\sub\none`}; !slices.Equal(tree.Folders, want) {
		t.Errorf("folders %q; want slices.Equal(tree.Folders, want)", tree.Folders)
	}
	want := []string{filepath.Join(dir, "out") + ": a symbolic link"}
	if !slices.Equal(tree.Skipped, want) {
		t.Errorf("skipped %q; want slices.Equal(tree.Skipped, want)", tree.Skipped)
	}
	if n := tree.Bytes(); n != 3 {
		t.Errorf("%d bytes; want n == 3", n)
	}
	if err := tree.Add(filepath.Join(dir, "gone"), `C:\t`); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v; want errors.Is(err, fs.ErrNotExist)", err)
	}
}

func TestNamesErrorIsBounded(t *testing.T) {
	t.Parallel()
	var e NamesError
	for i := range 5 * maxNames {
		e.add(fmt.Sprint("path\x1b[2J", i), errors.New("no"))
	}
	if text := e.Error(); strings.Count(text, "\n") != maxNames+1 || !strings.Contains(text, "400 more") || strings.Contains(text, "\x1b") {
		t.Error(text)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	same := func(s string) string { return s }
	many := make([]string, 2*maxBatchFiles+1)
	if got := batches(many, same); len(got) != 3 || len(got[0]) != maxBatchFiles || len(got[2]) != 1 {
		t.Errorf("%d batches; want len(got) == 3 and len(got[0]) == maxBatchFiles and len(got[2]) == 1", len(got))
	}
	long := strings.Repeat("x", maxBatchManifest/3)
	if got := batches([]string{long, long, long, long}, same); len(got) != 2 || len(got[0]) != 2 {
		t.Errorf("%d batches of long paths; want len(got) == 2 and len(got[0]) == 2", len(got))
	}
	if got := batches(nil, same); len(got) != 0 {
		t.Errorf("%d batches of nothing; want len(got) == 0", len(got))
	}
	var bytesOf bytes.Buffer
	for _, b := range batches(many, same) {
		bytesOf.Write(frame.AppendManifest(nil, make([]frame.Entry, len(b)))[frame.HeaderSize:])
	}
	if bytesOf.Len() != len(many)*frame.EntryFixed {
		t.Error("a manifest of the batches does not hold every entry once")
	}
}

// writeTree makes files (with their contents) and folders (names that end in a slash) below a new folder.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := dir + "/" + name
		if err := os.MkdirAll(filepath.Dir(path+"x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

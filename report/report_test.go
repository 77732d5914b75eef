package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"wskharness/disk"

	"wskharness/results"
	"wskharness/results/resultstest"
)

func TestWriteReports(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // also over earlier ones
		written, err := WriteReports(disk.OS(), dir, results.Reduce(resultstest.BadRun()))
		if err != nil || len(written) != 2 {
			t.Fatalf("%v, %v", written, err)
		}
	}
	mode := fs.FileMode(0o644)
	if runtime.GOOS == "windows" {
		mode = 0o666 // that it can be written is all that there is of one
	}
	for _, name := range names(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() == 0 || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("in the folder: %v, want the two reports", left)
	}
	if written, err := WriteReports(disk.OS(), filepath.Join(dir, "missing"), results.Reduce(resultstest.BadRun())); err == nil || len(written) != 0 {
		t.Errorf("into a folder that is not there: %v, %v", written, err)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

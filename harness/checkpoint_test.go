package harness

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"wskharness/disk"
)

// What is written whole is private, also where an earlier controller was killed while it wrote, and was not so careful.
func TestWriteWholeIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "request.json")
	for _, left := range []string{path + ".new", path} {
		if err := os.WriteFile(left, []byte("left"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var back map[string]string
	if err := writeWhole(disk.OS(), path, map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	if err := readWhole(disk.OS(), path, &back); err != nil || back["a"] != "b" {
		t.Errorf("%v, %v", back, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(path + ".new"); err == nil {
		t.Error("the new file is there twice")
	}
}

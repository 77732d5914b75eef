//go:build unix

package disk_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"wskharness/disk"
)

// TestSharingOf reads modes: who else may read a file, or write to it.
func TestSharingOf(t *testing.T) {
	for mode, want := range map[fs.FileMode]disk.Sharing{
		0o600: {How: "mode 0600"},
		0o644: {Read: true, How: "mode 0644"},
		0o620: {Read: true, Write: true, How: "mode 0620"},
		0o666: {Read: true, Write: true, How: "mode 0666"},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := disk.SharingOf(path, info); err != nil || got != want {
			t.Errorf("%04o: got %+v, %v; want %+v", mode, got, err, want)
		}
	}
}

//go:build unix

package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"wskharness/disk"
)

// A lock whose file was removed by whoever had it before is none.
func TestALockOfARemovedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := disk.OpenLocked(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := disk.IsAt(f, path); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := disk.IsAt(f, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file has its name: %v", err)
	}
}

//go:build unix

package textfile_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wskharness/textfile"
)

// What might never end is not read: not even opened, where that waits.
func TestReadWhatIsNoFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		if _, _, err := textfile.Read(path, 10); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("%s: got %v, want the path, and that it is not a regular file", path, err)
		}
	}
}

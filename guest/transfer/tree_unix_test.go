//go:build unix

package transfer

import (
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTreeSkipsAPipe(t *testing.T) {
	t.Parallel()
	dir := writeTree(t, map[string]string{"sub/b": "bb"})
	pipe := filepath.Join(dir, "sub", "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	var tree Tree
	if err := tree.Add(dir, `C:\t`); err != nil {
		t.Fatal(err)
	}
	if want := []string{pipe + ": a pipe"}; len(tree.Files) != 1 || !slices.Equal(tree.Skipped, want) {
		t.Errorf("%d files, skipped %q; want 1, %q", len(tree.Files), tree.Skipped, want)
	}
}

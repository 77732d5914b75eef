//go:build linux

package wine

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Nearly all of a prefix is copies of what Wine is installed as: some 680 MB. They become symbolic links to the originals,
// which Wine follows. What a guest can't write to, it can't write to through a link: so links are made only to what is
// protected from it.

// protects reports whether no guest can write to a file of the installation, nor change its permissions or times: because
// guests see it on a file system that is read-only, or because it is another user's. Landlock leaves the permissions to
// root, and to the owner.
func (c enclosure) protects(path string, info fs.FileInfo) bool {
	if c.Bubblewrap != "" {
		return true
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	user := os.Geteuid()
	return ok && user != 0 && int(owner.Uid) != user && unix.Access(path, unix.W_OK) != nil
}

// originals are the files of Wine's installation that prefixes have copies of, and no guest can write to, by their size.
func originals(loader string, c enclosure) map[int64][]string {
	found := map[int64][]string{}
	for _, folder := range libraries(loader) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // without it there are more copies
		}
		for _, entry := range entries {
			path := filepath.Join(folder, entry.Name())
			if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 && c.protects(path, info) {
				found[info.Size()] = append(found[info.Size()], path)
			}
		}
	}
	return found
}

// libraries are the folders in which an installation has programs for Windows and tables of characters, of those that guests
// see: of the distribution's, and of the loader's own.
func libraries(loader string) []string {
	roots := []string{"/usr"}
	if real, err := filepath.EvalSymlinks(loader); err == nil && filepath.Base(filepath.Dir(real)) == "bin" {
		roots = append(roots, filepath.Dir(filepath.Dir(real)))
	}
	var all []string
	for _, root := range roots {
		for _, pattern := range []string{"lib*/wine/*-windows", "lib/*/wine/*-windows", "share/wine/nls"} {
			some, _ := fs.Glob(os.DirFS(root), pattern) // the pattern is sound
			for _, one := range some {
				all = append(all, filepath.Join(root, one))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// share puts links in the place of a prefix's programs and tables that are copies of originals.
func share(prefix string, originals map[int64][]string) error {
	return filepath.WalkDir(filepath.Join(prefix, "drive_c"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isImage(path) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		original, err := sameAs(path, originals[info.Size()])
		if err != nil || original == "" {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink(original, path)
	})
}

// sameAs is one of some files that has the content of another; empty where none has. Most have its name, too.
func sameAs(path string, candidates []string) (string, error) {
	named := func(candidate string) bool { return strings.EqualFold(filepath.Base(candidate), filepath.Base(path)) }
	ordered := slices.Clone(candidates)
	slices.SortStableFunc(ordered, func(a, b string) int {
		switch {
		case named(a) == named(b):
			return 0
		case named(a):
			return -1
		}
		return 1
	})
	for _, candidate := range ordered {
		same, err := sameContent(path, candidate)
		if err != nil || same {
			return candidate, err
		}
	}
	return "", nil
}

// sameContent compares two files.
func sameContent(a, b string) (bool, error) {
	one, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer one.Close()
	other, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer other.Close()
	const chunk = 256 << 10
	left, right := make([]byte, chunk), make([]byte, chunk)
	for {
		n, err := io.ReadFull(one, left)
		m, otherErr := io.ReadFull(other, right)
		switch {
		case !bytes.Equal(left[:n], right[:m]):
			return false, nil
		case atEnd(err) && atEnd(otherErr):
			return true, nil
		case err != nil || otherErr != nil:
			return false, errors.Join(err, otherErr)
		}
	}
}

// atEnd reports whether io.ReadFull has come to the end of its file.
func atEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

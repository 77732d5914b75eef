//go:build linux

package wine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// errSpoiled says that a file of the template was changed after the template was made.
var errSpoiled = errors.New("the template was changed")

// sealed is written last into a template: whatever of it is younger was changed by a guest.
const sealed = ".wskharness-sealed"

// clone makes a prefix, which is not there yet, out of the template. Programs and libraries are links to Wine's installation
// there, or nearly all of its size; nothing rewrites them, so they become hard links: milliseconds, and no space. The rest is copied, because
// what is written in place through a link (Wine's registry, hosts, win.ini) would be written into the template and
// into every other clone. Should a guest do so with a library, the next clone notices and is errSpoiled.
func clone(template, prefix string) error {
	seal, err := os.Stat(filepath.Join(template, sealed))
	if err != nil {
		return fmt.Errorf("clone the Wine template: %w", err)
	}
	err = filepath.WalkDir(template, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(template, path)
		if err != nil {
			return err
		}
		to := filepath.Join(prefix, rel)
		switch {
		case entry.IsDir():
			return os.Mkdir(to, 0o755)
		case entry.Type()&fs.ModeSymlink != 0:
			return linkAgain(path, to)
		case rel == sealed:
			return nil
		}
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case !isImage(rel):
			return copyFile(path, to)
		}
		if err := unspoiled(info, seal); err != nil {
			return fmt.Errorf("%w: %s", err, rel)
		}
		if info.Size() < leastLinked {
			return copyFile(path, to)
		}
		return linkOrCopy(path, to)
	})
	if err != nil {
		return fmt.Errorf("clone the Wine template: %w", err)
	}
	return nil
}

// leastLinked is the size from which on a program is not copied. What is left in a template that shares its programs with
// Wine's installation is smaller, so that guests have no file in common that one of them could write to.
const leastLinked = 16 << 10

// unspoiled looks at a file of the template that clones have a link to: at when it was written, and whether it can still be
// read, as one can't be after a chmod in a guest, which changes neither that time nor what is in it.
func unspoiled(file, seal fs.FileInfo) error {
	const special = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	switch mode := file.Mode(); {
	case file.ModTime().After(seal.ModTime()):
		return fmt.Errorf("%w: it was written to at %s", errSpoiled, file.ModTime())
	case mode.Perm()&0o600 != 0o600 || mode&special != 0:
		return fmt.Errorf("%w: its permissions are %s", errSpoiled, mode)
	}
	return nil
}

// isImage reports whether a file of a prefix is code or a table that only its installer writes.
func isImage(rel string) bool {
	switch strings.ToLower(filepath.Ext(rel)) {
	case ".dll", ".exe", ".sys", ".drv", ".ocx", ".cpl", ".acm", ".ax", ".com", ".tlb", ".nls", ".manifest", ".inf":
		return true
	}
	return false
}

// linkAgain gives a symbolic link another name, since nothing can be written into one; or makes another where the two are on
// different file systems.
func linkAgain(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

// linkOrCopy copies where the two are on different file systems.
func linkOrCopy(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	return copyFile(from, to)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// unixPath is where a path of the guest's drive C is in a prefix. The path is the harness's own; one that
// leaves the drive is refused all the same.
func unixPath(prefix, guestPath string) (string, error) {
	rest, ok := strings.CutPrefix(strings.ReplaceAll(guestPath, `\`, "/"), "C:/")
	if !ok || !filepath.IsLocal(rest) {
		return "", fmt.Errorf("guest path %s: want an absolute path on drive C", guestPath)
	}
	return filepath.Join(prefix, "drive_c", filepath.FromSlash(rest)), nil
}

// put places a host file in a prefix. It replaces what is there rather than writing into it, since that may
// be a link to the template's.
func put(prefix, guestPath, from string) error {
	to, err := unixPath(prefix, guestPath)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return copyFile(from, to)
}

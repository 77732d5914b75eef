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

// clone makes a prefix, which is not there yet, out of the template. Programs and libraries are nearly all of its
// size and nothing rewrites them, so they become hard links: milliseconds, and no space. The rest is copied, because
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
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		case rel == sealed:
			return nil
		case !isImage(rel):
			return copyFile(path, to)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := unspoiled(info, seal); err != nil {
			return fmt.Errorf("%w: %s", err, rel)
		}
		return linkOrCopy(path, to)
	})
	if err != nil {
		return fmt.Errorf("clone the Wine template: %w", err)
	}
	return nil
}

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

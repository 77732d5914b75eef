package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wskharness/guest/agent"
	"wskharness/guest/ntfs"
	"wskharness/guest/transfer/frame"
	"wskharness/guest/winname"
)

// Tree is files and folders to bring into a guest.
type Tree struct {
	Files   []File
	Folders []string // in the guest; the empty ones are enough: those of files are made anyway

	// Skipped are host paths in the tree that are neither files nor folders: symbolic links, which
	// could lead anywhere, devices, sockets, pipes. With the reason.
	Skipped []string
}

// Add adds the host file or folder local, to be path in the guest, with everything in it. A symbolic
// link is followed where it is local itself, and skipped below it. What is wrong with names is found
// by [Tree.Check]; what can't be read is returned here, all at once.
func (t *Tree) Add(local, path string) error {
	info, err := os.Stat(local)
	switch {
	case err != nil:
		return err
	case info.Mode().IsRegular():
		t.Files = append(t.Files, File{Path: path, Local: local, Size: info.Size()})
		return nil
	case !info.IsDir():
		return fmt.Errorf("%s is neither a file nor a folder", local)
	}
	unread := NamesError{Doing: "read " + local}
	t.addFolder(local, path, &unread)
	return unread.err()
}

func (t *Tree) addFolder(local, path string, unread *NamesError) {
	entries, err := os.ReadDir(local)
	if err != nil {
		unread.add(local, err)
		return
	}
	if len(entries) == 0 {
		t.Folders = append(t.Folders, path)
	}
	for _, e := range entries {
		below, to := filepath.Join(local, e.Name()), path+`\`+e.Name()
		switch {
		case e.IsDir():
			t.addFolder(below, to, unread)
		case e.Type().IsRegular():
			info, err := e.Info()
			if err != nil {
				unread.add(below, err)
				continue
			}
			t.Files = append(t.Files, File{Path: to, Local: below, Size: info.Size()})
		default:
			t.Skipped = append(t.Skipped, below+": "+special(e.Type()))
		}
	}
}

func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	}
	return "a device"
}

// Bytes is the size of all files together.
func (t *Tree) Bytes() (n int64) {
	for _, f := range t.Files {
		n += f.Size
	}
	return n
}

// Check finds every path that a guest can't have, two that NTFS takes for the same, and names that are kept for files on
// their way: *[NamesError], or nil.
func (t *Tree) Check() error {
	refused := NamesError{Doing: "push"}
	taken := make(map[string]spelling)
	for _, f := range t.Files {
		checkPlace(&refused, taken, f.Path, cmp.Or(f.Local, f.Path), true)
	}
	for _, path := range t.Folders {
		checkPlace(&refused, taken, path, path, false)
	}
	return refused.err()
}

// spelling is a path as it was given first.
type spelling struct {
	path string
	file bool
}

// checkPlace notes a path, and the folders above it, as taken. shown is what to call it.
func checkPlace(refused *NamesError, taken map[string]spelling, path, shown string, file bool) {
	err := winname.CheckPath(path)
	if err == nil && parts.MatchString(path[strings.LastIndexByte(path, '\\')+1:]) {
		err = errIsPart
	}
	if err != nil {
		refused.add(shown, err)
		return
	}
	for i := len(`C:\`); i <= len(path); i++ {
		if i < len(path) && path[i] != '\\' {
			continue
		}
		is := spelling{path[:i], file && i == len(path)}
		was, ok := taken[ntfs.Fold(is.path)]
		switch {
		case !ok:
			taken[ntfs.Fold(is.path)] = is
			continue
		case was.path != is.path:
			refused.add(shown, fmt.Errorf("%s and %s differ only in case, which Windows takes for the same", is.path, was.path))
		case was.file && is.file:
			refused.add(shown, errors.New("named twice"))
		case was.file || is.file:
			refused.add(shown, fmt.Errorf("%s would have to be a file and a folder", is.path))
		default:
			continue
		}
		return
	}
}

// PushTree brings a tree into the guest: [Mover.Push], and the empty folders. Everything is checked
// before anything is sent.
func (m *Mover) PushTree(ctx context.Context, t *Tree, progress func(Progress)) (PushStats, error) {
	if err := t.Check(); err != nil {
		return PushStats{}, err
	}
	for _, batch := range batches(t.Folders, func(path string) string { return path }) {
		if err := m.makeFolders(ctx, batch); err != nil {
			return PushStats{}, err
		}
	}
	if len(t.Files) == 0 {
		return PushStats{}, nil
	}
	return m.Push(ctx, t.Files, progress)
}

func (m *Mover) makeFolders(ctx context.Context, paths []string) error {
	return m.agent.Persist(ctx, "make "+paths[0], func(ctx context.Context) (bool, error) {
		var entries []frame.Entry
		for _, path := range paths {
			entries = append(entries, frame.Entry{Path: path})
		}
		made := 0
		err := m.ask(ctx, "mkdir", entries, func(_ *frame.Reader, f frame.Frame) error {
			if f.Kind == frame.Error {
				return refusal("push", paths[f.File], f)
			}
			if f.Kind != frame.Have || int(f.File) != made || made == len(paths) {
				return agent.Malformed("%s about folder %d, want HAVE about folder %d of %d", f.Kind, f.File, made, len(paths))
			}
			made++
			return nil
		})
		if err == nil && made < len(paths) {
			return false, &agent.ProtocolError{Doing: "mkdir", Err: fmt.Errorf("it ended well after %d folders of %d", made, len(paths))}
		}
		return false, err
	})
}

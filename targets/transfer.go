package targets

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/guest/winname"
	"wskharness/settings"
)

// Upload is host files and folders on their way into a guest, looked at and found fit.
type Upload struct {
	Tree *transfer.Tree
	To   string // in the guest: what it becomes, or the folder that it goes into

	where string // it is: To, or what is in To where that is only one thing
	local string // the only file, for which To may be a folder
}

// NewUpload decides where everything goes, and checks all of it, before any guest is asked.
//
// One file or folder becomes to. It goes into to, under its own name, when to ends in a slash, and so
// does each of several. Whether a folder of the name is in the guest does not matter for folders: the
// same command does the same thing twice, and so goes on where it was interrupted. One file alone goes
// into a folder that is there, since it could not become it. A local path that ends in "." or ".." is
// a folder's contents, as with cp. Slashes of both kinds do for a guest path.
func NewUpload(locals []string, to string) (*Upload, error) {
	to, into := guestPath(to)
	into = into || len(locals) > 1
	probe := to
	if into {
		probe += `\x` // "C:" is no place for a file, but one for files
	}
	if err := winname.CheckPath(probe); err != nil {
		return nil, settings.Usagef("push to %q: %w", to, err)
	}
	u := &Upload{Tree: &transfer.Tree{}, To: to, where: to}
	var unread []error
	for _, local := range locals {
		path := to
		if name := filepath.Base(local); into && !contents(local) {
			path = to + `\` + name
		}
		if err := u.Tree.Add(local, path); err != nil {
			unread = append(unread, err)
		}
		if len(locals) == 1 {
			u.where = path
		}
	}
	if err := errors.Join(unread...); err != nil {
		return nil, settings.Usagef("push: %w", err)
	}
	if len(locals) == 1 && !into && len(u.Tree.Files) == 1 && u.Tree.Files[0].Path == to {
		u.local = locals[0]
	}
	if err := u.Tree.Check(); err != nil {
		return nil, settings.Usagef("%w", err)
	}
	return u, nil
}

// guestPath is a path as Windows has it, and whether it names a folder to go into. A drive's root is
// kept as "C:", to which a name can be appended.
func guestPath(path string) (string, bool) {
	path = strings.ReplaceAll(path, "/", `\`)
	trimmed := strings.TrimRight(path, `\`)
	return trimmed, trimmed != path
}

// contents reports whether a host path is a folder's contents and not the folder by its name.
func contents(local string) bool {
	last := local[strings.LastIndexByte(local, filepath.Separator)+1:]
	return last == "." || last == ".."
}

// Run brings it there.
func (u *Upload) Run(ctx context.Context, g *guest.Guest, progress func(transfer.Progress)) (transfer.PushStats, error) {
	if winname.CheckPath(u.To) == nil { // not a drive's root, which is always there
		if err := u.look(ctx, g); err != nil {
			return transfer.PushStats{}, err
		}
	}
	return g.PushTree(ctx, u.Tree, progress)
}

// Where is where it went, once it has; several things went into that folder.
func (u *Upload) Where() string {
	if !strings.Contains(u.where, `\`) { // a drive's root
		return u.where + `\`
	}
	return u.where
}

// look finds out what To is in the guest.
func (u *Upload) look(ctx context.Context, g *guest.Guest) error {
	there, err := g.Look(ctx, u.To)
	switch {
	case err != nil:
		return err
	case u.local != "" && there.Kind == transfer.EntryFolder:
		u.To += `\` + filepath.Base(u.local)
		u.Tree.Files[0].Path, u.where = u.To, u.To
	case u.local == "" && there.Kind == transfer.EntryFile:
		return settings.Usagef("push: %s is a file in the guest, and can't be a folder: choose another path, or remove it there", u.To)
	}
	return nil
}

// destination is where on the host a file or folder of a guest goes: local itself, or below it under
// its own name when local ends in a slash, "." or "..", or, for a file, is a folder.
func destination(path, local string, kind transfer.EntryKind) string {
	path, _ = guestPath(path)
	name := path[strings.LastIndexByte(path, '\\')+1:]
	info, err := os.Stat(local)
	isFolder := err == nil && info.IsDir()
	switch {
	case strings.HasSuffix(local, string(filepath.Separator)), contents(local), isFolder && kind == transfer.EntryFile:
		return filepath.Join(local, name)
	}
	return local
}

// Download fetches a file or a folder from a guest to where [destination] says, which it returns.
func Download(ctx context.Context, g *guest.Guest, path, local string, progress func(transfer.Progress)) (string, transfer.TreeStats, error) {
	path, _ = guestPath(path)
	if err := winname.CheckPath(path); err != nil {
		return "", transfer.TreeStats{}, settings.Usagef("pull: guest path %q: %w", path, err)
	}
	to := destination(path, local, transfer.EntryFolder)
	if destination(path, local, transfer.EntryFile) != to { // then it matters which it is
		there, err := g.Look(ctx, path)
		if err != nil {
			return "", transfer.TreeStats{}, err
		}
		to = destination(path, local, there.Kind)
	}
	stats, err := g.PullTree(ctx, path, to, transfer.TreeOptions{Progress: progress})
	return to, stats, err
}

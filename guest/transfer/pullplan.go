package transfer

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"wskharness/disk"
	"wskharness/guest/winname"
)

// plan gives each entry its place, and leaves out what can't have one.
func (p *treePull) plan(entries []Entry) {
	gone := make(map[string]bool) // places of folders that are left out, with what is in them
	for _, e := range entries {
		full, place := p.path+`\`+e.Path, filepath.FromSlash(strings.ReplaceAll(e.Path, `\`, "/"))
		if gone[filepath.Dir(place)] {
			gone[place] = e.Kind == EntryFolder
			continue
		}
		if e.Kind == EntryLink {
			p.stats.Links = append(p.stats.Links, full)
			continue
		}
		if err := p.placeable(full, place); err != nil {
			p.out.add(full, err)
			gone[place] = e.Kind == EntryFolder
			continue
		}
		if e.Kind == EntryFolder {
			p.folders = append(p.folders, place)
			continue
		}
		p.items = append(p.items, &treeItem{path: full, place: place, size: e.Size})
	}
	for _, item := range p.items {
		p.total += item.size
	}
}

// maxHostName is the longest name that a file system of Linux takes, in bytes: 255 units of UTF-16, which NTFS takes, may be
// 765.
const maxHostName = 255

// placeable says why a path of the guest can't be asked for, or have its place here.
func (p *treePull) placeable(full, place string) error {
	name := filepath.Base(place)
	switch {
	case winname.CheckPath(full) != nil:
		return winname.CheckPath(full)
	case !filepath.IsLocal(place):
		return errors.New("leads out of its folder")
	case len(name) > maxHostName:
		return fmt.Errorf("its name has %d bytes here, and the most is %d: pull it by itself, to a shorter name", len(name), maxHostName)
	case parts.MatchString(name):
		return errIsPart
	}
	return nil
}

// survey looks at what is at the places already: only files may be replaced, and links in the way
// are not followed.
func (p *treePull) survey(refused *NamesError) {
	in := func(place string, wanted fs.FileMode) (fs.FileInfo, bool) {
		info, err := p.root.Lstat(place)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, true
		case err != nil:
			refused.add(filepath.Join(p.dir, place), err)
		case info.Mode().Type() != wanted:
			refused.add(filepath.Join(p.dir, place), fmt.Errorf("a %s is to come here, and something else is there: move it away", kindOf(wanted)))
		default:
			return info, true
		}
		return nil, false
	}
	for _, folder := range p.folders {
		in(folder, fs.ModeDir)
	}
	p.items = slices.DeleteFunc(p.items, func(item *treeItem) bool {
		_, err := p.root.Lstat(item.place)
		if !disk.Unnameable(err) {
			return false
		}
		p.out.add(item.path, fmt.Errorf("this file system can't have its name: %w", err)) // as one that encrypts names
		p.total -= item.size
		return true
	})
	for _, item := range p.items {
		info, ok := in(item.place, 0)
		item.here = ok && info != nil && info.Size() == item.size
		in(partPlace(item.place), 0)
	}
}

func kindOf(mode fs.FileMode) string {
	if mode == fs.ModeDir {
		return "folder"
	}
	return "file"
}

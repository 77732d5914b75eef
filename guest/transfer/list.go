package transfer

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"wskharness/guest/agent"
	"wskharness/guest/untrusted"
	"wskharness/guest/winname"
	"wskharness/winerr"
)

// Entry is what is at a path in a guest.
type Entry struct {
	Path string // below the path that was listed, with backslashes; "" is that path itself
	Kind EntryKind
	Size int64 // of a file, when it was listed
}

// EntryKind says what an Entry is.
type EntryKind string

const (
	EntryFile   EntryKind = "file"
	EntryFolder EntryKind = "folder"
	EntryLink   EntryKind = "link"   // a symbolic link or a junction, which is not followed
	EntryAbsent EntryKind = "absent" // only of the path that was listed

	entryUnreadable EntryKind = "unreadable"
	entryEnd        EntryKind = "end"
)

// What a listing may hold. The agent (driver/agent/transfer/list.c) has the same limits.
const (
	maxListEntries = 100_000
	maxListDepth   = 64
	maxListLine    = 16 << 10
)

// listing is what there is at a path in a guest, and below it; folders come before what is in them. The first entry is the
// path itself. Every name is one that the agent can be asked about, none is there twice, and none leads out of the
// folder: whatever the guest sends.
type listing struct {
	entries []Entry
	// leftOut are the paths for which that does not hold, and those that the agent can't read, each with the reason. What is
	// below one of them is left out with it.
	leftOut NamesError
}

// Look says what is at a path in the guest, without what is below it.
//
// Errors: *[agent.Error]; *[agent.ProtocolError].
func (m *Mover) Look(ctx context.Context, path string) (Entry, error) {
	l, err := m.list(ctx, path, "--itself")
	if err != nil {
		return Entry{}, err
	}
	if len(l.entries) != 1 {
		return Entry{}, &agent.ProtocolError{Doing: "look at " + path, Err: fmt.Errorf("%d entries about one path", len(l.entries))}
	}
	return l.entries[0], nil
}

// list lists what is at a path in the guest and everything below it.
func (m *Mover) list(ctx context.Context, path string, options ...string) (l listing, err error) {
	if err := winname.CheckPath(path); err != nil {
		return listing{}, fmt.Errorf("list: guest path %q: %w", path, err)
	}
	err = m.agent.Persist(ctx, "list "+path, func(ctx context.Context) (bool, error) {
		l, err = m.listOnce(ctx, path, options)
		return false, err
	})
	return l, err
}

func (m *Mover) listOnce(ctx context.Context, path string, options []string) (listing, error) {
	p, err := m.agent.Start(ctx, append(append([]string{"list"}, options...), path)...)
	if err != nil {
		return listing{}, err
	}
	defer p.Close()
	l, err := parseListing(p.Out)
	if limit, ok := errors.AsType[*agent.LimitError](err); ok {
		limit.Doing = "list " + path
	}
	if err != nil {
		return listing{}, p.Explain(ctx, "list "+path, err)
	}
	return l, p.Wait(ctx)
}

// listLine is one line of a listing (docs/protocol.md, "listing").
type listLine struct {
	Kind    EntryKind    `json:"kind"`
	Path    string       `json:"path"`
	Size    int64        `json:"size"`
	Win32   winerr.Win32 `json:"win32"`
	Entries int          `json:"entries"`
}

// parseListing reads a listing to its end. io.EOF means that there was none.
func parseListing(r io.Reader) (listing, error) {
	lines := bufio.NewReaderSize(r, maxListLine)
	l := listingReader{folders: make(map[string]bool), seen: make(map[string]bool), gone: make(map[string]bool)}
	for {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return listing{}, agent.Malformed("a line of more than %d bytes", maxListLine)
		}
		if err != nil {
			return listing{}, err
		}
		var line listLine
		if err := json.Unmarshal(text, &line); err != nil {
			return listing{}, agent.Malformed("line %d is no entry: %v", l.told+1, err)
		}
		if line.Kind == entryEnd {
			if _, err := lines.ReadByte(); err == nil {
				return listing{}, agent.Malformed("bytes after the last line")
			}
			return l.end(line.Entries)
		}
		if err := l.add(line); err != nil {
			return listing{}, err
		}
	}
}

// listingReader is a listing that is being read.
type listingReader struct {
	listing
	told    int             // lines
	folders map[string]bool // paths of the folders so far, as they were told
	gone    map[string]bool // those that are left out with all that is below them
	seen    map[string]bool // all paths
}

func (l *listingReader) add(line listLine) error {
	if l.told++; l.told > maxListEntries {
		return &agent.LimitError{What: "entries", Limit: maxListEntries}
	}
	if (l.told == 1) != (line.Path == "" && line.Kind != entryUnreadable) {
		return agent.Malformed("entry %d is %q: the first, and only the first, is the path itself", l.told, untrusted.Clip(line.Path, 80))
	}
	switch line.Kind {
	case EntryFile:
		if line.Size < 0 {
			return agent.Malformed("%q has %d bytes", untrusted.Clip(line.Path, 80), line.Size)
		}
	case EntryAbsent:
		if l.told > 1 {
			return agent.Malformed("an entry that is absent")
		}
	case entryUnreadable:
		l.leftOut.add(cmp.Or(line.Path, "the folder itself"), unreadable(line.Win32))
		return nil
	case EntryFolder, EntryLink:
	default:
		return agent.Malformed("an entry of kind %q", untrusted.Clip(string(line.Kind), 40))
	}
	if line.Path != "" && !l.place(line) {
		return nil
	}
	if line.Kind == EntryFolder {
		l.folders[line.Path] = true
	}
	l.entries = append(l.entries, Entry{Path: line.Path, Kind: line.Kind, Size: line.Size})
	return nil
}

// unreadable is why the agent tells of an entry and nothing more.
func unreadable(win32 winerr.Win32) error {
	switch win32 {
	case winerr.ErrorFilenameExcedRange:
		return fmt.Errorf("it is deeper than %d folders, or its path is longer than %d characters", maxListDepth, winname.MaxPath)
	case winerr.ErrorNoUnicodeTranslation:
		return errors.New("its name is no Unicode: it has half a pair of surrogates; rename it in the guest")
	}
	return fmt.Errorf("the agent can't read it: %s", win32)
}

// place reports whether a path below the root can be taken, and notes why not.
func (l *listingReader) place(line listLine) bool {
	name, folder := line.Path, ""
	if i := strings.LastIndexByte(line.Path, '\\'); i >= 0 {
		folder, name = line.Path[:i], line.Path[i+1:]
	}
	var err error
	switch {
	case l.gone[folder]: // why is said already
		l.gone[line.Path] = line.Kind == EntryFolder
		return false
	case strings.Count(line.Path, `\`) >= maxListDepth:
		err = fmt.Errorf("deeper than %d folders", maxListDepth)
	case winname.Check(name) != nil:
		err = winname.Check(name)
	case !l.folders[folder]:
		err = errors.New("its folder was not listed, or was refused")
	case l.seen[line.Path]:
		err = errors.New("listed twice")
	}
	if err != nil {
		l.leftOut.add(line.Path, err)
		l.gone[line.Path] = line.Kind == EntryFolder && !l.seen[line.Path]
		return false
	}
	l.seen[line.Path] = true
	return true
}

func (l *listingReader) end(entries int) (listing, error) {
	if l.told == 0 || entries != l.told {
		return listing{}, agent.Malformed("the last line speaks of %d entries, %d came", entries, l.told)
	}
	return l.listing, nil
}

package guest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
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

// What a listing may hold. The agent (driver/agent/list.c) has the same limits.
const (
	maxListEntries = 100_000
	maxListDepth   = 64
	maxListLine    = 16 << 10
)

// List lists what is at a path in the guest and everything below it; folders come before what is in
// them. The first entry is the path itself. Every name is one that Windows can have, no two of a
// folder are the same but for case, and none leads out of the folder: whatever the guest sends.
//
// Errors: *[NamesError] with every entry that can't be taken; *[AgentError]; *[ProtocolError];
// *[LimitError].
func (g *Guest) List(ctx context.Context, path string) ([]Entry, error) {
	return g.list(ctx, path, "list", path)
}

// Look says what is at a path in the guest, without what is below it.
func (g *Guest) Look(ctx context.Context, path string) (Entry, error) {
	entries, err := g.list(ctx, path, "list", "--itself", path)
	if err != nil {
		return Entry{}, err
	}
	if len(entries) != 1 {
		return Entry{}, &ProtocolError{Doing: "look at " + path, Err: fmt.Errorf("%d entries about one path", len(entries))}
	}
	return entries[0], nil
}

func (g *Guest) list(ctx context.Context, path string, args ...string) (entries []Entry, err error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	err = g.persist(ctx, "list "+path, func(ctx context.Context) (bool, error) {
		entries, err = g.listOnce(ctx, path, args)
		return false, err
	})
	return entries, err
}

func (g *Guest) listOnce(ctx context.Context, path string, args []string) ([]Entry, error) {
	p, err := g.start(ctx, g.exe, args...)
	if err != nil {
		return nil, err
	}
	defer p.close()
	entries, err := parseListing(p.Stdout)
	if errors.Is(err, io.EOF) { // then how the agent died is what to report
		if _, died := p.wait(ctx); died != nil {
			return nil, died
		}
		err = &malformedError{"the listing ended without its last line"}
	}
	if bad, ok := errors.AsType[*malformedError](err); ok {
		return nil, &ProtocolError{Doing: "list " + path, Err: bad}
	}
	if limit, ok := errors.AsType[*LimitError](err); ok {
		limit.Doing = "list " + path
	}
	if names, ok := errors.AsType[*NamesError](err); ok {
		names.Doing = "list " + path
	}
	if err != nil {
		return nil, err
	}
	_, err = p.wait(ctx)
	return entries, err
}

// listLine is one line of a listing (docs/protocol.md, "Listing").
type listLine struct {
	Kind    EntryKind `json:"kind"`
	Path    string    `json:"path"`
	Size    int64     `json:"size"`
	Win32   uint32    `json:"win32"`
	Entries int       `json:"entries"`
}

// parseListing reads a listing to its end. io.EOF means that there was none.
func parseListing(r io.Reader) ([]Entry, error) {
	lines := bufio.NewReaderSize(r, maxListLine)
	l := listing{folders: make(map[string]bool), seen: make(map[string]bool)}
	for {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, malformed("a line of more than %d bytes", maxListLine)
		}
		if err != nil {
			return nil, err
		}
		var line listLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, malformed("line %d is no entry: %v", l.told+1, err)
		}
		if line.Kind == entryEnd {
			if _, err := lines.ReadByte(); err == nil {
				return nil, malformed("bytes after the last line")
			}
			return l.end(line.Entries)
		}
		if err := l.add(line); err != nil {
			return nil, err
		}
	}
}

// listing is one that is being read.
type listing struct {
	told    int // lines
	entries []Entry
	folders map[string]bool // paths of the folders so far, as they were told
	seen    map[string]bool // folded paths
	refused NamesError
}

func (l *listing) add(line listLine) error {
	if l.told++; l.told > maxListEntries {
		return &LimitError{What: "entries", Limit: maxListEntries}
	}
	if (l.told == 1) != (line.Path == "" && line.Kind != entryUnreadable) {
		return malformed("entry %d is %q: the first, and only the first, is the path itself", l.told, clip(line.Path, 80))
	}
	switch line.Kind {
	case EntryFile:
		if line.Size < 0 {
			return malformed("%q has %d bytes", clip(line.Path, 80), line.Size)
		}
	case EntryAbsent:
		if l.told > 1 {
			return malformed("an entry that is absent")
		}
	case entryUnreadable:
		l.refused.add(cmp.Or(line.Path, "the folder itself"), fmt.Errorf("the agent can't read it: Win32 error %d", line.Win32))
		return nil
	case EntryFolder, EntryLink:
	default:
		return malformed("an entry of kind %q", clip(string(line.Kind), 40))
	}
	if line.Path != "" && !l.place(line.Path) {
		return nil
	}
	if line.Kind == EntryFolder {
		l.folders[line.Path] = true
	}
	l.entries = append(l.entries, Entry{Path: line.Path, Kind: line.Kind, Size: line.Size})
	return nil
}

// place reports whether a path below the root can be taken, and notes why not.
func (l *listing) place(path string) bool {
	name, folder := path, ""
	if i := strings.LastIndexByte(path, '\\'); i >= 0 {
		folder, name = path[:i], path[i+1:]
	}
	var err error
	switch {
	case strings.Count(path, `\`) >= maxListDepth:
		err = fmt.Errorf("deeper than %d folders", maxListDepth)
	case checkName(name) != nil:
		err = checkName(name)
	case !l.folders[folder]:
		err = errors.New("its folder was not listed, or was refused")
	case l.seen[fold(path)]:
		err = errors.New("listed twice, or the same as another but for case")
	}
	if err != nil {
		l.refused.add(path, err)
		return false
	}
	l.seen[fold(path)] = true
	return true
}

func (l *listing) end(entries int) ([]Entry, error) {
	if l.told == 0 || entries != l.told {
		return nil, malformed("the last line speaks of %d entries, %d came", entries, l.told)
	}
	if err := l.refused.err(); err != nil {
		return nil, err
	}
	return l.entries, nil
}

// NamesError is every path of a transfer that can't be taken: found before anything is moved.
type NamesError struct {
	Doing string
	Total int
	First []error // at most maxNames of them, each with its path
}

const maxNames = 100

func (e *NamesError) add(path string, why error) {
	if e.Total++; len(e.First) < maxNames {
		e.First = append(e.First, fmt.Errorf("%s: %w", clip(printable([]byte(path)), 300), why))
	}
}

// err is e where there is anything in it.
func (e *NamesError) err() error {
	if e.Total == 0 {
		return nil
	}
	return e
}

func (e *NamesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: nothing was moved, because of %d path", e.Doing, e.Total)
	if e.Total > 1 {
		b.WriteByte('s')
	}
	for _, one := range e.First {
		b.WriteString("\n  " + one.Error())
	}
	if more := e.Total - len(e.First); more > 0 {
		fmt.Fprintf(&b, "\n  … and %d more", more)
	}
	return b.String()
}

func (e *NamesError) Unwrap() []error { return e.First }

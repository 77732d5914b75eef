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

// What a listing may hold. The agent (driver/agent/transfer/list.c) has the same limits.
const (
	maxListEntries = 100_000
	maxListDepth   = 64
	maxListLine    = 16 << 10
)

// Listing is what there is at a path in a guest, and below it; folders come before what is in them. The first entry is the
// path itself. Every name is one that the agent can be asked about, none is there twice, and none leads out of the
// folder: whatever the guest sends.
type Listing struct {
	Entries []Entry
	// LeftOut are the paths for which that does not hold, and those that the agent can't read, each with the reason. What is
	// below one of them is left out with it.
	LeftOut NamesError
}

// List lists what is at a path in the guest and everything below it.
//
// Errors: *[AgentError]; *[ProtocolError]; *[LimitError].
func (g *Guest) List(ctx context.Context, path string) (Listing, error) {
	return g.list(ctx, path, "list", path)
}

// Look says what is at a path in the guest, without what is below it.
func (g *Guest) Look(ctx context.Context, path string) (Entry, error) {
	l, err := g.list(ctx, path, "list", "--itself", path)
	if err != nil {
		return Entry{}, err
	}
	if len(l.Entries) != 1 {
		return Entry{}, &ProtocolError{Doing: "look at " + path, Err: fmt.Errorf("%d entries about one path", len(l.Entries))}
	}
	return l.Entries[0], nil
}

func (g *Guest) list(ctx context.Context, path string, args ...string) (l Listing, err error) {
	if err := CheckPath(path); err != nil {
		return Listing{}, err
	}
	err = g.persist(ctx, "list "+path, func(ctx context.Context) (bool, error) {
		l, err = g.listOnce(ctx, path, args)
		return false, err
	})
	return l, err
}

func (g *Guest) listOnce(ctx context.Context, path string, args []string) (Listing, error) {
	p, err := g.start(ctx, g.exe, args...)
	if err != nil {
		return Listing{}, err
	}
	defer p.close()
	l, err := parseListing(p.Stdout)
	if errors.Is(err, io.EOF) { // then how the agent died is what to report
		if _, died := p.wait(ctx); died != nil {
			return Listing{}, died
		}
		err = &malformedError{"the listing ended without its last line"}
	}
	if bad, ok := errors.AsType[*malformedError](err); ok {
		return Listing{}, &ProtocolError{Doing: "list " + path, Err: bad}
	}
	if limit, ok := errors.AsType[*LimitError](err); ok {
		limit.Doing = "list " + path
	}
	if err != nil {
		return Listing{}, err
	}
	_, err = p.wait(ctx)
	return l, err
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
func parseListing(r io.Reader) (Listing, error) {
	lines := bufio.NewReaderSize(r, maxListLine)
	l := listing{folders: make(map[string]bool), seen: make(map[string]bool), gone: make(map[string]bool)}
	for {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return Listing{}, malformed("a line of more than %d bytes", maxListLine)
		}
		if err != nil {
			return Listing{}, err
		}
		var line listLine
		if err := json.Unmarshal(text, &line); err != nil {
			return Listing{}, malformed("line %d is no entry: %v", l.told+1, err)
		}
		if line.Kind == entryEnd {
			if _, err := lines.ReadByte(); err == nil {
				return Listing{}, malformed("bytes after the last line")
			}
			return l.end(line.Entries)
		}
		if err := l.add(line); err != nil {
			return Listing{}, err
		}
	}
}

// listing is one that is being read.
type listing struct {
	Listing
	told    int             // lines
	folders map[string]bool // paths of the folders so far, as they were told
	gone    map[string]bool // those that are left out with all that is below them
	seen    map[string]bool // all paths
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
		l.LeftOut.add(cmp.Or(line.Path, "the folder itself"), unreadable(line.Win32))
		return nil
	case EntryFolder, EntryLink:
	default:
		return malformed("an entry of kind %q", clip(string(line.Kind), 40))
	}
	if line.Path != "" && !l.place(line) {
		return nil
	}
	if line.Kind == EntryFolder {
		l.folders[line.Path] = true
	}
	l.Entries = append(l.Entries, Entry{Path: line.Path, Kind: line.Kind, Size: line.Size})
	return nil
}

// unreadable is why the agent tells of an entry and nothing more.
func unreadable(win32 uint32) error {
	switch win32 {
	case 206: // ERROR_FILENAME_EXCED_RANGE
		return fmt.Errorf("it is deeper than %d folders, or its path is longer than %d characters", maxListDepth, maxPath)
	case 1113: // ERROR_NO_UNICODE_TRANSLATION
		return errors.New("its name is no Unicode: it has half a pair of surrogates; rename it in the guest")
	}
	return fmt.Errorf("the agent can't read it: Win32 error %d", win32)
}

// place reports whether a path below the root can be taken, and notes why not.
func (l *listing) place(line listLine) bool {
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
	case checkName(name) != nil:
		err = checkName(name)
	case !l.folders[folder]:
		err = errors.New("its folder was not listed, or was refused")
	case l.seen[line.Path]:
		err = errors.New("listed twice")
	}
	if err != nil {
		l.LeftOut.add(line.Path, err)
		l.gone[line.Path] = line.Kind == EntryFolder && !l.seen[line.Path]
		return false
	}
	l.seen[line.Path] = true
	return true
}

func (l *listing) end(entries int) (Listing, error) {
	if l.told == 0 || entries != l.told {
		return Listing{}, malformed("the last line speaks of %d entries, %d came", entries, l.told)
	}
	return l.Listing, nil
}

// NamesError is every path of a transfer that can't be taken.
type NamesError struct {
	Doing string
	Rest  bool // all else was moved; false: nothing was
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
	paths := "1 path"
	if e.Total > 1 {
		paths = fmt.Sprintf("%d paths", e.Total)
	}
	if e.Rest {
		fmt.Fprintf(&b, "%s: all but %s", e.Doing, paths)
	} else {
		fmt.Fprintf(&b, "%s: nothing was moved, because of %s", e.Doing, paths)
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

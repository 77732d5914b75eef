package guest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"wskharness/guest/ntfs"
	"wskharness/guest/untrusted"
	"wskharness/guest/winname"
)

// Traces are what crashes have left in a guest.
type Traces struct {
	Dumps    map[string]Dump // crash dumps by their paths; nil: they could not be listed
	Control  CrashControl
	EventLog bool // there is a System event log to ask
}

// CrashControl is how the guest is set to write dumps, and so where they were looked for ("Memory dump file options for Windows").
type CrashControl struct {
	Enabled     *uint32 `json:"enabled"`     // CrashDumpEnabled, 0: no dumps; nil: not known
	Keep        bool    `json:"keep"`        // AlwaysKeepMemoryDump
	DumpFile    string  `json:"dumpFile"`    // variables expanded; empty: not known
	MinidumpDir string  `json:"minidumpDir"` // the same
}

// scarce is the room on the volume of DumpFile below which a Windows client of no domain deletes the dump again, in bytes
// ("Windows Internals", 6th edition, part 2, chapter 14).
const scarce = 25 << 30

// Problems say which dumps are not made, not kept, or not looked for. free is the room on drive C:, where that is known.
func (c CrashControl) Problems(free *uint64) []string {
	var all []string
	large := c.Enabled != nil && (*c.Enabled == 1 || *c.Enabled == 2 || *c.Enabled == 7) // full, kernel, automatic
	switch {
	case c.Enabled != nil && *c.Enabled == 0:
		all = append(all, `CrashControl\CrashDumpEnabled is 0: a crash leaves no dump`)
	case large && !c.Keep && free != nil && *free < scarce && strings.HasPrefix(ntfs.Fold(c.DumpFile), `C:`):
		all = append(all, `CrashControl\AlwaysKeepMemoryDump is not 1, and less than 25 GiB are free on C:: a Windows client that is in no domain deletes the dump of a crash again`)
	}
	for _, place := range []struct{ name, path string }{{"DumpFile", c.DumpFile}, {"MinidumpDir", c.MinidumpDir}} {
		switch {
		case place.path == "":
			all = append(all, fmt.Sprintf(`CrashControl\%s can't be read: dumps are not looked for there`, place.name))
		case winname.CheckPath(place.path) != nil:
			all = append(all, fmt.Sprintf(`CrashControl\%s is %q: dumps are not looked for there (%v)`, place.name, untrusted.Clip(place.path, 80), winname.CheckPath(place.path)))
		}
	}
	return all
}

// has reports whether a path is one of those at which dumps are: the file itself, or a .dmp in the folder.
func (c CrashControl) has(path string) bool {
	if winname.CheckPath(path) != nil {
		return false
	}
	if ntfs.Fold(path) == ntfs.Fold(c.DumpFile) {
		return true
	}
	i := strings.LastIndexByte(path, '\\')
	return ntfs.Fold(path[:i]) == ntfs.Fold(c.MinidumpDir) && strings.HasSuffix(ntfs.Fold(path), ".DMP") && len(path)-i <= maxDumpName
}

// Dump is a crash dump as the guest tells of it. Time is only to be compared with itself: a guest's clock may be wrong.
type Dump struct {
	Size int64  `json:"size"`
	Time string `json:"time"`
}

const (
	maxDumps     = 64      // that are looked at
	maxDumpTime  = 20      // bytes
	maxDumpName  = 3 * 120 // bytes
	maxCrashPath = 3 * 260 // bytes
)

// Traces asks what crashes have left now. Contact that is lost is sought again, as by every question.
func (g *Guest) Traces(ctx context.Context) (Traces, error) {
	var facts Facts
	err := g.persist(ctx, "agent info", func(ctx context.Context) (bool, error) {
		var err error
		facts, err = g.probe(ctx)
		return false, err
	})
	if err == nil && facts.Traces.Dumps == nil {
		err = errors.New("the agent could not list them")
	}
	if err != nil {
		return Traces{}, fmt.Errorf("list the crash dumps: %w", err)
	}
	return facts.Traces, nil
}

// tracesJSON is their part of what `info` prints.
type tracesJSON struct {
	Dumps []struct {
		Path string `json:"path"`
		Dump
	} `json:"dumps"`
	Crash    CrashControl `json:"crash"`
	EventLog bool         `json:"eventLog"`
}

// traces leaves out what is no dump: the list is the guest's, and hostile.
func (in tracesJSON) traces() Traces {
	t := Traces{EventLog: in.EventLog, Control: in.Crash}
	for _, path := range []*string{&t.Control.DumpFile, &t.Control.MinidumpDir} {
		if len(*path) > maxCrashPath {
			*path = ""
		}
	}
	if in.Dumps == nil {
		return t
	}
	t.Dumps = map[string]Dump{}
	for _, d := range in.Dumps {
		if t.Control.has(d.Path) && d.Size > 0 && len(d.Time) <= maxDumpTime && len(t.Dumps) < maxDumps {
			t.Dumps[d.Path] = d.Dump
		}
	}
	return t
}

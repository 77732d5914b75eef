package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/guest/crashdump"
	"wskharness/remote"
	"wskharness/results"
)

const (
	listLimit = 15 * time.Second // to list the dumps of a guest
	maxDumps  = 64               // that are looked at, and
	maxListed = 32 << 10         // bytes of their list
	// maxDump is how large a dump may be to be fetched. A larger one stays in the guest, and is told of.
	maxDump = 4 << 30
	// dumpLimit is how long Windows may take after a reboot to make a dump of what the crash left in its page file.
	dumpLimit = 60 * time.Second
	dumpPause = 2 * time.Second
)

// dumpList prints size, time and path of each crash dump. No file's name has an asterisk in it. The time is in the
// guest's own words: it is only compared with itself, since a clock may be wrong. Wine expands no wildcard behind a variable, so that
// the paths are as Windows sets them up.
// The file of the event log is in the list, too: where it is, there is one to ask.
const dumpList = `for %g in (C:\Windows\MEMORY.DM? C:\Windows\Minidump\*.dmp C:\Windows\System32\winevt\Logs\System.evt?) do @echo %~zg*%~tg*%~fg`

var dumpPath = regexp.MustCompile(`(?i)^C:\\Windows\\(MEMORY\.DMP|Minidump\\[A-Z0-9 _.-]{1,80}\.dmp)$`)

// dump is a crash dump as the guest's list tells of it.
type dump struct {
	Size int64  `json:"size"`
	Time string `json:"time"`
}

var logPath = regexp.MustCompile(`(?im)\*C:\\Windows\\System32\\winevt\\Logs\\System\.evtx\s*$`)

// noteTraces notes what earlier crashes have left in the guest, so that what this load leaves is known from it.
func (l *load) noteTraces(ctx context.Context) error {
	dumps, logged, err := l.listDumps(ctx)
	if err != nil {
		return err
	}
	l.dumps = dumps
	if !logged {
		return nil
	}
	_, newest, err := l.queryLog(ctx, newestEvent)
	if err != nil {
		return err
	}
	l.events = &newest
	return nil
}

// listDumps are the guest's dumps by their paths, and whether it has an event log.
func (s *session) listDumps(ctx context.Context) (dumps map[string]dump, logged bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.allow(listLimit))
	defer cancel()
	var out strings.Builder
	var code uint32
	for range connectTries {
		out.Reset()
		code, err = s.guest.Exec(ctx, remote.CommandLine{Line: dumpList}, nil, &limited{to: &out, left: maxListed}, nil)
		if err == nil || !guest.MayPass(ctx, err) {
			break
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("list the crash dumps of %s: %w", s.target.Name, err)
	}
	if code != 0 {
		return nil, false, fmt.Errorf("list the crash dumps of %s: exit code %d", s.target.Name, code)
	}
	return parseDumps(out.String()), logPath.MatchString(out.String()), nil
}

// parseDumps reads a list. What is no dump is left out: the list is the guest's, and hostile.
func parseDumps(list string) map[string]dump {
	dumps := map[string]dump{}
	for line := range strings.Lines(list) {
		parts := strings.Split(strings.TrimRight(line, "\r\n "), "*")
		if len(parts) != 3 || len(parts[1]) > 80 || !dumpPath.MatchString(parts[2]) || len(dumps) == maxDumps {
			continue
		}
		if size, err := strconv.ParseInt(parts[0], 10, 64); err == nil && size > 0 {
			dumps[parts[2]] = dump{Size: size, Time: strings.ToValidUTF8(parts[1], "\uFFFD")}
		}
	}
	return dumps
}

// limited passes on so many bytes and drops the rest.
type limited struct {
	to   *strings.Builder
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	keep := p[:min(len(p), l.left)]
	l.left -= len(keep)
	l.to.Write(keep)
	return len(p), nil
}

// newDumps are those that were not there, or not like this, when the load began. Windows makes them only after it has
// booted again, and takes its time.
func (l *load) newDumps(ctx context.Context) (map[string]dump, error) {
	windows := l.facts.Kind() == guest.KindWindows
	var last map[string]dump
	for deadline := time.Now().Add(dumpLimit); ; {
		all, _, err := l.listDumps(ctx)
		if err != nil {
			return nil, err
		}
		fresh := changed(l.dumps, all)
		grown := len(last) == 0 || len(last) != len(fresh)
		for path, d := range fresh {
			grown = grown || last[path] != d
		}
		if !windows || !grown || time.Now().After(deadline) {
			return fresh, nil
		}
		last = fresh
		select {
		case <-time.After(dumpPause):
		case <-ctx.Done():
			return fresh, nil
		}
	}
}

// changed are the dumps that are not as they were before. Which of two times is later means nothing: a guest's clock
// may have gone wrong, or right, in between.
func changed(before, now map[string]dump) map[string]dump {
	fresh := map[string]dump{}
	for path, d := range now {
		if before[path] != d {
			fresh[path] = d
		}
	}
	return fresh
}

// collectDumps fetches the dumps of the crash that ended this load. What can't be fetched is told, and no dump.
func (l *load) collectDumps(ctx context.Context) []results.Evidence {
	if l.dumps == nil || l.guest == nil {
		return nil
	}
	limit := l.plan.Request.Config.Limits.Collect
	if limit <= 0 {
		limit = defaultCollectLimit
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	fresh, err := l.newDumps(ctx)
	if err != nil {
		l.notice(l.target.Name, results.Warning, "%v", err)
		return nil
	}
	var paths []string
	for path := range fresh {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var all []results.Evidence
	for i, path := range paths {
		e := results.Evidence{Kind: "dump", Text: path + " in the guest", Size: fresh[path].Size}
		name := fmt.Sprintf("dump-%d-%d.dmp", l.loads, i+1)
		if _, err := l.guest.PullFile(ctx, path, filepath.Join(l.folder(), name), guest.PullOptions{MaxBytes: maxDump}); err != nil {
			e.Text += ", which could not be fetched: " + err.Error()
			if _, tooLarge := errors.AsType[*guest.LimitError](err); !tooLarge {
				l.notice(l.target.Name, results.Warning, "fetch a crash dump: %v", err)
			}
		} else if rel, err := filepath.Rel(l.dir, filepath.Join(l.folder(), name)); err == nil {
			e.File = filepath.ToSlash(rel)
			identify(&e, filepath.Join(l.folder(), name))
		}
		all = append(all, e)
	}
	return all
}

// identify notes what a dump tells. One that can't be read is evidence all the same.
func identify(e *results.Evidence, file string) {
	d, err := crashdump.Open(file)
	if err != nil {
		e.Text += ", which does not tell what happened: " + errors.Unwrap(err).Error()
		return
	}
	why := d.Explanation()
	e.Text += fmt.Sprintf(": stop code 0x%X %s: %s", uint64(why.Code), why.Name, why.Meaning)
	e.Signature = d.Signature().String()
	if d.Fault.Known() {
		e.Module, e.Offset = d.Fault.Module, uint64(d.Fault.Offset)
	}
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"wskharness/guest"
	"wskharness/guest/crashdump"
	"wskharness/results"
)

const (
	listLimit = 15 * time.Second // to list the dumps of a guest
	// maxDump is how large a dump may be to be fetched. A larger one stays in the guest, and is told of.
	maxDump = 4 << 30
	// dumpLimit is how long Windows may take after a reboot to make a dump of what the crash left in its page file.
	dumpLimit = 60 * time.Second
	dumpPause = 2 * time.Second
)

// noteTraces notes what earlier crashes have left in the guest, so that what this load leaves is known from it. Where the
// guest was only just asked for its facts, they have it.
func (l *load) noteTraces(ctx context.Context) error {
	traces, err := l.fresh, error(nil)
	l.fresh = guest.Traces{}
	if traces.Dumps == nil {
		if traces, err = l.traces(ctx); err != nil {
			return err
		}
	}
	l.dumps = traces.Dumps
	if !traces.EventLog {
		return nil
	}
	_, newest, err := l.queryLog(ctx, newestEvent)
	if err != nil {
		return err
	}
	l.events = &newest
	return nil
}

// traces asks the guest what crashes have left in it.
func (s *session) traces(ctx context.Context) (guest.Traces, error) {
	ctx, cancel := context.WithTimeout(ctx, s.allow(listLimit))
	defer cancel()
	traces, err := s.guest.Traces(ctx)
	if err != nil {
		err = fmt.Errorf("look for crashes of %s: %w", s.target.Name, err)
	}
	return traces, err
}

// newDumps are those that were not there, or not like this, when the load began. Windows makes them only after it has
// booted again, and takes its time.
func (l *load) newDumps(ctx context.Context) (map[string]guest.Dump, error) {
	windows := l.facts.Kind() == guest.KindWindows
	var last map[string]guest.Dump
	for deadline := time.Now().Add(dumpLimit); ; {
		now, err := l.traces(ctx)
		if err != nil {
			return nil, err
		}
		fresh := changed(l.dumps, now.Dumps)
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
func changed(before, now map[string]guest.Dump) map[string]guest.Dump {
	fresh := map[string]guest.Dump{}
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

package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"wskharness/crashdump"
	"wskharness/guest"
	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/harness/driverrun"
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

// traces are what earlier crashes have left in a guest.
type traces struct {
	dumps  map[string]guest.Dump // nil: not known
	newest *uint64               // the newest record of its event log; nil: it has none, or it is not known
	entry  string                // what the machine has told of earlier starts (vm.EntryTeller); empty: not known
}

// noteTraces notes what earlier crashes have left in the guest, so that what this driver run leaves is known from it.
// Where the guest was only just asked for its facts, they have it. What a crash has left that could not be fetched at its
// time is fetched now: only after that it counts as old.
func (l *driverRun) noteTraces(ctx context.Context) error {
	now, err := l.session.fresh, error(nil)
	l.session.fresh = guest.Traces{}
	if now.Dumps == nil {
		if now, err = l.session.askTraces(ctx); err != nil {
			return err
		}
	}
	if late := l.session.unsettled; late != nil {
		l.session.unsettled = nil
		l.settle(ctx, late, now)
	}
	l.traces = traces{dumps: now.Dumps}
	if !now.EventLog {
		return nil
	}
	_, newest, err := l.session.queryLog(ctx, newestEvent)
	if err != nil {
		return err
	}
	l.traces.newest = &newest
	return nil
}

// unsettled is a crash whose traces could not be fetched.
type unsettled struct {
	before traces
	n      int // of the driver run
	of     attemptKey
}

// settle fetches the dumps of an earlier crash, and gives them to what crashed.
func (l *driverRun) settle(ctx context.Context, late *unsettled, now guest.Traces) {
	if late.before.dumps == nil {
		return
	}
	for _, e := range l.pullDumps(ctx, changed(late.before.dumps, now.Dumps), late.n) {
		l.session.record.write(results.Event{Kind: results.KindEvidence, Case: late.of.Case, Attempt: late.of.Attempt, Evidence: &e})
	}
}

// askTraces asks the guest what crashes have left in it.
func (s *session) askTraces(ctx context.Context) (guest.Traces, error) {
	ctx, cancel := context.WithTimeout(ctx, s.allow(listLimit))
	defer cancel()
	traces, err := s.guest.Traces(ctx)
	if err != nil {
		err = fmt.Errorf("look for crash dumps of %s: %w", s.target.Name, err)
	}
	return traces, err
}

// newDumps are those that were not there, or not like this, when the load began. Windows makes them only after it has
// booted again, and takes its time.
func (l *driverRun) newDumps(ctx context.Context) (map[string]guest.Dump, error) {
	windows := l.session.facts.Kind() == guest.KindWindows
	var last map[string]guest.Dump
	for deadline := time.Now().Add(dumpLimit); ; {
		now, err := l.session.askTraces(ctx)
		if err != nil {
			return nil, err
		}
		fresh := changed(l.traces.dumps, now.Dumps)
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

// crashDumps fetches the dumps of the crash that ended this driver run. What can't be fetched is told, and no dump.
func (l *driverRun) crashDumps(ctx context.Context, _ driverrun.Collect) driverrun.Told {
	ctx, cancel := context.WithTimeout(ctx, l.session.collectLimit())
	defer cancel()
	all, err := l.fetchDumps(ctx)
	if err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "%v", err)
		test, number := l.state.UnderWay()
		l.session.unsettled = &unsettled{before: l.traces, n: l.n, of: attemptKey{test, number}}
	}
	return driverrun.Told{Evidence: all}
}

// fetchDumps fetches what is new among the dumps of the guest.
func (l *driverRun) fetchDumps(ctx context.Context) ([]results.Evidence, error) {
	switch {
	case l.traces.dumps == nil:
		return nil, nil
	case l.session.guest == nil:
		return nil, fmt.Errorf("look for crash dumps of %s: the guest can't be reached", l.session.target.Name)
	}
	fresh, err := l.newDumps(ctx)
	if err != nil {
		return nil, err
	}
	return l.pullDumps(ctx, fresh, l.n), nil
}

// pullDumps brings dumps into the target's folder.
func (l *driverRun) pullDumps(ctx context.Context, fresh map[string]guest.Dump, n int) []results.Evidence {
	var all []results.Evidence
	for i, path := range slices.Sorted(maps.Keys(fresh)) {
		e := results.Evidence{Kind: "dump", Text: path + " in the guest", Size: fresh[path].Size}
		name := fmt.Sprintf("dump-%d-%d.dmp", n, i+1)
		if _, err := l.session.guest.PullFile(ctx, path, filepath.Join(l.session.folder(), name), transfer.PullOptions{MaxBytes: maxDump}); err != nil {
			e.Text += ", which could not be fetched: " + err.Error()
			if _, tooLarge := errors.AsType[*agent.LimitError](err); !tooLarge {
				l.run.notice(l.session.target.Name, results.Warning, "a crash dump could not be fetched: %v", err)
			}
		} else if rel, err := filepath.Rel(l.run.dir, filepath.Join(l.session.folder(), name)); err == nil {
			e.File = filepath.ToSlash(rel)
			identify(&e, filepath.Join(l.session.folder(), name))
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

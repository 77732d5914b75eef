package harness

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"wskharness/guest"
	"wskharness/guest/transfer"
	"wskharness/results"
)

// maxCollected bounds what all cases of one load may have collected.
const maxCollected = 2 << 30

// collectFiles fetches the files that cases have collected, into files/CASE of the target's folder, where a second attempt
// gets a folder of its own. It is the guest that names them: only the names of the plan are taken.
func (l *driverRun) collectFiles(ctx context.Context) {
	if !slices.ContainsFunc(l.attempts, func(t *attempt) bool { return t.test.Collects() }) || l.session.guest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.session.collectLimit())
	defer cancel()
	if err := l.fetchCollected(ctx); err != nil {
		l.run.notice(l.session.target.Name, results.Warning, "the files that the cases have collected could not be fetched: %v", err)
	}
}

func (l *driverRun) fetchCollected(ctx context.Context) error {
	from := guest.CollectedPath(l.id)
	there, err := l.session.guest.Look(ctx, from)
	if err != nil {
		return err
	}
	if there.Kind == transfer.EntryAbsent {
		return nil // no step got that far
	}
	temporary, err := os.MkdirTemp(l.session.folder(), ".collect-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	_, err = l.session.guest.PullTree(ctx, from, filepath.Join(temporary, "files"), transfer.TreeOptions{MaxBytes: maxCollected})
	problems := []error{err} // what has its name is whole, whatever became of the rest
	for n, t := range l.attempts {
		for _, name := range t.test.CollectedNames() {
			problems = append(problems, l.keepCollected(t, filepath.Join(temporary, "files", strconv.Itoa(n), name), name))
		}
	}
	return errors.Join(problems...)
}

// keepCollected puts one file into its place and says so, as evidence of its case.
func (l *driverRun) keepCollected(t *attempt, from, name string) error {
	info, err := os.Lstat(from)
	if err != nil || !info.Mode().IsRegular() {
		return nil // that step did not come to pass
	}
	folder := t.test.Name()
	if l.run.plan.Request.Repeat > 1 {
		folder += "#" + strconv.Itoa(t.number)
	}
	place := filepath.Join(l.session.folder(), "files", folder, name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	if err := os.Rename(from, place); err != nil {
		return err
	}
	sum, err := fileSHA256(place)
	if err != nil {
		return err
	}
	e := results.Evidence{Kind: "collected", File: path.Join("targets", l.session.target.Name, "files", folder, name), SHA256: sum, Size: info.Size()}
	l.session.record.write(results.Event{Kind: results.KindEvidence, Case: t.test.Name(), Attempt: t.number, Evidence: &e})
	return nil
}

package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"wskharness/disk"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/settings"
	"wskharness/suites"
)

// requestFile is what was asked for, in the run folder: with it the run can be continued.
const requestFile = "request.json"

// standing is the request of a run, as it was planned.
type standing struct {
	ID         string  `json:"id"`
	Definition string  `json:"definition"` // SHA-256 of all cases as the agent is given them
	Request    Request `json:"request"`
}

// definition is a hash of all that the planned cases do, of how they are judged, and of the issues that are known of them:
// a run is only continued with what it was begun with. The files that they upload are held to that by keepUploads.
func (p *Plan) definition() string {
	sum := sha256.New()
	for _, c := range p.Cases {
		c.Identify(sum)
		for _, k := range p.Catalog.AllKnown(c) {
			k.Identify(sum)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// stand writes down what was asked for, before anything is begun.
func (p *Plan) stand(on disk.FS, dir, id string) error {
	if err := writeWhole(on, filepath.Join(dir, requestFile), standing{ID: id, Definition: p.definition(), Request: p.Request}); err != nil {
		return fmt.Errorf("write down what the run is to do: %w", err)
	}
	return nil
}

// uploadsFile says which files cases upload, by their hashes.
const uploadsFile = "uploads.json"

// keepUploads notes what cases upload, when everything is built; a run that is continued has to upload the same. All that
// has changed is told at once.
func (r *run) keepUploads() error {
	uploads := map[string]string{}
	var changed []error
	var was map[string]string
	path := filepath.Join(r.dir, uploadsFile)
	err := readWhole(r.env.disk(), path, &was)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read what the run uploads: %w", err)
	}
	for _, c := range suites.Whole(r.plan.Cases) {
		for _, u := range c.Uploads() {
			if uploads[u.Local] != "" {
				continue
			}
			content, err := readUpload(u.Local)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", u.Place, u.What, err)
			}
			uploads[u.Local] = content.sum
			if was != nil && was[u.Local] != uploads[u.Local] {
				changed = append(changed, fmt.Errorf("%s: %s: %s has changed since the run was begun: bring it back, or run the cases again, as a run of its own", u.Place, u.What, settings.DisplayPath(u.Local)))
			}
		}
	}
	switch {
	case len(changed) > 0:
		return &settings.UsageError{Err: errors.Join(changed...)}
	case was != nil || len(uploads) == 0:
		return nil
	}
	return writeWhole(r.env.disk(), path, uploads)
}

// Resume continues the run in a folder whose controller was killed: what is recorded stays, what the guest
// went on to do is fetched, and what is left runs. A run that is over only gets its reports written anew. A
// run that somebody else is at, or whose cases have changed since, is a *settings.UsageError.
func Resume(ctx context.Context, dir string, env Env, subscribers ...results.Subscriber) (*Finished, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, settings.Usagef("find the run to resume: %w", err)
	}
	var was standing
	if err := readWhole(env.disk(), filepath.Join(dir, requestFile), &was); err != nil {
		return nil, settings.Usagef("resume %s: %w; a folder without a request is of a run that can't be resumed: run it again", settings.DisplayPath(dir), err)
	}
	plan, err := env.plan(was.Request)
	if err != nil {
		return nil, fmt.Errorf("resume %s: %w", was.ID, err)
	}
	if plan.definition() != was.Definition {
		return nil, settings.Usagef("resume %s: the selected cases, or their known issues, have changed since it was begun: run them again, as a run of its own", was.ID)
	}
	journal, events, err := results.Open(env.disk(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		journal, err = results.Create(env.disk(), dir) // killed before its first event
	}
	if err != nil {
		return nil, &settings.UsageError{Err: fmt.Errorf("resume %s: %w", was.ID, err)}
	}
	r := &run{plan: plan, env: env, id: was.ID, dir: dir, journal: journal, log: env.Logger.Named("run")}
	return r.execute(ctx, events, subscribers)
}

const latestName = "latest"

// FindRun is the folder of a run: its own path, or its name below base; "latest" is the newest. A run that was killed
// before its first event has a request, and no journal yet.
func FindRun(base, name string) string {
	has := func(file string) bool { _, err := os.Stat(filepath.Join(name, file)); return err == nil }
	if filepath.IsAbs(name) || has(results.JournalName) || has(requestFile) {
		return name
	}
	dir := filepath.Join(base, name)
	if _, err := os.Stat(dir); name == latestName && err != nil {
		// Where no link can be made, as by most users of Windows, the newest is told by its name, which begins with the time.
		if runs, _ := filepath.Glob(filepath.Join(base, "[0-9]*-[0-9]*-*")); len(runs) > 0 {
			return slices.Max(runs)
		}
	}
	return dir
}

// resumeDriver continues a driver run that an earlier controller had begun: what it had read of the guest's journal is
// read again from its copy, and the rest fetched from the guest, where the guest is still there.
func (s *session) resumeDriver(ctx context.Context, open openRun) driverrun.Outcome {
	l := &driverRun{session: s, run: s.run, n: s.runs, id: open.ID, traces: traces{dumps: open.Dumps, newest: open.Events, entry: open.Entry}}
	if s.machine != nil {
		l.events = s.machine.Events()
	}
	for _, t := range s.onces() {
		s.byKey[t.key()] = t
	}
	again := map[attemptKey]bool{}
	for _, a := range open.Attempts {
		t := s.attemptOf(a.attemptKey)
		if t == nil {
			return driverrun.Outcome{Over: fmt.Sprintf("the checkpoint of %s names the case %s, which the plan does not have: run the cases again, as a run of its own", s.target.Name, a.Case)}
		}
		l.attempts = append(l.attempts, t)
		again[t.key()] = a.Again
	}
	if open.Proof != nil && (!s.adopted || verifies(s.facts)) {
		s.proof = open.Proof
		s.tellGuest()
	}
	s.record.begin(l.n, open.Boot)
	l.state = l.newState(open.Boot, open.Pages, true, func(key attemptKey) bool { return again[key] })
	defer l.close()
	next, err := l.reread()
	switch {
	case err != nil:
		s.run.abort(err)
		return driverrun.Outcome{Over: err.Error()}
	case !s.adopted && l.state.Phase() != driverrun.Over:
		next = l.apply(ctx, driverrun.Abandoned{})
	}
	_ = l.run.phase(l.session.target.Name, results.PhaseCases, func() (string, error) {
		l.execute(ctx, next)
		return "resumed", nil
	})
	if s.adopted {
		l.collectFiles(ctx)
	}
	return l.state.Outcome()
}

// reread takes in the copy of the guest's journal, up to the last line that is whole, and returns what is to be done next.
func (l *driverRun) reread() (next driverrun.Action, err error) {
	next = driverrun.Listen{Kind: driverrun.ForService}
	if l.raw, err = l.run.env.disk().OpenFile(l.rawPath(), os.O_RDWR|os.O_CREATE|os.O_APPEND, private); err != nil {
		return next, fmt.Errorf("resume from the copy of the guest's journal: %w", err)
	}
	at, err := journal.Read(l.raw, l.id, func(r journal.Record) {
		next = l.apply(context.Background(), driverrun.Recorded{Record: r})
	})
	if err == nil {
		err = l.raw.Truncate(at.Offset)
	}
	if err != nil {
		return next, fmt.Errorf("resume from the copy of the guest's journal: %w", err)
	}
	return next, nil
}

// replan voids what was begun, is not proven, and has to begin anew.
func (s *session) replan() {
	for _, t := range slices.Concat(s.attempts, s.onces()) {
		if s.record.unfinished(t.key()) {
			s.void(t, "was under way when the controller ended, and its guest is gone")
		}
	}
}

// onces are the attempts so far at what suites do once in a run of the driver.
func (s *session) onces() (all []*attempt) {
	for _, t := range s.withSuites(s.attempts) {
		for n := 1; n <= s.runs && t.test.Role != suites.RoleCase; n++ {
			all = append(all, &attempt{test: t.test, number: n, seed: t.seed})
		}
	}
	return all
}

// attemptOf is an attempt of the plan, or of what a suite does once in a run of the driver; nil where there is none such.
func (s *session) attemptOf(key attemptKey) *attempt {
	return s.byKey[key]
}

// remember takes over what the record has of this target.
func (s *session) remember() error {
	if err := s.run.env.disk().MkdirAll(s.folder(), 0o755); err != nil {
		return err
	}
	if err := s.readCheckpoint(); err != nil {
		return fmt.Errorf("resume on %s: %w", s.target.Name, err)
	}
	s.runs = s.checkpoint.Runs
	s.begun = s.resumed && slices.ContainsFunc(s.run.plan.Cases, func(c *suites.Case) bool { return c.Verifier != nil })
	return nil
}

// over reports whether an earlier controller had nothing left to do on this target.
func (s *session) over() bool {
	return s.checkpoint.Run == nil && len(s.unjudged(s.attempts)) == 0
}

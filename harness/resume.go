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

	"wskharness/guest"
	"wskharness/results"
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

// definition is a hash of what the planned cases do: a run is only continued with the cases that it was
// begun with.
func (p *Plan) definition() (string, error) {
	entries := make([]suites.Entry, len(p.Cases))
	for i, c := range p.Cases {
		entries[i] = suites.Entry{Case: c, Attempt: 1}
	}
	plan, err := suites.Compile(entries, suites.PlanOptions{
		RunID: "definition", DriverPath: guest.StorePath("definition", "driver.sys"), Service: p.Request.Config.service().Name,
		StartTimeout: startLimit, StopTimeout: stopLimit, Own: p.Request.Config.ownService(),
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(plan.Bytes())
	return hex.EncodeToString(sum[:]), nil
}

// stand writes down what was asked for, before anything is begun.
func (p *Plan) stand(dir, id string) error {
	definition, err := p.definition()
	if err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, requestFile), standing{ID: id, Definition: definition, Request: p.Request}); err != nil {
		return fmt.Errorf("write down what the run is to do: %w", err)
	}
	return nil
}

// Resume continues the run in a folder whose controller was killed: what is recorded stays, what the guest
// went on to do is fetched, and what is left runs. A run that is over only gets its reports written anew. A
// run that somebody else is at, or whose cases have changed since, is a *UsageError.
func Resume(ctx context.Context, dir string, env Env, handlers ...results.Handler) (*Finished, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, usagef("find the run to resume: %w", err)
	}
	var was standing
	if err := readWhole(filepath.Join(dir, requestFile), &was); err != nil {
		return nil, usagef("resume %s: %w; a folder without a request is of a run that can't be resumed: run it again", displayPath(dir), err)
	}
	plan, err := NewPlan(was.Request)
	if err != nil {
		return nil, fmt.Errorf("resume %s: %w", was.ID, err)
	}
	if is, err := plan.definition(); err != nil {
		return nil, fmt.Errorf("resume %s: %w", was.ID, err)
	} else if is != was.Definition {
		return nil, usagef("resume %s: the selected cases have changed since it was begun: run them again, as a run of its own", was.ID)
	}
	journal, events, err := results.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		journal, err = results.Create(dir) // killed before its first event
	}
	if err != nil {
		return nil, &UsageError{Err: fmt.Errorf("resume %s: %w", was.ID, err)}
	}
	r := &run{plan: plan, env: env, id: was.ID, dir: dir, journal: journal, log: env.Logger.Named("run")}
	return r.carryOut(ctx, events, handlers)
}

// FindRun is the folder of a run: its own path, or its name below base; "latest" is the newest.
func FindRun(base, name string) string {
	if _, err := os.Stat(filepath.Join(name, results.JournalName)); err == nil {
		return name
	}
	return filepath.Join(base, name)
}

// takeUp continues a load that an earlier controller had begun: what it had read of the guest's journal is
// read again from its copy, and the rest fetched from the guest, where the guest is still there.
func (s *session) takeUp(ctx context.Context, open openLoad) loadOutcome {
	l := &load{session: s, id: open.ID, boot: open.Boot, dumps: open.Dumps, events: open.Events}
	for _, key := range open.Trials {
		t := s.trialOf(key)
		if t == nil {
			return loadOutcome{over: true, why: fmt.Sprintf("the bookmark of %s names %s, which is not planned", s.target.Name, key.Case)}
		}
		t.verdict = nil // it is judged again, from the same words, and recorded once
		l.trials = append(l.trials, t)
	}
	if err := l.reread(); err != nil {
		return loadOutcome{over: true, why: err.Error()}
	}
	if s.adopted {
		l.goOn(ctx)
		l.conclude(ctx)
		l.collect(ctx)
	} else if l.hung != nil {
		l.finish(l.hung, l.hungVerdict) // there is nobody to ask any more
	}
	for _, t := range l.trials {
		if t.verdict == nil {
			t.verdict = s.past.final(t.key()) // a verdict that is recorded stands, whatever was lost since
		}
	}
	l.close()
	return l.outcome
}

// reread takes in the copy of the guest's journal, up to the last line that is whole.
func (l *load) reread() error {
	var err error
	if l.raw, err = os.OpenFile(l.rawPath(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
		return fmt.Errorf("take up the guest's journal: %w", err)
	}
	at, err := guest.ReadJournal(l.raw, l.id, l.take)
	if err == nil {
		err = l.raw.Truncate(at.Offset)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("take up the guest's journal: %w", err), l.raw.Close())
	}
	return nil
}

// goOn follows the guest's journal from where the copy ends.
func (l *load) goOn(ctx context.Context) {
	if l.ended {
		return
	}
	stream, err := l.guest.Follow(ctx, l.id, l.at, l.raw)
	if err != nil {
		if stream = l.contactLost(ctx, err); stream == nil {
			return
		}
	}
	_ = l.phase(l.target.Name, results.PhaseCases, func() (string, error) {
		l.follow(ctx, stream)
		return "taken up", nil
	})
}

// replan voids what was begun, was never judged, and has to begin anew.
func (s *session) replan() {
	for _, t := range s.trials {
		if t.judged() || !s.past.unfinished(t.key()) {
			continue
		}
		s.void(t, "was under way when the controller ended, and its guest is gone")
	}
}

func (s *session) trialOf(key attemptKey) *trial {
	for _, t := range s.trials {
		if t.key() == key {
			return t
		}
	}
	return nil
}

// remember takes over what the record has of this target.
func (s *session) remember() error {
	for _, t := range s.trials {
		t.verdict = s.past.final(t.key())
	}
	if err := os.MkdirAll(s.folder(), 0o755); err != nil {
		return err
	}
	if err := s.readBookmark(); err != nil {
		return fmt.Errorf("resume on %s: %w", s.target.Name, err)
	}
	s.loads = s.bookmark.Loads
	return nil
}

// over reports whether an earlier controller had nothing left to do on this target.
func (s *session) over() bool {
	for _, t := range s.trials {
		if !t.judged() {
			return false
		}
	}
	return s.bookmark.Load == nil
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"wskharness/guest"
	"wskharness/host"
	"wskharness/results"
)

// owed is what a run owes to a machine that nobody reverts: to remove what it brings there, and what was not there before. It is kept
// on this host, beside the machine's lock, from before the run brings anything until that is gone: where the run is cut off, and
// nobody resumes it, the next one on the machine pays.
type owed struct {
	Run    string     `json:"run"`
	Own    guest.Own  `json:"own"`
	Before guest.Left `json:"before"`
}

// owedFile is where that is kept; empty: the machine is no other run's.
func (s *session) owedFile() string {
	if s.target.Machine.Shared == "" {
		return ""
	}
	return host.MachineFile(s.run.env.Cache, s.target.Machine.Shared) + ".owed.json"
}

// payForOthers removes what another run has left in the guest that was cut off and not resumed. Where something stays, what was
// there before that run is what this one has to leave: it is returned.
func (s *session) payForOthers(ctx context.Context) (*guest.Left, error) {
	var of owed
	path := s.owedFile()
	if path == "" {
		return nil, nil
	}
	switch err := readWhole(s.run.env.disk(), path, &of); {
	case errors.Is(err, fs.ErrNotExist) || err == nil && of.Run == s.run.id:
		return nil, nil
	case err != nil: // it may have been cut by a full disk, or be another version's
		s.run.notice(s.target.Name, results.Warning, "what an earlier run has left on the machine is not known, and stays: %v", err)
		return nil, nil
	}
	err := s.run.phase(s.target.Name, results.PhaseClean, func() (string, error) {
		removed, err := s.guest.Clean(ctx, of.Own, of.Before)
		if err != nil {
			return "", fmt.Errorf("remove what run %s has left on %s: %w", of.Run, s.target.Name, err)
		}
		return summarize(removed), nil
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	name := filepath.Base(of.Run)
	if err != nil {
		s.run.notice(s.target.Name, results.Warning, "run %s was cut off on this machine and not resumed; what it has left could not be removed, and this run removes it with its own: %v", name, err)
		return &of.Before, nil
	}
	s.run.notice(s.target.Name, results.Warning, "run %s was cut off on this machine and not resumed; what it had left was removed: if it is resumed all the same, what it had not recorded runs again", name)
	return nil, nil
}

// owe notes what this run has to remove.
func (s *session) owe(before guest.Left) error {
	path := s.owedFile()
	if path == "" {
		return nil
	}
	if err := writeWhole(s.run.env.disk(), path, owed{Run: s.run.id, Own: s.own(), Before: before}); err != nil {
		return fmt.Errorf("note what the run has to remove from %s: %w", s.target.Name, err)
	}
	return nil
}

// paid notes that nothing is owed any more. What is beside the lock goes first: who is cut off in between pays once more.
func (s *session) paid() {
	if path := s.owedFile(); path != "" {
		if err := s.run.env.disk().Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("that the machine is clean could not be noted: the next run looks again", "error", err)
			return
		}
	}
	s.mark(checkpoint{Runs: s.runs, Clean: true})
}

// owes reports whether a run that has nothing left to run here has still to clean the machine, or to give its Driver Verifier back.
func (s *session) owes() bool {
	return !s.checkpoint.Clean && readWhole(s.run.env.disk(), filepath.Join(s.folder(), beforeFile), new(guest.Left)) == nil
}

// summarize is what was removed, for people.
func summarize(removed []string) string {
	if len(removed) == 0 {
		return "nothing was left"
	}
	return fmt.Sprintf("%d removed: %s", len(removed), strings.Join(removed[:min(len(removed), 8)], ", "))
}

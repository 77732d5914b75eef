package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/vm"
)

// beforeFile is in the target's folder: what of the harness's own was in the guest before the run.
const beforeFile = "before.json"

// lasting reports whether what is done in the guest stays there.
func (s *session) lasting() bool {
	m, ok := s.machine.(vm.Lasting)
	return ok && m.Lasts()
}

// own is what this run brings into the guest, or finds there. The package may still be being built when the run is over.
func (s *session) own() guest.Own {
	own := guest.Own{Driver: s.run.plan.Request.Config.DriverService().Name}
	select {
	case <-s.run.artifacts.packaged:
		own.Certificate = s.run.artifacts.pkg.Manifest.Certificate.Thumbprint
	default:
	}
	return own
}

// noteBefore notes what is in a guest that nobody reverts before the run brings anything into it, so that what it leaves there can
// be told from that. The package has to be there: its certificate, which a run does not bring, stays where it was. An earlier
// controller of this run may have noted it.
func (s *session) noteBefore(ctx context.Context) error {
	if !s.lasting() {
		return nil
	}
	others, err := s.payForOthers(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder(), beforeFile)
	var before guest.Left
	switch err := readWhole(s.run.env.disk(), path, &before); {
	case err == nil:
		return s.owe(before)
	case !errors.Is(err, fs.ErrNotExist):
		return nil // the run is not cleaned, as is said then
	case others != nil:
		before = *others
	default:
		if before, err = s.guest.Left(ctx, s.own()); err != nil {
			return err
		}
	}
	if err := writeWhole(s.run.env.disk(), path, before); err != nil {
		return err
	}
	return s.owe(before)
}

// clean removes what the run has left in a guest that nobody reverts. A run that can be resumed needs it all.
func (s *session) clean(ctx context.Context) {
	if s.machine == nil || s.taken != nil || s.facts.BootID == "" || !s.lasting() || !s.over() {
		return
	}
	var before guest.Left
	if err := readWhole(s.run.env.disk(), filepath.Join(s.folder(), beforeFile), &before); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("what was in the guest before the run can't be read: it is not cleaned", "error", err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.allow(releaseLimit))
	defer cancel()
	if err := s.run.phase(s.target.Name, results.PhaseClean, func() (string, error) {
		if s.guest == nil {
			var err error
			if s.guest, err = s.reach(ctx, nil); err != nil {
				s.guest = nil
				return "", fmt.Errorf("remove what the run has left on %s: %w", s.target.Name, err)
			}
		}
		removed, err := s.guest.Clean(ctx, s.own(), before)
		if err != nil {
			return "", fmt.Errorf("remove what the run has left on %s: %w: bring it back to a clean state by hand, or give its target a revert program", s.target.Name, err)
		}
		return summarize(removed), nil
	}); err == nil && !s.begun { // else Driver Verifier is still as the run has set it
		s.paid()
	}
}

// checkReverted looks whether a revert that a program of the user's has made was one: nothing of this run can be in the guest
// any more.
func (s *session) checkReverted(ctx context.Context) error {
	m, ok := s.machine.(vm.RevertedByUser)
	if !ok || !m.RevertedByUser() {
		return nil
	}
	left, err := s.guest.Left(ctx, guest.Own{})
	if err != nil {
		return err
	}
	for _, name := range left.Files {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(`runs\`+s.run.id+"-")) {
			return fmt.Errorf(`bring %s back to a clean state: its revert program has ended well, and the guest still has %s\%s of this run: it was not reverted`, s.target.Name, guest.Home, name)
		}
	}
	return nil
}

package harness

import (
	"context"
	"errors"
	"fmt"

	"wskharness/host"
	"wskharness/results"
	"wskharness/vm"
)

// acquire gets the machine and connects to the guest on it. The phases record what went wrong.
func (s *session) acquire(ctx context.Context) error {
	if err := s.remember(); err != nil {
		s.run.abort(err)
		return err
	}
	err := s.run.phase(s.target.Name, results.PhaseAcquire, func() (string, error) {
		provider, err := s.provider()
		if err != nil {
			return "", err
		}
		if shared := s.target.Machine.Shared; shared != "" {
			if s.lock, err = host.LockMachine(s.run.env.Cache, shared, s.run.id); err != nil {
				return "", err
			}
		}
		if err := s.adopt(ctx, provider); err != nil {
			return "", err
		}
		switch {
		case s.adopted:
			return "as the earlier controller left it", nil
		case s.resumed && s.over() && !s.owes():
			return "nothing is left to do", nil
		}
		if err := s.reuse(ctx, provider); err != nil || s.machine != nil {
			return "it was up", err
		}
		s.machine, err = provider.Acquire(ctx, vm.Target{Name: s.target.Name, Run: s.run.id})
		if err != nil {
			return "", fmt.Errorf("acquire %s: %w", s.target.Name, err)
		}
		return describeStart(s.machine), nil
	})
	if wrap := s.run.env.Instruments.Wrap; s.machine != nil && wrap != nil {
		s.machine = wrap(s.machine)
	}
	switch {
	case err != nil:
		return err
	case s.resumed && s.over() && !s.owes():
		return nil // only the machine is still to be let go
	case !s.adopted:
		return s.connect(ctx)
	}
	if err := s.reconnect(ctx, ""); err == nil || ctx.Err() != nil || s.taken != nil { // it may be on its way up again
		return err
	}
	s.adopted = false
	return s.renew(ctx)
}

// provider is where the target's machine comes from.
func (s *session) provider() (vm.Provider, error) {
	if w := s.run.env.world; w != nil {
		return w.provider(s.target), nil
	}
	return s.run.artifacts.Provider(s.run.plan.Request.Config, s.target, s.run.env.Host)
}

// adopt claims the machine that an earlier controller of this run had, where it is still there.
func (s *session) adopt(ctx context.Context, provider vm.Provider) error {
	adopter, ok := provider.(vm.Adopter)
	if !s.resumed || !ok {
		return nil
	}
	machine, err := adopter.Adopt(ctx, vm.Target{Name: s.target.Name, Run: s.run.id})
	switch {
	case errors.Is(err, vm.ErrNoMachine):
		s.log.Info("nothing to adopt", "reason", err)
		return nil
	case err != nil:
		return fmt.Errorf("adopt %s: %w", s.target.Name, err)
	}
	s.machine, s.adopted = machine, true
	return nil
}

// reuse claims a machine that was left up, where that is asked for and one is there.
func (s *session) reuse(ctx context.Context, provider vm.Provider) error {
	reuser, ok := provider.(vm.Reuser)
	if !s.run.plan.Request.Warm || !ok {
		return nil
	}
	machine, err := reuser.Reuse(ctx, vm.Target{Name: s.target.Name, Run: s.run.id, Guest: s.run.plan.Request.Guest})
	switch {
	case errors.Is(err, vm.ErrNoMachine):
		return nil
	case err != nil:
		return fmt.Errorf("use the guest of %s that is up: %w", s.target.Name, err)
	}
	s.machine = machine
	return nil
}

// release lets the machine go, whatever became of the run.
func (s *session) release(ctx context.Context) {
	s.leave(ctx)
	s.clean(ctx)
	s.letOthers(ctx)
	s.disconnect(ctx)
	if s.lock != nil {
		defer host.UnlockMachine(s.lock)
	}
	if s.machine == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.allow(releaseLimit))
	defer cancel()
	_ = s.run.telling(s.target.Name, results.PhaseRelease, func(end *results.Phase) error {
		if keeper, ok := s.machine.(vm.Keeper); ok && s.run.plan.Request.Keep {
			if err := s.tidyUp(ctx); err != nil {
				return err
			}
			name, err := keeper.Keep(ctx)
			if err != nil {
				return fmt.Errorf("keep %s up: %w", s.target.Name, err)
			}
			end.Detail, end.Kept = "kept up", name
			return nil
		}
		if err := s.machine.Release(ctx); err != nil {
			return fmt.Errorf("release %s: %w", s.target.Name, err)
		}
		return nil
	})
}

// tidyUp reverts a guest that is for the next run, too, where this one was ended in the middle of a load.
func (s *session) tidyUp(ctx context.Context) error {
	if !s.run.plan.Request.Warm || s.checkpoint.Run == nil && s.checkpoint.Tainted == "" {
		return nil
	}
	if err := s.machine.Revert(ctx); err != nil && !errors.Is(err, vm.ErrCannotRevert) {
		return errors.Join(fmt.Errorf("revert %s: %w", s.target.Name, err), s.machine.Release(ctx))
	}
	return nil
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"wskharness/guest"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/vm"
)

// orderLimit is how long a guest may take to accept the order to reboot.
const orderLimit = 30 * time.Second

// renew makes a tainted target one that can be trusted, and opens it again: it is reverted, or, where that
// can't be, rebooted.
func (s *session) renew(ctx context.Context) error {
	if s.taken != nil {
		return s.inUse()
	}
	before, rebooted := s.facts.BootID, false
	err := s.run.phase(s.target.Name, results.PhaseRevert, func() (string, error) {
		s.disconnect(ctx)
		err := s.machine.Revert(ctx)
		if errors.Is(err, vm.ErrCannotRevert) {
			rebooted = true
			err = s.reboot(ctx, before)
		}
		if err != nil {
			return "", fmt.Errorf("bring %s back to a clean state: %w", s.target.Name, err)
		}
		s.drainEvents()
		s.adopted = false
		s.mark(checkpoint{Runs: s.runs})
		if rebooted {
			return "rebooted, since it can't be reverted", nil
		}
		return describeStart(s.machine), nil
	})
	switch {
	case err != nil:
		return err
	case rebooted:
		return nil // it is open
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	return s.checkReverted(ctx)
}

// reboot turns the machine off and on from outside, or else asks its guest to reboot, and opens it when it is
// up: its boot id is another one, and two shells in a row worked.
func (s *session) reboot(ctx context.Context, before string) error {
	limit := s.bootWait()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if resetter, ok := s.machine.(vm.Resetter); ok {
		if err := resetter.Reset(ctx); err != nil {
			return err
		}
	} else if err := s.orderReboot(ctx); err != nil {
		return fmt.Errorf("reboot it, since it can't be reverted: %w; give its target a reset command that turns it off and on", err)
	}
	if _, err := whileThere(ctx, s.machine, func(ctx context.Context) (string, error) { return s.awaitBoot(ctx, before) }); err != nil {
		return fmt.Errorf("wait for it to come up within %s: %w", limit, err)
	}
	return nil
}

// orderReboot asks the guest. Its answer may be lost with the machine: whether it obeyed, the boot id says.
func (s *session) orderReboot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.allow(orderLimit))
	defer cancel()
	client, err := remote.New(s.machine.Endpoint(), s.clientOptions())
	if err != nil {
		return err
	}
	defer client.Close()
	code, err := remote.Exec(ctx, client, remote.CommandLine{Line: "shutdown /r /t 0 /f"}, remote.ShellOptions{}, nil, io.Discard, io.Discard)
	if _, maybe := remote.IsUnanswered(err); maybe || remote.IsGone(err) {
		return nil
	}
	if err == nil && code != 0 {
		err = fmt.Errorf("shutdown /r ended with exit code %d", code)
	}
	return err
}

// awaitBoot waits for another boot, in which two shells in a row work.
func (s *session) awaitBoot(ctx context.Context, before string) (label string, err error) {
	var booting guest.Booting
	_, err = booting.Await(ctx, before, func(ctx context.Context) (string, error) {
		label, err = s.openBooting(ctx, ctx)
		return s.facts.BootID, err
	})
	return label, err
}

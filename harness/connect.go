package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/vm"
)

const (
	closeLimit = 5 * time.Second // to take leave of a guest that need not be there
	// connectLimit bounds how long a guest may take from "booted" to its first answer.
	connectLimit = 60 * time.Second
	// bringLimit bounds how long it may take to bring the agent into a guest.
	bringLimit = 10 * time.Minute
	// connectTries and connectPause are for a guest that is up, over a network that need not be: the pause
	// doubles, and all of them are 3 s.
	connectTries = 6
	connectPause = 100 * time.Millisecond
)

// connect opens the guest, also anew after a revert.
func (s *session) connect(ctx context.Context) error {
	return s.connecting(ctx, func(whole context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(whole, s.allow(connectLimit))
		defer cancel()
		defer s.tellTimeUp(ctx, "connect to the guest")
		pause := connectPause
		for try := 1; ; try++ {
			label, err := s.open(ctx, whole)
			if err == nil || try == connectTries || !guest.MayPass(ctx, err) {
				return label, err
			}
			s.log.Warn("the guest could not be connected to, and is tried again", "in", pause, "error", err)
			select {
			case <-ctx.Done():
				return label, err
			case <-time.After(pause):
			}
			pause *= 2
		}
	})
}

// connecting is the phase in which the guest is waited for, on a machine that may end meanwhile.
func (s *session) connecting(ctx context.Context, do func(context.Context) (label string, err error)) error {
	return s.run.phase(s.target.Name, results.PhaseConnect, func() (string, error) { return whileThere(ctx, s.machine, do) })
}

// reconnect opens a guest that is coming back: it does not answer for a while, and before that the boot that
// is going down may. Where a boot id is given, only another boot counts.
func (s *session) reconnect(ctx context.Context, before string) error {
	return s.reconnectWithin(ctx, before, s.bootWait())
}

// bootWait is how long the machine may take to be there again: a guest that starts in seconds is known to, and any other
// takes what its target says, or what a machine may take.
func (s *session) bootWait() time.Duration {
	return s.allow(cmp.Or(s.target.Machine.BootWithin, connectLimit))
}

func (s *session) reconnectWithin(ctx context.Context, before string, limit time.Duration) error {
	return s.connecting(ctx, func(whole context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(whole, limit)
		defer cancel()
		defer s.tellTimeUp(ctx, "connect to the guest again after a reboot")
		var booting guest.Booting
		for {
			label, err := s.openBooting(ctx, whole)
			switch {
			case err == nil && s.facts.BootID != before:
				return label, nil
			case err == nil:
				err = fmt.Errorf("the guest on %s still runs the boot from before its reboot", s.target.Name)
			case !booting.Tolerates(ctx, err):
				return label, err
			}
			if !booting.Wait(ctx) {
				return label, err
			}
		}
	})
}

// openBooting is open for a guest that is coming back: it does not begin before something answers there. What is in front of a
// guest that is not up may take a connection, and it is only seconds after that is up, or a minute, that it is asked for there;
// whoever has spoken on it waits for as long. What answers, and is no guest that can be used, open tells of.
func (s *session) openBooting(ctx, whole context.Context) (label string, err error) {
	s.disconnect(ctx)
	if s.run.env.world == nil {
		if err := remote.Await(ctx, s.machine.Endpoint()); err != nil && ctx.Err() != nil {
			return "", fmt.Errorf("reach %s: %w", s.target.Name, err)
		}
	}
	return s.open(ctx, whole)
}

// open connects to the guest and asks for its facts. Where the agent has to be brought there first, that has a limit of
// its own, inside whole.
func (s *session) open(ctx, whole context.Context) (label string, err error) {
	s.disconnect(ctx)
	begun, brought := time.Now(), false
	bring := func() (context.Context, context.CancelFunc) {
		brought = true
		return context.WithTimeout(whole, bringLimit)
	}
	if s.guest, err = s.reach(ctx, bring); err != nil {
		s.guest = nil
		if leased, ok := errors.AsType[*guest.LeasedError](err); ok {
			s.taken = leased
			return "", s.inUse()
		}
		return "", fmt.Errorf("connect to %s: %w", s.target.Name, err)
	}
	s.taken = nil
	s.facts = s.guest.Facts()
	if !brought {
		s.answer = max(s.answer, time.Since(begun))
	}
	s.fresh = s.facts.Traces
	if !verifies(s.facts) {
		s.proof = nil
	}
	s.tellGuest()
	return s.named.Label, nil
}

// tellGuest records what the guest is, which verdicts name from now on.
func (s *session) tellGuest() {
	recorded := recordOf(s.target.Machine.Stack, s.facts)
	if versioned, ok := s.machine.(vm.Versioned); ok {
		recorded.RunBy = versioned.Versions()
	}
	s.underVerifier(&recorded)
	s.named = recorded.Naming()
	s.run.append(results.Event{Kind: results.KindTargetFacts, Target: s.target.Name, Guest: &recorded})
}

// reach connects to the guest on the machine, and brings the agent into it where it is not there.
func (s *session) reach(ctx context.Context, bring func() (context.Context, context.CancelFunc)) (port, error) {
	p, err := whileThere(ctx, s.machine, func(ctx context.Context) (port, error) { return s.dial(ctx, bring) })
	if err != nil {
		return nil, err
	}
	return mortal{p, s.machine}, nil
}

func (s *session) dial(ctx context.Context, bring func() (context.Context, context.CancelFunc)) (port, error) {
	if w := s.run.env.world; w != nil {
		return w.reach(ctx, s.machine)
	}
	client, err := remote.New(s.machine.Endpoint(), s.clientOptions())
	if err != nil {
		return nil, err
	}
	g, err := guest.Connect(ctx, client, guest.Options{Agent: s.run.artifacts.Agent, Logger: s.log, Bring: bring, Owner: s.owner()})
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return reached{g, client}, nil
}

// owner is whom the guest is told that it is used by: the run, also where it is resumed.
func (s *session) owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return guest.LeaseOwner(s.run.id, host)
}

// inUse is the error of a guest that another run has.
func (s *session) inUse() error {
	advice := "wait until that is over"
	if run, _, ok := strings.Cut(s.taken.Lease.Owner, "@"); ok {
		advice += fmt.Sprintf(", or resume it there with `wskharness run --resume %s`", run)
	}
	if s.taken.Lease.Running {
		advice += "; a run that hangs ends when the machine reboots"
	}
	return fmt.Errorf("connect to %s: %w: %s", s.target.Name, s.taken, advice)
}

// letOthers gives a guest back that others can use, too.
func (s *session) letOthers(ctx context.Context) {
	if s.target.Machine.Shared == "" && !s.run.plan.Request.Keep && !s.run.plan.Request.Warm {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.allow(closeLimit))
	defer cancel()
	var err error
	if s.guest == nil { // it may be there all the same, as after a reset that failed
		if s.taken != nil || s.facts.BootID == "" {
			return
		}
		if s.guest, err = s.reach(ctx, nil); err != nil {
			s.guest = nil
		}
	}
	if err == nil {
		err = s.guest.Release(ctx)
	}
	if err != nil {
		s.log.Warn("the guest could not be released: other runs get it when this run's lease has expired", "error", err)
	}
}

// tellTimeUp tells, where that is so, that it was a time of the session's own that ended ctx.
func (s *session) tellTimeUp(ctx context.Context, doing string) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && limitUp(ctx) == nil {
		s.run.tooLate("", "the harness did not %s in time", doing)
	}
}

func (s *session) disconnect(ctx context.Context) {
	if s.guest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.allow(closeLimit))
	defer cancel()
	if err := s.guest.Close(ctx); err != nil {
		s.log.Debug("disconnect", "error", err)
	}
	s.guest = nil
}

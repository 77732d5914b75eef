//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/vm/lease"

	"golang.org/x/sys/unix"
)

// Revert brings a guest that is up back to its clean state, whoever has claimed it.
func (s *State) Revert(ctx context.Context) (ready time.Duration, err error) {
	a, err := ask(ctx, s.Control, request{Do: doRevert})
	return a.Ready, err
}

// Reset turns a guest that is up off and on, whoever has claimed it.
func (s *State) Reset(ctx context.Context) error {
	_, err := ask(ctx, s.Control, request{Do: doReset})
	return err
}

// Down ends a guest that is up, whoever has claimed it, and returns when nothing of it is left. A process that serves it
// and does not end it in time is killed, also where that time is ctx's.
func (s *State) Down(ctx context.Context) error {
	exit, err := hold(s.PID)
	if err != nil || !lease.Held(s.Dir) {
		return remove(s.Dir, 0) // the process that served it is gone: there is only the rest to remove
	}
	defer exit.close()
	guard, unguarded := hold(s.Guard)
	if unguarded == nil {
		defer guard.close()
	}
	ending, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	_, unanswered := ask(ending, s.Control, request{Do: doStop})
	if unanswered != nil { // it may be ending by itself, or have been killed this moment
		ending, cancel = context.WithTimeout(ending, dyingLimit)
		defer cancel()
	}
	alive := exit.wait(ending)
	if alive != nil {
		if err := exit.kill(); err != nil {
			return errors.Join(unanswered, alive, err)
		}
	}
	if unguarded == nil {
		unguarded = guard.awaitEnd() // it ends what is left of the guest
	}
	if unguarded == nil {
		return nil
	}
	return remove(s.Dir, 0)
}

const (
	// downLimit is how long a guest may take to end: its disk may take flushLimit, its processes quietLimit.
	downLimit = flushLimit + quietLimit + dyingLimit
	// dyingLimit is how long a process that did not answer any more may take to be gone.
	dyingLimit = 10 * time.Second
)

// held is a process, not necessarily a child, whose end can be waited for even when its number is used again.
type held struct {
	pid int
	fd  int
}

// hold finds a process; an error says that there is none of this number.
func hold(pid int) (held, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return held{pid, fd}, err
}

func (p held) close() { _ = unix.Close(p.fd) }

// kill ends the process, one that is stopped as well, and waits until it has ended.
func (p held) kill() error {
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", p.pid, err)
	}
	return p.awaitEnd()
}

// awaitEnd waits for the end of a process that has no reason to stay.
func (p held) awaitEnd() error {
	ctx, cancel := context.WithTimeout(context.Background(), dyingLimit)
	defer cancel()
	return p.wait(ctx)
}

// wait waits until the process has ended.
func (p held) wait(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 100)
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for process %d to end: %w", p.pid, err)
		}
	}
	return fmt.Errorf("wait for process %d to end: %w", p.pid, ctx.Err())
}

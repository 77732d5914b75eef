//go:build linux

package wine

import (
	"context"
	"io"
	"time"

	"wskharness/vm/lease"
)

const (
	// consoleLimit is how long a guest's serving process may take to tell the console.
	consoleLimit = 30 * time.Second
	// followPause is how long nothing is asked after nothing was new.
	followPause = 200 * time.Millisecond
)

// Console is what the processes of a guest that is up have printed: the tail of it, also of the boot before.
func (s *State) Console() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), consoleLimit)
	defer cancel()
	a, err := ask(ctx, s.Control, request{Do: doConsole})
	return a.Console, err
}

// FollowConsole writes what the boot that is up has printed, and goes on with what it prints, and the boots after it, until
// ctx or the guest ends.
func (s *State) FollowConsole(ctx context.Context, w io.Writer) error {
	next := request{Do: doHear}
	for {
		asking, cancel := context.WithTimeout(ctx, consoleLimit)
		a, err := ask(asking, s.Control, next)
		cancel()
		switch {
		case ctx.Err() != nil || err != nil && !lease.Held(s.Dir):
			return nil
		case err != nil:
			return err
		}
		if _, err := w.Write(a.Console); err != nil {
			return err
		}
		next.Boot, next.Printed = a.Boot, a.Printed
		if len(a.Console) > 0 {
			continue
		}
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
			return nil
		}
	}
}

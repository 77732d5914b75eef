package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"wskharness/vm"
	"wskharness/vm/lease"
)

// lookLimit is how long a host may take to say whether a machine that was left up is up still, when machines are listed.
const lookLimit = 15 * time.Second

// guest is a machine that somebody has, or that was left up, as everybody finds it.
type guest struct{ *domain }

var (
	_ vm.Guest           = guest{}
	_ vm.Resetter        = guest{}
	_ vm.NMIInjector     = guest{}
	_ vm.MemoryDumper    = guest{}
	_ vm.Console         = guestWithConsole{}
	_ vm.ConsoleFollower = guestWithConsole{}
)

// guestWithConsole is one of which libvirt has what it prints.
type guestWithConsole struct{ guest }

// list are the machines that are up. A host that does not answer keeps nobody from seeing the others, nor what was on it.
func list(ctx context.Context, h vm.Host) ([]vm.Guest, error) {
	all, err := leases(h.Cache)
	if err != nil {
		return nil, err
	}
	guests := make([]vm.Guest, len(all))
	var looking sync.WaitGroup
	for i, f := range all {
		held := lease.Held(f.dir)
		if f.rec.Endpoint == "" || !held && !f.rec.Kept {
			continue
		}
		looking.Go(func() {
			d, err := openDomain(f.dir, h)
			if err != nil || !held && d.isOff(ctx) {
				return
			}
			if d.rec().Console {
				guests[i] = guestWithConsole{guest{d}}
			} else {
				guests[i] = guest{d}
			}
		})
	}
	looking.Wait()
	var up []vm.Guest
	for _, g := range guests {
		if g != nil {
			up = append(up, g)
		}
	}
	return up, nil
}

// isOff reports whether a machine is known to be off.
func (d *domain) isOff(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	power, err := d.Power(ctx)
	return err == nil && power == vm.Off || errors.Is(err, errGone)
}

// Info is what the record says, in a copy.
func (g guest) Info() *vm.GuestInfo {
	info := g.rec().GuestInfo
	return &info
}

// Reset turns the machine off and on, and waits until it is up.
func (g guest) Reset(ctx context.Context) error {
	_, err := g.reset(ctx)
	if err == nil {
		_, err = g.await(ctx)
	}
	return err
}

// Revert brings the machine back to its clean state. Whoever has it sees it stop.
func (g guest) Revert(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	if g.controller == "" {
		var err error
		if g.controller, err = controller(filepath.Dir(filepath.Dir(filepath.Dir(g.dir)))); err != nil {
			return 0, err
		}
	}
	err := g.clean(ctx)
	if err == nil {
		err = g.prepare(ctx)
	}
	if err == nil {
		_, err = g.await(ctx)
	}
	return time.Since(begun), err
}

// Down ends the machine, whoever has it.
func (g guest) Down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	if err := g.end(ctx); err != nil {
		return err
	}
	return lease.Clear(g.dir)
}

// Console is the tail of what was recorded.
func (g guestWithConsole) Console() ([]byte, error) { return g.printed() }

// FollowConsole goes on until ctx ends, or the machine.
func (g guestWithConsole) FollowConsole(ctx context.Context, w io.Writer) error {
	return g.follow(ctx, w)
}

// kept finds the leases in a cache: each is a guest's, and stays while that is up.
func kept(cache string) ([]vm.Kept, error) {
	all, err := leases(cache)
	if err != nil {
		return nil, err
	}
	var things []vm.Kept
	for _, f := range all {
		if lease.Held(f.dir) || f.rec.Kept {
			things = append(things, vm.Kept{What: "libvirt guest " + f.rec.ID, Dir: f.dir, Guest: f.rec.ID,
				Remove: func([]string) error { return fmt.Errorf("guest %s is up: wskharness vm down %s", f.rec.ID, f.rec.ID) }})
		}
	}
	return things, nil
}

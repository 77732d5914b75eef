package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"

	"wskharness/vm"
)

// maxPast bounds the events that are kept for the next controller.
const maxPast = 32

// claims are the controllers that have the guest, and what they are to be told.
type claims struct {
	mu   sync.Mutex
	all  map[net.Conn]*claim
	past []vm.Event // since the guest was last in its clean state
	over bool
}

// claim is one controller's. Its events are kept without a bound of their own: each is a crash, an end or a start of the machine.
type claim struct {
	events []vm.Event
	more   chan struct{} // has one when there is something new
	told   chan struct{} // closed when nothing more is told
}

// tell passes an event on to everybody, and keeps it for whoever claims the guest next.
func (c *claims) tell(e vm.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.past) < maxPast {
		c.past = append(c.past, e)
	}
	for _, one := range c.all {
		if len(one.events) < maxPast {
			one.events = append(one.events, e)
		}
		one.wake()
	}
}

func (c *claim) wake() {
	select {
	case c.more <- struct{}{}:
	default: // it has been woken, and has not looked yet
	}
}

// forget drops what is past: the guest is in its clean state.
func (c *claims) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = nil
}

// add enters a claim. alone says that nobody else may have one.
func (c *claims) add(conn net.Conn, alone bool) (*claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over:
		return nil, vm.ErrEnded
	case alone && len(c.all) > 0:
		return nil, fmt.Errorf("it is in use")
	}
	one := &claim{events: append([]vm.Event(nil), c.past...), more: make(chan struct{}, 1), told: make(chan struct{})}
	one.wake()
	c.all[conn] = one
	return one, nil
}

// drop ends a claim, and says whether it was the last.
func (c *claims) drop(conn net.Conn) (was, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, was = c.all[conn]
	delete(c.all, conn)
	return was, was && len(c.all) == 0
}

// dropAll ends all claims: those that have them don't keep the guest any more.
func (c *claims) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.all)
}

// finish has everybody told what is left, and returns when that is done.
func (c *claims) finish(ctx context.Context) {
	c.mu.Lock()
	c.over = true
	var all []*claim
	for _, one := range c.all {
		all = append(all, one)
		one.wake()
	}
	c.mu.Unlock()
	for _, one := range all {
		select {
		case <-one.told:
		case <-ctx.Done():
		}
	}
}

// pass passes events on until the connection is closed, or there are no more.
func (c *claims) pass(conn net.Conn, one *claim, closed <-chan struct{}) {
	defer close(one.told)
	enc := json.NewEncoder(conn)
	for {
		c.mu.Lock()
		events, over := one.events, c.over
		one.events = nil
		c.mu.Unlock()
		for i := range events {
			if enc.Encode(answer{Event: &events[i]}) != nil {
				return
			}
		}
		if over {
			return
		}
		select {
		case <-one.more:
		case <-closed:
			return
		}
	}
}

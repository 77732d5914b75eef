package libvirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

const (
	// callLimit is how long a daemon may take for what it does at once; it has 5 s to start in, and much to do then.
	callLimit = 2 * time.Minute
	// longLimit is how long it may take for what moves a guest's memory or disk: a revert, a dump, a volume.
	longLimit = 15 * time.Minute
	// leaveLimit is how long a call that was given up may take to notice that its connection is closed.
	leaveLimit = 10 * time.Second
	mostIdle   = 2 // connections that are kept for the next call
)

// conn is one connection to a daemon.
type conn struct {
	*golibvirt.Libvirt
	link    *framed
	version version // of the daemon
	runs    version // of its hypervisor; 0: it does not tell
}

// open connects to a daemon, within ctx.
func open(ctx context.Context, p place, never []string) (*conn, error) {
	raw, err := dial(ctx, p, never)
	if err != nil {
		return nil, err
	}
	c := &conn{link: newFramed(raw)}
	c.Libvirt = golibvirt.NewWithDialer(dialers.NewAlreadyConnected(c.link))
	err = c.bound(ctx, func() error {
		if err := c.ConnectToURI(golibvirt.ConnectURI(p.driver)); err != nil {
			return err
		}
		number, err := c.ConnectGetLibVersion()
		c.version = version(number)
		if hypervisor, err := c.ConnectGetVersion(); err == nil { // else it is of no use, or has none
			c.runs = version(hypervisor)
		}
		return err
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// bound makes calls that take no context end with one: the connection is closed, and is of no more use.
func (c *conn) bound(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return c.said(err)
	case <-ctx.Done():
	}
	c.close()
	select { // what f has written down is its caller's again
	case <-done:
	case <-time.After(leaveLimit):
	}
	return fmt.Errorf("no answer in time: %w", context.Cause(ctx))
}

// said adds to an error why the connection ended, where it has.
func (c *conn) said(err error) error {
	if err == nil {
		return nil
	}
	if _, answered := errors.AsType[golibvirt.Error](err); answered {
		return err
	}
	if reason := c.link.reason(); reason != nil {
		return &goneError{reason}
	}
	return err
}

// goneError is that a daemon's connection has ended.
type goneError struct{ why error }

func (e *goneError) Error() string {
	return fmt.Sprintf("the connection to the daemon has ended: %v; is its host up, and does the daemon run?", e.why)
}
func (e *goneError) Unwrap() error { return e.why }

// close ends the connection at once; a call that waits for an answer fails. A daemon sees to the rest by itself.
func (c *conn) close() { c.link.Close() }

func (c *conn) usable() bool { return c.link.reason() == nil && c.IsConnected() }

// client asks one daemon. It may be used from several goroutines, each of which has a connection of its own meanwhile: one
// that is given up takes no other call along.
type client struct {
	place
	never     []string      // environment variables that no program gets
	awayLimit time.Duration // how long it may be away while somebody watches

	mu   sync.Mutex
	idle []*conn
	said string // by which versions the daemon has called itself and its hypervisor; empty: it was not reached
}

func newClient(p place, never []string) *client {
	return &client{place: p, never: never, awayLimit: awayLimit}
}

// do connects, or uses a connection that is there, and calls f, which ends with ctx or after the limit. what names it for
// errors: "start domain x".
func (c *client) do(ctx context.Context, limit time.Duration, what string, f func(*conn) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it has taken more than %s: %w", limit, context.DeadlineExceeded))
	defer cancel()
	lv, err := c.take(ctx)
	if err != nil {
		return fmt.Errorf("%s: reach libvirt at %s: %w", what, c, explain(err))
	}
	if err = lv.bound(ctx, func() error { return f(lv) }); err != nil {
		err = fmt.Errorf("%s at %s: %w", what, c, explain(err))
	}
	c.give(lv)
	return err
}

// take is a connection that is there, or a new one.
func (c *client) take(ctx context.Context) (*conn, error) {
	c.mu.Lock()
	for len(c.idle) > 0 {
		last := len(c.idle) - 1
		lv := c.idle[last]
		c.idle = c.idle[:last]
		if lv.usable() {
			c.mu.Unlock()
			return lv, nil
		}
		lv.close()
	}
	c.mu.Unlock()
	lv, err := open(ctx, c.place, c.never)
	if err == nil {
		c.mu.Lock()
		c.said = c.describe(lv)
		c.mu.Unlock()
	}
	return lv, err
}

// versions are what the daemon has told of itself last.
func (c *client) versions() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said
}

// describe names a daemon and its hypervisor, which the address has the word for.
func (c *client) describe(lv *conn) string {
	text := "libvirt " + lv.version.String()
	if word, _, _ := strings.Cut(c.driver, ":"); lv.runs != 0 {
		text += ", " + strings.ToUpper(word) + " " + lv.runs.String()
	}
	return text
}

// give keeps a connection for the next call, where it is of any use.
func (c *client) give(lv *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !lv.usable() || len(c.idle) >= mostIdle {
		lv.close()
		return
	}
	c.idle = append(c.idle, lv)
}

// close ends the connections that nobody uses.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, lv := range c.idle {
		lv.close()
	}
	c.idle = nil
}

// isCode reports whether a daemon has answered with one of these errors.
func isCode(err error, codes ...golibvirt.ErrorNumber) bool {
	said, ok := errors.AsType[golibvirt.Error](err)
	return ok && slices.Contains(codes, golibvirt.ErrorNumber(said.Code))
}

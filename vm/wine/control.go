//go:build linux

package wine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"wskharness/vm"
)

// The process that serves a guest is told what to do through a unix socket that only its user can open:
// one JSON request a line, one answer a line. A connection that has claimed the guest gets its events,
// too, until it is closed.
type request struct {
	Do     action        `json:"do"`
	For    time.Duration `json:"forNs,omitempty"`  // of doUnplug
	Run    string        `json:"run,omitempty"`    // of doClaim: the run that wants the guest, for itself alone
	Driver string        `json:"driver,omitempty"` // of doKillHost: the file of the driver

	// Of doHear: a boot, and how many bytes of what it has printed are known.
	Boot    int   `json:"boot,omitempty"`
	Printed int64 `json:"printed,omitempty"`
}

type action string

const (
	doClaim    action = "claim"
	doRevert   action = "revert" // back to the template
	doReset    action = "reset"  // power cycle
	doStop     action = "stop"   // end, and remove everything
	doKeep     action = "keep"   // stay up with nobody's claim
	doConsole  action = "console"
	doHear     action = "hear"      // the console of this boot, with all that was printed until now
	doUnplug   action = "unplug"    // WinRM is away for a while
	doKillHost action = "kill-host" // end the process that hosts a driver
)

type answer struct {
	Error   string        `json:"error,omitempty"`
	Ready   time.Duration `json:"readyNs,omitempty"`
	Console []byte        `json:"console,omitempty"`
	Event   *vm.Event     `json:"event,omitempty"`
	Boot    int           `json:"boot,omitempty"`    // to doHear: the boot that is up …
	Printed int64         `json:"printed,omitempty"` // … and how many bytes it has printed
}

// control is one connection to a guest's serving process.
type control struct {
	conn net.Conn
	dec  *json.Decoder
}

func dial(ctx context.Context, path string) (*control, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("reach the process that serves the guest: %w", err)
	}
	return &control{conn: conn, dec: json.NewDecoder(conn)}, nil
}

// ask sends one request on a connection of its own and waits for the answer.
func ask(ctx context.Context, path string, r request) (answer, error) {
	c, err := dial(ctx, path)
	if err != nil {
		return answer{}, err
	}
	defer c.conn.Close()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	a, err := c.ask(r)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return answer{}, fmt.Errorf("ask the guest to %s: %w", r.Do, err)
	}
	return a, nil
}

func (c *control) ask(r request) (answer, error) {
	if err := json.NewEncoder(c.conn).Encode(r); err != nil {
		return answer{}, err
	}
	var a answer
	if err := c.dec.Decode(&a); err != nil {
		return answer{}, err
	}
	if a.Error != "" {
		return answer{}, errors.New(a.Error)
	}
	return a, nil
}

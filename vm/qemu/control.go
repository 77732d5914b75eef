package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"wskharness/vm"
)

// The process that serves a guest is told what to do over connections: one that the controller has started it with, and others
// to a socket in the guest's folder. A connection carries one JSON request and its answer, and, after a claim, events until it is
// closed. Whoever closes it before the answer gives the request up.
type request struct {
	Do   action `json:"do"`
	Run  string `json:"run,omitempty"`  // of doClaim: the run that wants the guest for itself alone
	Path string `json:"path,omitempty"` // of doDump: the file to write; of doSettle: the folder to make
}

type action string

const (
	doClaim      action = "claim"
	doRevert     action = "revert"     // back to the clean state
	doReset      action = "reset"      // as the button does: the disk stays
	doOn         action = "turn on"    //
	doOff        action = "turn off"   // as by its plug
	doPower      action = "tell power" // whether it is on
	doNMI        action = "inject an NMI"
	doConsole    action = "tell its console"
	doFollow     action = "follow its console"
	doDump       action = "dump its memory"
	doSnapshot   action = "keep its state"    // a snapshot of the clean state, in its own disk
	doCheckpoint action = "take a checkpoint" // turn it off and make its disk the clean one
	doSettle     action = "become a template" // QEMU ends in order, and a folder is made of what guests start from
	doUp         action = "be up"             // whoever has waited for it says that it is
	doKeep       action = "stay up"
	doStop       action = "end"
)

type answer struct {
	Error      string    `json:"error,omitempty"`
	NoSnapshot bool      `json:"noSnapshot,omitempty"` // that is what is wrong
	Port       int       `json:"port,omitempty"`       // of this machine, where the guest's WinRM is reached
	Loaded     bool      `json:"loaded,omitempty"`     // the guest goes on from its snapshot, and its clock with it
	Console    []byte    `json:"console,omitempty"`
	Format     string    `json:"format,omitempty"` // of a dump
	Power      vm.Power  `json:"power,omitempty"`
	Event      *vm.Event `json:"event,omitempty"`
}

// control is one connection to a guest's serving process.
type control struct {
	conn net.Conn
	dec  *json.Decoder
}

func newControl(conn net.Conn) *control { return &control{conn: conn, dec: json.NewDecoder(conn)} }

// dial connects to the process that serves the guest in a folder.
func dial(ctx context.Context, dir string) (*control, error) {
	var conn net.Conn
	err := inFolder(dir, socketName, func(path string) (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reach the process that serves the guest: %w", err)
	}
	return newControl(conn), nil
}

// ask sends one request on a connection of its own and waits for the answer.
func ask(ctx context.Context, dir string, r request) (answer, error) {
	c, err := dial(ctx, dir)
	if err != nil {
		return answer{}, err
	}
	defer c.conn.Close()
	return c.ask(ctx, r)
}

// ask sends a request and waits for its answer, for as long as ctx lasts: after that the connection is of no use any more.
func (c *control) ask(ctx context.Context, r request) (answer, error) {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	err := json.NewEncoder(c.conn).Encode(r)
	var a answer
	if err == nil {
		a, err = c.next()
	}
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return answer{}, fmt.Errorf("have the guest %s: %w", r.Do, err)
	}
	return a, nil
}

// next is the next answer; an error is one that it tells, or that there is none.
func (c *control) next() (answer, error) {
	var a answer
	err := c.dec.Decode(&a)
	switch {
	case errors.Is(err, io.EOF):
		return a, vm.ErrEnded
	case err != nil:
		return a, err
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// down ends the guest in a folder, whoever has it, and returns when nothing of it is left.
func down(ctx context.Context, dir string) error {
	c, err := dial(ctx, dir)
	if err != nil {
		return remove(dir) // the process that served it is gone: there is only the rest to remove
	}
	defer c.conn.Close()
	pid, err := peer(c.conn)
	if err != nil {
		return fmt.Errorf("end the guest: %w", err)
	}
	const most = 30 * time.Second // that it may take to kill QEMU and to remove a few files
	ending, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_, _ = c.ask(ending, request{Do: doStop}) // one that does not answer is killed
	if err := awaitExit(ending, pid); err != nil {
		return fmt.Errorf("end the guest: %w", err)
	}
	return remove(dir)
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"wskharness/remote/internal/wsman"
)

// operation is one kind of request.
type operation struct {
	name string // as in Fault.Action
	uri  string
	mode repetition
}

// repetition says when an operation may be sent once more on a new connection. After a 401 to one who had been accepted
// any may: that says that it was not carried out.
type repetition int

const (
	never  repetition = iota // it leaves something behind, or what it brings is gone with a lost answer
	always                   // doing it twice is the same as doing it once
)

func opCreate() operation    { return operation{"Create", wsman.ActionCreate, never} }
func opCommand() operation   { return operation{"Command", wsman.ActionCommand, never} }
func opSend() operation      { return operation{"Send", wsman.ActionSend, never} }
func opReceive() operation   { return operation{"Receive", wsman.ActionReceive, never} }
func opPull() operation      { return operation{"Pull", wsman.ActionPull, never} }
func opSignal() operation    { return operation{"Signal", wsman.ActionSignal, always} }
func opDelete() operation    { return operation{"Delete", wsman.ActionDelete, always} }
func opGet() operation       { return operation{"Get", wsman.ActionGet, always} }
func opEnumerate() operation { return operation{"Enumerate", wsman.ActionEnumerate, always} }

// errSilent is the cause of an operation that the server let hang.
var errSilent = errors.New("the server did not answer in time")

// do sends a message and returns the envelope that answers it. Errors are a *Fault or a
// *ConnError. It repeats an operation once after a 401 to one who had been accepted, and, where doing it twice does no
// harm, after an answer that belongs to another request, and after none at all.
func (c *WinRM) do(ctx context.Context, op operation, build func() (message, error)) (wsman.Envelope, error) {
	env, err := c.once(ctx, op, build)
	if err == nil || ctx.Err() != nil || !op.mode.permits(err) {
		return env, err
	}
	c.log.Debug("repeat on a new connection", "action", op.name, "because", err)
	c.wire.renew()
	return c.once(ctx, op, build)
}

func (r repetition) permits(err error) bool {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.SessionOver
	}
	e, ok := errors.AsType[*ConnError](err)
	return ok && r == always && e.Sent && !errors.Is(e.Err, errSilent)
}

// errMismatch says that an answer belongs to another request.
var errMismatch = errors.New("the answer belongs to another request")

func (c *WinRM) once(ctx context.Context, op operation, build func() (message, error)) (wsman.Envelope, error) {
	m, err := build()
	if err != nil {
		return wsman.Envelope{}, fmt.Errorf("%s: %w", op.name, err)
	}
	whole := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.OperationTimeout+c.opts.HTTPMargin, errSilent)
	defer cancel()
	start := time.Now()
	a, err := c.wire.exchange(ctx, m.body)
	// Not errors.As: inside may be the cause of an ended context, which is somebody else's error.
	switch e := err.(type) {
	case *ConnError:
		e.Action, e.URL = op.name, c.endpoint.URL
	case *Fault:
		e.Action = op.name
	}
	if record := c.opts.Record; record != nil { // with an error that nobody changes any more
		record(Exchange{
			Began: start, Took: time.Since(start), Connection: a.over, Action: op.name, Status: a.status, Request: m.body, Answer: a.body, Err: err,
			GaveUp: err != nil && whole.Err() != nil,
		})
	}
	if err != nil {
		c.log.Debug("unanswered", "action", op.name, "sent", len(m.body), "after", time.Since(start), "error", err)
		return wsman.Envelope{}, err
	}
	c.log.Trace("answered", "action", op.name, "http", a.status, "sent", len(m.body), "received", len(a.body), "after", time.Since(start))
	return c.open(op, m, a)
}

// open judges an answer.
func (c *WinRM) open(op operation, m message, a answer) (wsman.Envelope, error) {
	refused := func(f *Fault) (wsman.Envelope, error) {
		f.SessionOver = a.known && a.status == http.StatusUnauthorized
		return wsman.Envelope{}, f
	}
	bare := &Fault{Action: op.name, HTTPStatus: a.status, Reason: http.StatusText(a.status)}
	if !a.isSOAP {
		bare.Detail = oneLine(string(a.body[:min(len(a.body), maxReason)]))
		return refused(bare)
	}
	env, err := wsman.ParseEnvelope(a.body)
	if err != nil && a.status != http.StatusOK {
		return refused(bare)
	}
	if err != nil {
		return wsman.Envelope{}, &ConnError{Action: op.name, URL: c.endpoint.URL, Sent: true, Err: err}
	}
	if fault := faultIn(env, op.name, a.status); fault != nil {
		return refused(fault)
	}
	if a.status != http.StatusOK {
		return refused(bare)
	}
	if got := env.RelatesTo(); got != m.id {
		return wsman.Envelope{}, &ConnError{Action: op.name, URL: c.endpoint.URL, Sent: true, Err: fmt.Errorf("%w: it relates to %.80q, not to %q", errMismatch, got, m.id)}
	}
	if got := env.Action(); got != op.uri+"Response" {
		return wsman.Envelope{}, &ConnError{Action: op.name, URL: c.endpoint.URL, Sent: true, Err: fmt.Errorf("%w: its action is %.120q", errMismatch, got)}
	}
	return env, nil
}

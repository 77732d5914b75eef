package winrmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"wskharness/remote/internal/wsman"
)

// send takes input for the command. All of a request's data is taken, or none.
func (sh *shell) send(ctx context.Context, r request, a *answer) *fault {
	streams := r.env.Body.Child(wsman.NSShell, "Send").All(wsman.NSShell, "Stream")
	if len(streams) == 0 {
		return invalidBody("it has no rsp:Stream")
	}
	c, f := sh.find(streams[0].Attr("", "CommandId"))
	if f != nil {
		return f
	}
	var data []byte
	end := false
	for _, s := range streams {
		if s.Attr("", "Name") != "stdin" || !strings.EqualFold(s.Attr("", "CommandId"), c.id) {
			return invalidBody("it sends to a stream that the command does not have")
		}
		piece, err := base64.StdEncoding.DecodeString(s.Content())
		if err != nil {
			return invalidBody("its data is not base64")
		}
		data = append(data, piece...)
		if text := s.Attr("", "End"); strings.EqualFold(text, "true") || text == "1" {
			end = true
		}
	}
	timer := time.NewTimer(r.timeout)
	defer timer.Stop()
	if f := c.accept(ctx, timer.C, data, end); f != nil {
		return f
	}
	a.body.raw("<rsp:SendResponse/>")
	return nil
}

// accept queues input, waiting for room.
func (c *command) accept(ctx context.Context, timeout <-chan time.Time, data []byte, end bool) *fault {
	for {
		c.mu.Lock()
		told, deaf := c.told, c.deaf || c.closing
		if !told && !deaf && c.pending < maxInput {
			if len(data) > 0 {
				c.input = append(c.input, data)
				c.pending += len(data)
			}
			c.closing = end
			c.changed()
			c.mu.Unlock()
			return nil
		}
		news := c.news
		c.mu.Unlock()
		switch {
		case told:
			return noCommand()
		case deaf:
			return brokenPipe()
		}
		select {
		case <-news:
		case <-timeout:
			return sendTimedOut()
		case <-c.shell.life.Done():
			return noShell(c.shell.id)
		case <-ctx.Done():
			return aborted()
		}
	}
}

// feed writes queued input to the program.
func (c *command) feed() {
	in := c.proc.Stdin()
	defer in.Close()
	for {
		c.mu.Lock()
		var data []byte
		if len(c.input) > 0 {
			data, c.input = c.input[0], c.input[1:]
		}
		closing, deaf, news := c.closing, c.deaf, c.news
		c.mu.Unlock()
		if deaf || (data == nil && closing) {
			return
		}
		if data == nil {
			select {
			case <-news:
				continue
			case <-c.ctx.Done():
				return
			}
		}
		_, err := in.Write(data)
		c.mu.Lock()
		c.pending -= len(data)
		if err != nil {
			c.deaf, c.input = true, nil
		}
		c.changed()
		c.mu.Unlock()
	}
}

// signal delivers a signal. After the client has learnt the exit code, any signal releases the
// command (recorded: clients send ctrl_c then, and Windows is content).
func (sh *shell) signal(ctx context.Context, r request, a *answer) *fault {
	body := r.env.Body.Child(wsman.NSShell, "Signal")
	code := Signal(body.Child(wsman.NSShell, "Code").Content())
	switch code {
	case SignalTerminate, SignalCtrlC, SignalCtrlBreak:
	default:
		return invalidBody("its rsp:Code is not a signal")
	}
	c, f := sh.find(body.Attr("", "CommandId"))
	if f != nil {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, min(r.timeout, killTimeout))
	defer cancel()
	c.mu.Lock()
	told, exited := c.told, c.exited
	c.mu.Unlock()
	switch {
	case told || code == SignalTerminate:
		c.terminate(ctx)
		sh.release(c)
	case !exited:
		if err := c.proc.Signal(ctx, code); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return notStarted(fmt.Errorf("signal the command: %w", err))
		}
	}
	a.body.raw("<rsp:SignalResponse/>")
	return nil
}

// terminate kills the command and waits until it is gone.
func (c *command) terminate(ctx context.Context) {
	select {
	case <-c.finished:
		return
	default:
	}
	if err := c.proc.Signal(ctx, SignalTerminate); err != nil {
		c.shell.server.log.Debug("terminate", "command", c.id, "error", err)
	}
	c.mu.Lock()
	c.told = true // whoever waits for its output waits for nothing
	c.changed()
	c.mu.Unlock()
	c.end()
	select {
	case <-c.finished:
	case <-ctx.Done():
		c.shell.server.log.Warn("a terminated command is still there", "command", c.id)
	}
}

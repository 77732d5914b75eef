package remote

import (
	"context"
	"fmt"
	"io"
	"time"

	"wskharness/remote/internal/wsman"
)

// Signal is sent to a running command.
type Signal string

const (
	SignalCtrlC     Signal = wsman.SignalCtrlC     // as if Ctrl-C were typed
	SignalCtrlBreak Signal = wsman.SignalCtrlBreak // as if Ctrl-Break were typed
	SignalTerminate Signal = wsman.SignalTerminate // end it, and forget it: no more output, no exit code
)

// Command is a command that was started. Its methods and streams may be used by several goroutines.
//
// # Reading the outputs
//
// Each output is held in memory until it is read, up to 1 MiB; then the server is not asked for
// more, the server's own buffers fill, and the program waits: back-pressure. Both outputs come
// through one channel, so that alone would be a deadlock when a program fills one output while the
// other is being read. Therefore, while somebody waits in a Read for one output that is empty, or
// in Wait, an output that has to wait its turn may grow to 16 MiB. So reading standard output to
// its end and then standard error works, as does calling Wait first, as long as what has to wait
// is smaller than that. Beyond it, a command with an output that nobody ever read ends with
// ErrUnread; one whose output was read before waits for its reader. Read both, or use Shell.Run.
//
// After the command ended, what was not read can still be read.
type Command struct {
	// Stdin is the command's standard input. A Write returns when the server has taken the data,
	// not when the program has; Close tells the program that there is no more. It also is an
	// io.ReaderFrom. A Write that fails with a ConnError for which Sent is true may have been
	// received: nothing is sent twice.
	Stdin io.WriteCloser

	// Stdout and Stderr are the command's outputs, as bytes. They end with io.EOF when the command
	// closes them or ends, and with what Wait returns when it ended otherwise.
	Stdout, Stderr io.Reader

	shell *Shell
	line  CommandLine
	id    string
	run   context.Context // ends with the command's context, with its shell, and when it is done
	stop  context.CancelCauseFunc
	out   *outputs

	done     chan struct{} // closed when exitCode and err are set
	exitCode uint32
	err      error
}

// Start starts a command. ctx bounds the command's whole life: when it ends, the command is ended
// (in the background, under a limit of its own), and everything that waits for the command returns
// at once with the context's cause.
func (s *Shell) Start(ctx context.Context, line CommandLine) (*Command, error) {
	if s.join() != nil {
		return nil, fmt.Errorf("start %q on %s: %w", line, s.client.endpoint.URL, ErrNotStarted)
	}
	started := false
	defer func() {
		if !started {
			s.commands.Done()
		}
	}()
	run, stop := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(s.ended, func() { stop(context.Cause(s.ended)) })
	env, err := detach(run, s.client, func(ctx context.Context) (wsman.Envelope, error) {
		return s.client.do(ctx, opCommand(), func() (message, error) { return s.client.builder().command(s.id, line) })
	}, func(ctx context.Context, env wsman.Envelope) {
		if id, err := startedCommand(env); err == nil {
			s.client.signal(ctx, s.id, id, SignalTerminate)
		}
	})
	id := ""
	if err == nil {
		id, err = startedCommand(env)
	}
	if err != nil {
		unlink()
		stop(nil)
		return nil, fmt.Errorf("start %q on %s: %w", line, s.client.endpoint.URL, err)
	}
	c := &Command{shell: s, line: line, id: id, run: run, stop: stop, out: newOutputs(), done: make(chan struct{})}
	c.Stdin = &stdin{command: c}
	c.Stdout = outputReader{c.out, stdout, c.explain}
	c.Stderr = outputReader{c.out, stderr, c.explain}
	started = true
	go func() {
		defer s.commands.Done()
		defer unlink()
		c.receive()
	}()
	return c, nil
}

// explain says which command an error is about.
func (c *Command) explain(err error) error {
	return fmt.Errorf("command %q on %s: %w", c.line, c.shell.client.endpoint.URL, err)
}

// receive follows the command to its end, whatever that is, and tidies up.
func (c *Command) receive() {
	stopFail := context.AfterFunc(c.run, func() { c.out.finish(context.Cause(c.run)) })
	code, err := c.follow()
	stopFail()
	if err != nil && c.run.Err() != nil {
		err = context.Cause(c.run)
	}
	c.out.finish(err)
	c.exitCode = code
	if err != nil {
		c.err = c.explain(err)
	}
	close(c.done)
	c.stop(errDone)
	// Without this last signal the server keeps the command, until its quota is used up.
	if IsGone(err) {
		return
	}
	ctx, cancel := c.shell.client.tidyUp(c.run)
	defer cancel()
	if err := c.shell.client.signal(ctx, c.shell.id, c.id, SignalTerminate); err != nil && !IsGone(err) {
		c.shell.client.log.Warn("command not released", "command", c.id, "error", err)
	}
}

// errDone ends what still goes on for a command that is done.
var errDone = fmt.Errorf("the command has ended: %w", io.ErrClosedPipe)

// How long to pause before asking again when a server answers "nothing yet" at once instead of
// after the operation's time-out: never spin.
const (
	shortestWait = 200 * time.Millisecond
	hastyPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// follow receives until the command is done.
func (c *Command) follow() (uint32, error) {
	pause := hastyPause
	pipeEnded := false
	for {
		if err := c.out.room(); err != nil {
			return 0, err
		}
		asked := time.Now()
		r, err := c.receiveOnce()
		switch {
		case err == nil && r.done:
			return r.exitCode, c.deliver(r)
		case err == nil && !r.empty():
			if err := c.deliver(r); err != nil {
				return 0, err
			}
			pause, pipeEnded = hastyPause, false
			continue
		case err == nil, isTimeout(err):
		case isBrokenPipe(err) && !pipeEnded:
			pipeEnded = true // the exit code is still to come
		default:
			return 0, err
		}
		if time.Since(asked) >= shortestWait {
			pause = hastyPause
			continue
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-c.run.Done():
			return 0, context.Cause(c.run)
		}
	}
}

func (c *Command) receiveOnce() (received, error) {
	client := c.shell.client
	env, err := client.do(c.run, opReceive(), func() (message, error) { return client.builder().receive(c.shell.id, c.id) })
	if err != nil {
		return received{}, err
	}
	r, err := receivedOutput(env, c.id)
	if err != nil {
		return received{}, c.distrust(err)
	}
	return r, nil
}

// deliver passes on what was received.
func (c *Command) deliver(r received) error {
	if err := c.out.deliver(r); err != nil {
		return c.distrust(err)
	}
	return nil
}

// distrust says that an answer to Receive cannot be believed.
func (c *Command) distrust(err error) error {
	return &ConnError{Action: "Receive", URL: c.shell.client.endpoint.URL, Sent: true, Err: err}
}

// Wait waits until the command has ended, or ctx has (then the command goes on), and returns its
// exit code. The outputs need not have been read, see [Command].
func (c *Command) Wait(ctx context.Context) (exitCode uint32, err error) {
	c.out.expectEnd(+1)
	defer c.out.expectEnd(-1)
	select {
	case <-c.done:
		return c.exitCode, c.err
	case <-c.run.Done():
		// The command's own context: report it now, not after the request in flight noticed.
		select {
		case <-c.done:
			return c.exitCode, c.err
		default:
		}
		return 0, c.explain(context.Cause(c.run))
	case <-ctx.Done():
		return 0, c.explain(context.Cause(ctx))
	}
}

// Signal sends a signal. SignalTerminate ends the command for good.
func (c *Command) Signal(ctx context.Context, signal Signal) error {
	if err := c.shell.client.signal(ctx, c.shell.id, c.id, signal); err != nil {
		return c.explain(fmt.Errorf("signal: %w", err))
	}
	return nil
}

func (c *WinRM) signal(ctx context.Context, shellID, commandID string, signal Signal) error {
	_, err := c.do(ctx, opSignal(), func() (message, error) { return c.builder().signal(shellID, commandID, string(signal)) })
	return err
}

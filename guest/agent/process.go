// Package agent is one command of the agent in a guest: how it is started in a shell, what it says, how it ends, and
// what kinds of failure there are. Which commands there are is in docs/protocol.md; guest and guest/transfer give them.
package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"wskharness/guest/untrusted"
	"wskharness/remote"
)

const (
	// MaxLine bounds a line of what the agent prints, its line break not counted; the longest that it writes has some 2 KiB.
	MaxLine = 16 << 10

	// MaxComplaint is how many bytes of what the agent says of a failure are kept.
	MaxComplaint = 4 << 10

	// SettleTime is how long the agent may take to end after its last word, or after its input failed.
	SettleTime = 15 * time.Second
)

// Process is a command of the agent that runs in the guest. Close it.
type Process struct {
	In  io.WriteCloser // its standard input: see [remote.Command]
	Out *bufio.Reader  // its standard output; its buffer holds a line of MaxLine, with its end

	name    string
	command *remote.Command
	cancel  context.CancelCauseFunc
	stderr  keepFirst
	drained sync.WaitGroup // stderr
}

// Start runs a command of the agent, which is at exe in the guest, in a shell. The process lives until it ends, or ctx does, or
// Close.
func Start(ctx context.Context, shell *remote.Shell, exe string, args ...string) (*Process, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	c, err := shell.Start(ctx, remote.CommandLine{Line: exe, Args: args, SkipShell: true})
	if err != nil {
		cancel(nil)
		return nil, err
	}
	p := &Process{In: c.Stdin, Out: bufio.NewReaderSize(c.Stdout, MaxLine+1), name: args[0], command: c, cancel: cancel}
	p.drained.Go(func() { _, _ = io.Copy(&p.stderr, c.Stderr) }) // Wait reports the error
	return p, nil
}

// ErrAbandoned is why a process ended that was closed.
var ErrAbandoned = errors.New("the controller has no more use for it")

// Close ends the process if it has not ended. It does not wait: remote tidies up behind it, and closing the shell waits
// for that.
func (p *Process) Close() { p.cancel(ErrAbandoned) }

// SendSize is how many bytes of In go in one request.
func (p *Process) SendSize() int { return p.command.SendSize() }

// Wait waits for the end, when what is left of Out has been read. An exit code other than 0 is an *[Error], or a
// *[StaleError].
func (p *Process) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, SettleTime, fmt.Errorf("agent %s: still running %v after its last word", p.name, SettleTime))
	defer cancel()
	code, err := p.command.Wait(ctx)
	if err != nil {
		return err
	}
	p.drained.Wait()
	switch code {
	case 0:
		return nil
	case staleExit:
		return &StaleError{Command: p.name, Complaint: p.stderr.oneLine()}
	}
	return &Error{Command: p.name, ExitCode: code, Complaint: p.stderr.oneLine()}
}

// Explain tells what it means that reading Out has failed with err: where its words end too early it is how the agent ended
// that matters, and words that can't be believed are a *[ProtocolError].
func (p *Process) Explain(ctx context.Context, doing string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if err := p.Wait(ctx); err != nil {
			return err
		}
		return &ProtocolError{Doing: doing, Err: fmt.Errorf("it ended well, but before it had said all: %w", io.ErrUnexpectedEOF)}
	}
	if bad, ok := errors.AsType[*MalformedError](err); ok {
		return &ProtocolError{Doing: doing, Err: bad}
	}
	return err
}

// keepFirst keeps the first MaxComplaint bytes that are written to it and swallows the rest: a complaint is for people, and
// a guest may print for ever.
type keepFirst struct {
	mu   sync.Mutex
	data []byte
}

func (k *keepFirst) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = append(k.data, p[:min(len(p), MaxComplaint-len(k.data))]...)
	return len(p), nil
}

// oneLine is what was kept, on one line and printable.
func (k *keepFirst) oneLine() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return untrusted.Printable(k.data)
}

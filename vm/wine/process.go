//go:build linux

package wine

import (
	"context"
	"io"
	"sync"

	"wskharness/remote/winrmd"
	"wskharness/winerr"
)

// Exit codes of commands that are ended from outside, as on Windows.
const (
	exitKilled = 1
	exitCtrlC  = uint32(winerr.StatusControlCExit)
)

// process is a command in the guest. It implements winrmd.Process.
type process struct {
	host    *hostConn
	id      uint32
	started chan winerr.Win32
	stdin   *input
	outputs [2]*output
	done    chan struct{}
	once    sync.Once
	exit    uint32
	err     error
}

var _ winrmd.Process = (*process)(nil)

func newProcess(h *hostConn) *process {
	p := &process{host: h, started: make(chan winerr.Win32, 1), done: make(chan struct{})}
	p.stdin = &input{process: p, granted: window}
	p.stdin.changed.L = &p.stdin.mu
	for i := range p.outputs {
		o := &output{process: p, stream: uint8(i + 1)}
		o.changed.L = &o.mu
		p.outputs[i] = o
	}
	return p
}

func (p *process) Stdin() io.WriteCloser { return p.stdin }
func (p *process) Stdout() io.Reader     { return p.outputs[0] }
func (p *process) Stderr() io.Reader     { return p.outputs[1] }

// Wait waits for the command's whole tree to have ended.
func (p *process) Wait() (uint32, error) {
	<-p.done
	return p.exit, p.err
}

// Signal ends the command: nothing is typed at its console, so a command sees a signal as one that has no
// handler does on Windows.
func (p *process) Signal(_ context.Context, s winrmd.Signal) error {
	if s == winrmd.SignalTerminate {
		return p.terminate(exitKilled)
	}
	return p.terminate(exitCtrlC)
}

func (p *process) terminate(exit uint32) error {
	for _, o := range p.outputs {
		o.drop()
	}
	return p.host.send(frame{kind: frameTerminate, command: p.id, value: exit})
}

// frame takes in what the host says of this command. It must not block: all commands share the pipe.
func (p *process) frame(f frame) {
	switch f.kind {
	case frameStarted:
		p.start(winerr.ErrorSuccess)
	case frameRefused:
		p.start(max(1, winerr.Win32(f.value))) // never a success
	case frameOutput, frameOutputEnd:
		if f.stream >= 1 && f.stream <= 2 {
			p.outputs[f.stream-1].take(f.payload, f.kind == frameOutputEnd)
		}
	case frameStdinGrant:
		p.stdin.grant(int(min(f.value, window)))
	case frameStdinGone:
		p.stdin.gone()
	case frameExit:
		p.finish(f.value, nil)
	}
}

func (p *process) start(win32 winerr.Win32) {
	select {
	case p.started <- win32:
	default: // said already
	}
}

// lost ends a command whose guest is gone.
func (p *process) lost(err error) { p.finish(exitKilled, err) }

func (p *process) finish(exit uint32, err error) {
	p.once.Do(func() {
		p.exit, p.err = exit, err
		p.host.forget(p.id)
		p.stdin.gone()
		for _, o := range p.outputs {
			o.take(nil, true)
		}
		close(p.done)
	})
}

// input is a command's standard input: it sends as much as the host has granted.
type input struct {
	process *process
	mu      sync.Mutex
	changed sync.Cond
	granted int
	closed  bool // by us
	broken  bool // nobody reads it any more
}

func (in *input) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, err := in.reserve(len(b) - written)
		if err != nil {
			return written, err
		}
		f := frame{kind: frameStdin, command: in.process.id, payload: b[written : written+n]}
		if err := in.process.host.send(f); err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// reserve waits for a part of the window.
func (in *input) reserve(want int) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.granted == 0 && !in.broken && !in.closed {
		in.changed.Wait()
	}
	if in.broken || in.closed {
		return 0, io.ErrClosedPipe
	}
	n := min(want, in.granted, maxFrameData)
	in.granted -= n
	return n, nil
}

func (in *input) grant(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.granted = min(in.granted+n, window)
	in.changed.Broadcast()
}

func (in *input) gone() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.broken = true
	in.changed.Broadcast()
}

// Close tells the command that there is no more input.
func (in *input) Close() error {
	in.mu.Lock()
	again := in.closed || in.broken
	in.closed = true
	in.changed.Broadcast()
	in.mu.Unlock()
	if again {
		return nil
	}
	return in.process.host.send(frame{kind: frameStdinEnd, command: in.process.id})
}

// output is one of a command's outputs. The window keeps what is buffered here bounded: the host sends no
// more than was read.
type output struct {
	process *process
	stream  uint8
	mu      sync.Mutex
	changed sync.Cond
	buffer  []byte
	read    int // bytes since the last grant
	ended   bool
	dropped bool
}

// take adds what came from the guest. More than the window is a host that broke the protocol; the
// surplus is dropped rather than kept without bound.
func (o *output) take(b []byte, end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dropped && len(o.buffer)+len(b) <= window {
		o.buffer = append(o.buffer, b...)
	}
	o.ended = o.ended || end
	o.changed.Broadcast()
}

// drop ends the output for its reader: whoever terminates a command does not want the rest.
func (o *output) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropped, o.ended, o.buffer = true, true, nil
	o.changed.Broadcast()
}

func (o *output) Read(b []byte) (int, error) {
	n, grant, err := o.readBuffered(b)
	if grant > 0 {
		f := frame{kind: frameGrant, command: o.process.id, stream: o.stream, value: uint32(grant)}
		if err := o.process.host.send(f); err != nil {
			return n, err
		}
	}
	return n, err
}

func (o *output) readBuffered(b []byte) (n, grant int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buffer) == 0 && !o.ended {
		o.changed.Wait()
	}
	if len(o.buffer) == 0 {
		return 0, 0, io.EOF
	}
	n = copy(b, o.buffer)
	o.buffer = o.buffer[n:]
	if len(o.buffer) == 0 {
		o.buffer = nil // let the array go
	}
	if o.read += n; o.read >= grantAt && !o.ended {
		grant, o.read = o.read, 0
	}
	return n, grant, nil
}

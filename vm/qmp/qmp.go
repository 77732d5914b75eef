// Package qmp speaks QEMU's monitor protocol (docs/interop/qmp-spec.rst of QEMU's sources): JSON objects, a line each. The
// server greets, takes commands once it was told qmp_capabilities, and tells of events whenever there are any, also between a
// command and its answer.
//
//	monitor, err := qmp.Connect(ctx, conn, func(e qmp.Event) { … })
//	err = monitor.Run(ctx, "system_reset", nil, nil)
//	text, err := monitor.Human(ctx, "info usernet")
//	err = monitor.Job(ctx, "snapshot-load", map[string]any{"tag": "ready", …})
package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Event is something that QEMU tells unasked.
type Event struct {
	Name string          // SHUTDOWN, GUEST_PANICKED, …
	Time time.Time       // by the host's clock; zero where QEMU could not read it
	Data json.RawMessage // of the event's own shape; nil where it has none
}

// CommandError is a command that QEMU has refused, or that failed.
type CommandError struct {
	Command string
	Class   string // GenericError, CommandNotFound, DeviceNotFound, …
	Desc    string // for people
}

func (e *CommandError) Error() string { return fmt.Sprintf("QEMU refuses %s: %s", e.Command, e.Desc) }

// ErrClosed is why a command has no answer: QEMU has ended, or the connection was closed.
var ErrClosed = errors.New("the connection to QEMU's monitor has ended")

// Monitor is a connection. Its methods may be called from several goroutines.
type Monitor struct {
	conn  net.Conn
	tell  func(Event)
	ended chan struct{}

	writing sync.Mutex

	mu      sync.Mutex
	last    uint64 // number of the last command
	jobs    uint64 // number of the last job
	waiting map[uint64]chan<- message
	watched map[string]*job
	err     error // why it has ended
}

// Connect waits for the greeting and enters command mode. tell gets every event, in order, from the first one that QEMU has told
// this connection: also those that come before the answer to a command are told before that answer is given. It is called by
// the one goroutine that reads, so that it must neither wait nor call the Monitor. The connection is the Monitor's from here
// on, also where this fails.
func Connect(ctx context.Context, conn net.Conn, tell func(Event)) (*Monitor, error) {
	m := &Monitor{conn: conn, tell: tell, ended: make(chan struct{}), waiting: map[uint64]chan<- message{}, watched: map[string]*job{}}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	lines := newReader(conn)
	greeting, err := readMessage(lines)
	if err == nil && greeting.Greeting == nil {
		err = errors.New("it does not greet as QEMU does")
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to QEMU's monitor: %w", errors.Join(context.Cause(ctx), err))
	}
	go m.read(lines)
	if err := m.Run(ctx, "qmp_capabilities", nil, nil); err != nil {
		m.Close()
		return nil, fmt.Errorf("connect to QEMU's monitor: %w", err)
	}
	return m, nil
}

// Ended is closed when nothing is answered any more. All events have been told by then.
func (m *Monitor) Ended() <-chan struct{} { return m.ended }

// Close ends the connection, and returns when no event is told any more.
func (m *Monitor) Close() {
	m.conn.Close()
	<-m.ended
}

// Run executes a command and reads its answer into result; nil: nobody wants it. Arguments are nil or become a JSON object. What
// QEMU refuses is a *CommandError. Where ctx ends first QEMU goes on with the command, and its answer is for nobody.
func (m *Monitor) Run(ctx context.Context, command string, arguments, result any) error {
	answer, number, err := m.register()
	if err == nil {
		defer m.forget(number)
		err = m.send(ctx, request{Execute: command, Arguments: arguments, ID: number})
	}
	if err != nil {
		return fmt.Errorf("ask QEMU for %s: %w", command, err)
	}
	var a message
	select {
	case a = <-answer:
	case <-ctx.Done():
		return fmt.Errorf("wait for QEMU's answer to %s: %w", command, context.Cause(ctx))
	case <-m.ended:
		select {
		case a = <-answer: // it was the last word
		default:
			return fmt.Errorf("wait for QEMU's answer to %s: %w", command, m.failure())
		}
	}
	switch {
	case a.Error != nil:
		return &CommandError{Command: command, Class: a.Error.Class, Desc: a.Error.Desc}
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(a.Return, result); err != nil {
		return fmt.Errorf("read QEMU's answer to %s: %w", command, err)
	}
	return nil
}

// Human executes a command of the monitor for people (human-monitor-command), and returns what that prints. Such a command has no
// errors: they are in the text.
func (m *Monitor) Human(ctx context.Context, line string) (string, error) {
	var text string
	err := m.Run(ctx, "human-monitor-command", map[string]any{"command-line": line}, &text)
	return text, err
}

type request struct {
	Execute   string `json:"execute"`
	Arguments any    `json:"arguments,omitempty"`
	ID        uint64 `json:"id"`
}

// register gives a command its number, under which its answer comes.
func (m *Monitor) register() (answer <-chan message, number uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, 0, m.err
	}
	m.last++
	c := make(chan message, 1)
	m.waiting[m.last] = c
	return c, m.last, nil
}

func (m *Monitor) forget(number uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.waiting, number)
}

// send writes a command. Half a command can't be taken back: where ctx ends in its middle the connection ends, too.
func (m *Monitor) send(ctx context.Context, r request) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, func() { _ = m.conn.SetWriteDeadline(time.Unix(1, 0)) })
	n, err := m.conn.Write(append(line, '\n'))
	if !stop() {
		_ = m.conn.SetWriteDeadline(time.Time{}) // for the next one; a closed connection says so itself
	}
	if err != nil && n > 0 {
		m.conn.Close()
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// read takes in what QEMU says until it says no more.
func (m *Monitor) read(lines *bufio.Reader) {
	var err error
	for err == nil {
		var one message
		if one, err = readMessage(lines); err == nil {
			m.take(one)
		}
	}
	m.conn.Close()
	m.mu.Lock()
	m.err = fmt.Errorf("%w: %w", ErrClosed, err)
	m.mu.Unlock()
	close(m.ended)
}

func (m *Monitor) take(one message) {
	if one.Event != "" {
		e := Event{Name: one.Event, Time: one.Timestamp.time(), Data: one.Data}
		m.follow(e)
		m.tell(e)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if one.ID == nil {
		return // an answer to nothing of ours, such as an error about a line that QEMU could not read
	}
	if answer := m.waiting[*one.ID]; answer != nil {
		delete(m.waiting, *one.ID)
		answer <- one // there is room for it
	}
}

func (m *Monitor) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

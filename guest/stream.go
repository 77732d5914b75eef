package guest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"wskharness/guest/agent"
	"wskharness/guest/journal"
)

const (
	maxJournal = 512 << 20 // bytes; a plan of the largest size writes some 60 MiB

	linesAhead = 64 // records that may wait for Next before the guest is no longer asked for more
)

// Stream delivers the records of a run's journal as the agent writes them. Use it from one
// goroutine; Close may be called from any.
type Stream struct {
	guest *Guest
	runID string
	copy  io.Writer // nil, or gets the bytes of every record that was accepted

	life    context.Context // ends with Close
	end     context.CancelCauseFunc
	readers sync.WaitGroup

	source    *source
	read      *journal.Reader // what was accepted
	refetched int64           // where the journal was last asked for again, -1 if nowhere
	final     error           // what Next returns from now on
}

// source is one command in the guest that prints the journal.
type source struct {
	process *agent.Process
	lines   chan []byte // without line breaks; closed at the end
	err     error       // why it ended; set before lines is closed
	enough  chan struct{}
}

var errStreamClosed = errors.New("the stream was closed")

// follow starts a command that prints the journal from offset. ctx bounds the start; the stream
// lives until the run has ended, contact is lost, or Close.
func (g *Guest) follow(ctx context.Context, runID string, from journal.Position, raw io.Writer) (*Stream, error) {
	s := g.newStream(ctx, runID, from, raw)
	if err := s.tail(ctx); err != nil {
		s.end(nil)
		return nil, err
	}
	return s, nil
}

// newStream makes a stream that has no source yet. It outlives ctx.
func (g *Guest) newStream(ctx context.Context, runID string, from journal.Position, raw io.Writer) *Stream {
	s := &Stream{guest: g, runID: runID, copy: raw, read: journal.NewReader(runID, from), refetched: -1}
	s.life, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return s
}

// tail opens the journal from where the stream has got to.
func (s *Stream) tail(ctx context.Context) error {
	err := s.open(ctx, func(*agent.Process) error { return nil },
		"tail", "--journal", JournalPath(s.runID), "--from", strconv.FormatInt(s.position().Offset, 10), "--follow")
	if err != nil {
		return s.broken(ctx, err)
	}
	return nil
}

// open starts a command that prints the journal, after what is to be said to it before.
func (s *Stream) open(ctx context.Context, before func(*agent.Process) error, args ...string) error {
	life, abandon := context.WithCancelCause(s.life)
	unlink := context.AfterFunc(ctx, func() { abandon(context.Cause(ctx)) })
	src := &source{lines: make(chan []byte, linesAhead), enough: make(chan struct{})}
	var err error
	if src.process, err = s.guest.start(life, args...); err == nil {
		err = before(src.process)
	}
	if !unlink() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		abandon(agent.ErrAbandoned) // and with it the process
		return err
	}
	s.source = src
	s.readers.Go(func() {
		defer abandon(nil)
		defer close(src.lines)
		src.err = src.read(life)
	})
	return nil
}

// read passes lines on until there are no more, and returns why: nil when the command ended well,
// *agent.Error when it did not, something else when contact was lost.
func (s *source) read(ctx context.Context) error {
	for {
		raw, err := s.process.Out.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			s.process.Close()
			return agent.Malformed("a line of more than %d bytes", agent.MaxLine)
		}
		if err != nil { // a last line without its end is one that was never written out
			return s.process.Wait(ctx)
		}
		select {
		case s.lines <- bytes.Clone(raw[:len(raw)-1]):
		case <-s.enough:
			s.process.Close()
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Next returns the next record; after run-end io.EOF, or, when it said "plan" and the agent is still
// there to say why it refused the plan, *[agent.Error]. When ctx ends first, it returns
// the context's cause and nothing is lost: call it again.
//
// Other errors are final: *[LostError] when contact was lost (the run may go on: follow it from
// Offset); *[EndedError] when the run's process died; *[JournalError] when the journal is damaged
// or lies, even when fetched again; *[agent.Error] when the agent refused (its complaint says why);
// *[agent.LimitError]; and what the writer of the copy returned.
func (s *Stream) Next(ctx context.Context) (journal.Record, error) {
	for s.final == nil {
		select {
		case raw, ok := <-s.source.lines:
			if !ok {
				s.final = s.ended(ctx)
				break
			}
			r, err := s.accept(raw)
			if err == nil {
				return r, nil
			}
			if s.final == nil {
				s.final = s.refetch(ctx, err)
			}
		case <-ctx.Done():
			return journal.Record{}, context.Cause(ctx)
		}
	}
	return journal.Record{}, s.final
}

// accept makes a record of a line. When it sets final, that is the error; else the line may be
// damaged on the way and the error is why it was not accepted.
func (s *Stream) accept(raw []byte) (journal.Record, error) {
	r, err := s.read.Parse(raw)
	if err != nil {
		return journal.Record{}, err
	}
	if r.Offset+int64(len(raw))+1 > maxJournal {
		s.final = &agent.LimitError{Doing: "follow run " + s.runID, What: "bytes of journal", Limit: maxJournal}
		return journal.Record{}, s.final
	}
	if s.copy != nil {
		if _, err := s.copy.Write(append(bytes.Clone(raw), '\n')); err != nil {
			s.final = fmt.Errorf("follow run %s: keep a copy of the journal: %w", s.runID, err)
			return journal.Record{}, s.final
		}
	}
	s.read.Accept(r)
	if r.Ev == journal.EvRunEnd {
		s.final = s.atEnd(r)
	}
	return r, nil
}

// atEnd is what Next returns after run-end. Why a plan was refused only the agent's complaint says.
func (s *Stream) atEnd(r journal.Record) error {
	close(s.source.enough)
	if r.Why != "plan" {
		return io.EOF
	}
	for range s.source.lines { // until it is closed; what is still in it does not belong there
	}
	if refused, ok := errors.AsType[*agent.Error](s.source.err); ok {
		return fmt.Errorf("start run %s: %w", s.runID, refused)
	}
	return io.EOF
}

// refetch asks for the journal again from the first record that was not accepted, once for each:
// what is still wrong then is wrong in the guest.
func (s *Stream) refetch(ctx context.Context, why error) error {
	s.source.process.Close()
	if s.refetched == s.position().Offset {
		return &JournalError{RunID: s.runID, Offset: s.position().Offset, Err: why}
	}
	s.refetched = s.position().Offset
	s.guest.log.Warn("the journal did not come whole, fetching it again", "run", s.runID, "offset", s.position().Offset, "error", why)
	return s.tail(ctx)
}

// ended says why the lines have come to an end before run-end; nil when they come again.
func (s *Stream) ended(ctx context.Context) error {
	err := s.source.err
	if bad, ok := errors.AsType[*agent.MalformedError](err); ok {
		return s.refetch(ctx, bad)
	}
	refused, ok := errors.AsType[*agent.Error](err)
	switch {
	case ok && refused.ExitCode == agent.ExitGone:
		return &EndedError{RunID: s.runID, Offset: s.position().Offset, Seq: s.position().Seq, Complaint: refused.Complaint}
	case ok && refused.Complaint == "" && s.refetched != s.position().Offset:
		// The agent says why it fails: this one was ended from outside, as the run itself may have been. Another knows.
		return s.refetch(ctx, refused)
	case err == nil:
		return &JournalError{RunID: s.runID, Offset: s.position().Offset, Err: errors.New("the agent ended well, but before run-end")}
	}
	return s.broken(s.life, err)
}

// broken makes a LostError of err unless it is a refusal or somebody's wish.
func (s *Stream) broken(ctx context.Context, err error) error {
	s.guest.notice(err)
	if _, refused := errors.AsType[*agent.Error](err); refused || ctx.Err() != nil || s.life.Err() != nil {
		return fmt.Errorf("follow run %s: %w", s.runID, err)
	}
	return &LostError{RunID: s.runID, Position: s.position(), Err: err}
}

// position is where the journal goes on after the last record that Next returned.
func (s *Stream) position() journal.Position { return s.read.Position() }

// Close stops following. The run goes on in the guest.
func (s *Stream) Close() {
	s.end(errStreamClosed)
	s.readers.Wait()
}

package transfer

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
	"wskharness/remote"
)

// stripeError is a stream that failed; unlike the conversation's own, its failure does not end the agent's put.
type stripeError struct{ err error }

func (e *stripeError) Error() string { return e.err.Error() }
func (e *stripeError) Unwrap() error { return e.err }

// stripes is one file on its way through several streams, with a `stripe` of the agent at the end of each.
type stripes struct {
	*sender
	upload upload
	from   int64 // what is before it is there
	chunk  int64 // what one request carries
	data   io.ReaderAt

	mu   sync.Mutex // also of sent
	next int64      // offset of the next chunk that nobody has taken yet
}

// striped sends a file through several streams, and then has the agent check the whole.
func (s *sender) striped(ctx context.Context, index uint16, u upload, from int64) error {
	r, done, err := u.open()
	if err != nil {
		return &localError{fmt.Errorf("push %s: %w", u.entry.Path, err)}
	}
	defer done()
	// Frames that fit a request whole, so that none waits for another.
	t := &stripes{sender: s, upload: u, from: from, data: r, next: from,
		chunk: min(frame.MaxPayload, int64(s.w.Size())-2*frame.HeaderSize)}
	if err := s.w.Flush(); err != nil {
		return err
	}
	if err := t.run(ctx); err != nil {
		if ctx.Err() != nil { // the agent refused something: what, listen knows
			return nil
		}
		return err
	}
	_, err = s.w.Write(frame.Append(nil, frame.Frame{Kind: frame.Whole, File: index, Offset: uint64(u.entry.Size)}))
	return err
}

// run has the streams carry all chunks. One goes through the shell of the conversation, so that there always is one; a shell
// more that can't be had is done without.
func (s *stripes) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var streams sync.WaitGroup
	carry := func(start Start) {
		if err := s.carry(ctx, start); err != nil {
			cancel(err)
		}
	}
	opening, enough := context.WithCancel(ctx)
	streams.Go(func() {
		carry(s.mover.agent.Start)
		enough() // all chunks are taken: a shell that is not there yet, for a quota perhaps, comes too late
	})
	for range s.mover.streams(s.upload.entry.Size-s.from) - 1 {
		streams.Go(func() {
			start, end, err := s.mover.agent.Beside(opening)
			if err != nil {
				s.mover.log.Debug("one stream less", "error", err)
				return
			}
			defer end()
			carry(start)
		})
	}
	streams.Wait()
	enough()
	err := context.Cause(ctx)
	switch _, local := errors.AsType[*localError](err); {
	case err == nil && s.next < s.upload.entry.Size:
		return &stripeError{io.ErrUnexpectedEOF}
	case err == nil, local:
		return err
	}
	return &stripeError{err}
}

// take gives the next chunk that nobody has taken yet, and whether it is the last.
func (s *stripes) take() (offset, length int64, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offset = s.next
	length = min(s.chunk, s.upload.entry.Size-offset)
	s.next += length
	return offset, length, s.next == s.upload.entry.Size
}

// carry is one stream.
func (s *stripes) carry(ctx context.Context, start Start) error {
	e := &s.upload.entry
	if s.allTaken() {
		return nil // the others were faster than this one's shell
	}
	p, err := start(ctx, "stripe", "--size", strconv.FormatInt(e.Size, 10), "--from", strconv.FormatInt(s.from, 10),
		"--chunk", strconv.FormatInt(s.chunk, 10), "--sha256", hex.EncodeToString(e.SHA256[:]), e.Path)
	if err != nil {
		return err
	}
	defer p.Close()
	written, err := s.feed(p)
	if err != nil {
		return err
	}
	return s.confirm(ctx, p, written)
}

func (s *stripes) allTaken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next == s.upload.entry.Size
}

// feed sends chunks until there are no more, or the agent has ended. It returns how many bytes of the file they
// were, those included that were under way then: with the last ones the agent ends before they are acknowledged.
func (s *stripes) feed(p *agent.Process) (written int64, err error) {
	var pack frame.Packer
	payload := make([]byte, s.chunk)
	for {
		offset, length, last := s.take()
		request := frame.Append(nil, frame.Frame{Kind: frame.Finish})
		if length > 0 {
			if err := s.upload.read(s.data, payload[:length], offset); err != nil {
				return written, err
			}
			data := pack.Pack(frame.Frame{Kind: frame.Data, Offset: uint64(offset), Payload: payload[:length]})
			if last { // the end goes in the same request
				request = append(data, request...)
			} else {
				request = data
			}
		}
		_, err := p.In.Write(request)
		if err != nil && !remote.EndsInput(err) {
			return written, err
		}
		if length > 0 {
			written += length
			s.arrived(length)
		}
		if last || length == 0 || err != nil {
			return written, nil
		}
	}
}

func (s *stripes) arrived(n int64) {
	s.mu.Lock()
	s.sent += n
	position := s.sent
	s.mu.Unlock()
	s.stats.sent(n, position)
}

// confirm hears from the agent that it wrote all that this stream sent.
func (s *stripes) confirm(ctx context.Context, p *agent.Process, written int64) error {
	f, err := frame.NewReader(p.Out).Next()
	switch {
	case err == nil && f.Kind == frame.Error:
		return refusal("push", s.upload.entry.Path, f)
	case err == nil && (f.Kind != frame.Have || int64(f.Offset) != written):
		err = agent.Malformed("%s at %d after %d bytes of chunks", f.Kind, f.Offset, written)
	}
	if err != nil {
		return p.Explain(ctx, s.doing(), err)
	}
	return p.Wait(ctx)
}

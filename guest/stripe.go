package guest

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"wskharness/remote"
)

// A stream carries one request's worth of bytes a round trip, however fast the link is. So where round trips
// take long, a large file goes through several streams, each with a shell of its own and a `stripe` of the
// agent at its end.
const (
	slowRoundTrip = 8 * time.Millisecond
	maxStreams    = 8

	// A stream has to carry this many requests to be worth the round trips that its start takes.
	requestsPerStream = 3
	bytesPerRequest   = 375000 // with the usual envelope
)

// streams is how many streams size bytes are worth on the way to this guest.
func (g *Guest) streams(size int64) int {
	if !g.far() {
		return 1
	}
	return int(max(1, min(maxStreams, size/(requestsPerStream*bytesPerRequest))))
}

// far reports whether round trips to this guest take long.
func (g *Guest) far() bool {
	shell, err := g.currentShell()
	return err == nil && shell.RoundTrip() >= g.slow
}

// rangesSideBySide is how many ranges of a file are fetched at once.
func (g *Guest) rangesSideBySide() int {
	if g.far() {
		return maxStreams
	}
	return 2
}

// rangeBytes is how long they are. The start of a process in the guest costs as much as some MiB do where the
// link is fast; where it is not, less should be lost with it.
func (g *Guest) rangeBytes() int64 {
	if g.far() {
		return 4 << 20
	}
	return 16 << 20
}

// stripeError is a stream that failed; unlike the conversation's own, its failure does not end the agent's put.
type stripeError struct{ err error }

func (e *stripeError) Error() string { return e.err.Error() }
func (e *stripeError) Unwrap() error { return e.err }

// stripes is one file on its way through several streams.
type stripes struct {
	c      *conversation
	upload upload
	from   int64 // what is before it is there
	chunk  int64 // what one request carries
	data   io.ReaderAt

	mu   sync.Mutex
	next int64  // offset of the next chunk that nobody has taken yet
	sent *int64 // over all files, for progress
}

// sendStriped sends a file through several streams, and then has the agent check the whole.
func (c *conversation) sendStriped(ctx context.Context, w *bufio.Writer, index uint16, u upload, from int64, sent *int64, _ *packer, ended <-chan struct{}) error {
	r, done, err := u.open()
	if err != nil {
		return &localError{fmt.Errorf("push %s: %w", u.entry.path, err)}
	}
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := afterwards(ended, func() { cancel(errAbandoned) }) // the agent refused something: what, listen knows
	defer stop()
	// Frames that fit a request whole, so that none waits for another.
	s := &stripes{c: c, upload: u, from: from, data: r, next: from, sent: sent,
		chunk: min(maxPayload, int64(w.Size())-2*frameHeaderSize)}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := s.send(ctx, cancel); err != nil {
		select {
		case <-ended:
			return nil
		default:
			return err
		}
	}
	_, err = w.Write(appendFrame(nil, frame{kind: frameWhole, file: index, offset: uint64(u.entry.size)}))
	return err
}

// afterwards calls f when the channel is closed, unless stop is called before.
func afterwards(closed <-chan struct{}, f func()) (stop func()) {
	over := make(chan struct{})
	go func() {
		select {
		case <-closed:
			f()
		case <-over:
		}
	}()
	return sync.OnceFunc(func() { close(over) })
}

// send has the streams carry all chunks. One goes through the guest's own shell, so that there always is one;
// a shell more that can't be had is done without.
func (s *stripes) send(ctx context.Context, cancel context.CancelCauseFunc) error {
	g := s.c.guest
	own, err := g.currentShell()
	if err != nil {
		return err
	}
	var streams sync.WaitGroup
	carry := func(shell *remote.Shell) {
		if err := s.carry(ctx, shell); err != nil {
			cancel(err)
		}
	}
	opening, enough := context.WithCancel(ctx)
	streams.Go(func() {
		carry(own)
		enough() // all chunks are taken: a shell that is not there yet, for a quota perhaps, comes too late
	})
	for range g.streams(s.upload.entry.size-s.from) - 1 {
		streams.Go(func() {
			shell, err := g.client.Shell(opening, g.opts.Shell)
			if err != nil {
				g.log.Debug("one stream less", "error", err)
				return
			}
			defer closeLater(shell)
			carry(shell)
		})
	}
	streams.Wait()
	enough()
	err = context.Cause(ctx)
	switch _, local := errors.AsType[*localError](err); {
	case err == nil && s.next < s.upload.entry.size:
		return &stripeError{io.ErrUnexpectedEOF}
	case err == nil, local:
		return err
	}
	return &stripeError{err}
}

// closeLater deletes a shell in the background: the client waits for that when it is closed.
func closeLater(shell *remote.Shell) {
	ended, end := context.WithCancel(context.Background())
	end()
	_ = shell.Close(ended)
}

// take gives the next chunk that nobody has taken yet, and whether it is the last.
func (s *stripes) take() (offset, length int64, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	offset = s.next
	length = min(s.chunk, s.upload.entry.size-offset)
	s.next += length
	return offset, length, s.next == s.upload.entry.size
}

// carry is one stream.
func (s *stripes) carry(ctx context.Context, shell *remote.Shell) error {
	e := &s.upload.entry
	if s.allTaken() {
		return nil // the others were faster than this one's shell
	}
	p, err := s.c.guest.startIn(ctx, shell, s.c.exe, "stripe", "--size", strconv.FormatInt(e.size, 10),
		"--from", strconv.FormatInt(s.from, 10), "--chunk", strconv.FormatInt(s.chunk, 10),
		"--sha256", hex.EncodeToString(e.sha256[:]), e.path)
	if err != nil {
		return err
	}
	defer p.close()
	written, err := s.feed(p)
	if err != nil {
		return err
	}
	return s.confirm(ctx, p, written)
}

func (s *stripes) allTaken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next == s.upload.entry.size
}

// feed sends chunks until there are no more, or the agent has ended. It returns how many bytes of the file they
// were, those included that were under way then: with the last ones the agent ends before they are acknowledged.
func (s *stripes) feed(p *process) (written int64, err error) {
	var pack packer
	payload := make([]byte, s.chunk)
	for {
		offset, length, last := s.take()
		request := appendFrame(nil, frame{kind: frameFinish})
		if length > 0 {
			if err := s.upload.read(s.data, payload[:length], offset); err != nil {
				return written, err
			}
			data := pack.pack(frame{kind: frameData, offset: uint64(offset), payload: payload[:length]})
			if last { // the end goes in the same request
				request = append(data, request...)
			} else {
				request = data
			}
		}
		_, err := p.Stdin.Write(request)
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
	*s.sent += n
	position := *s.sent
	s.mu.Unlock()
	s.c.tally.sent(n, position)
}

// confirm hears from the agent that it wrote all that this stream sent.
func (s *stripes) confirm(ctx context.Context, p *process, written int64) error {
	frames := frameReader{r: bufio.NewReader(p.Stdout)}
	f, err := frames.next()
	switch bad, malformed := errors.AsType[*malformedError](err); {
	case malformed:
		return s.c.broken(bad)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return s.c.cutShort(ctx, p, err)
	case err != nil:
		return err
	case f.kind == frameError:
		return &TransferError{Path: s.upload.entry.path, Upload: true, Win32: uint32(f.offset), Text: clip(printable(f.payload), maxComplaint)}
	case f.kind != frameHave || int64(f.offset) != written:
		return s.c.broken(fmt.Errorf("%s at %d after %d bytes of chunks", f.kind, f.offset, written))
	}
	_, err = p.wait(ctx)
	return err
}

package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"wskharness/remote"
)

// conversation is what a `put` is about: the controller says what it has, the agent what it wants, and while
// the one sends, the other acknowledges.
//
// Two goroutines: listen reads what the agent says, send writes; what the agent says decides.
type conversation struct {
	guest  *Guest
	exe    string // the agent in the guest
	batch  []upload
	tally  *tally
	start  int64 // bytes of the batches before this one
	goesOn bool  // the agent does something else when the files are there, and waits for FINISH to do so

	out      *bufio.Reader // what the agent says
	finished bool          // FINISH was sent, or may have been

	mu    sync.Mutex
	have  []int64 // per file, the offset from which the agent wants it; those known so far
	made  int     // files that were not there, but are since the agent has looked: nothing of them was to come
	done  []bool
	asked chan struct{} // closed when have is complete
}

// put has the conversation in a process of its own in the guest.
func (c *conversation) put(ctx context.Context) error {
	p, err := c.guest.start(ctx, c.exe, c.guest.leased("put")...)
	if err != nil {
		return err
	}
	defer p.close()
	return c.hold(ctx, p)
}

// hold has the conversation with a process that takes files. When that goes on with something else, out is where it
// says what.
func (c *conversation) hold(ctx context.Context, p *process) error {
	c.done = make([]bool, len(c.batch))
	c.asked = make(chan struct{})
	c.out = bufio.NewReaderSize(p.Stdout, maxLine+1)
	heard := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		heard <- c.listen(ctx, p)
	}()
	sendErr := c.send(ctx, p, ended)
	return c.verdict(ctx, p, sendErr, heard)
}

// verdict weighs both sides. What the agent said counts for more than how sending went: it may
// have ended early because everything was there, and a refusal says more than a broken pipe does.
func (c *conversation) verdict(ctx context.Context, p *process, sendErr error, heard <-chan error) error {
	timeout := time.NewTimer(settleTime)
	defer timeout.Stop()
	expired := timeout.C
	_, stripe := errors.AsType[*stripeError](sendErr)
	failed := stripe || sendErr != nil && !remote.EndsInput(sendErr) // else, if anything, the agent has ended: listen knows how
	switch {
	case sendErr == nil:
		expired = nil // the agent is hashing and flushing; ctx and remote bound that
	case failed:
		p.close() // the agent would wait for ever for what won't come
	}
	select {
	case err := <-heard:
		if err != nil && failed && (errors.Is(err, errAbandoned) || errors.Is(err, io.ErrUnexpectedEOF)) {
			return sendErr
		}
		return err
	case <-expired:
		p.close()
		<-heard
		return sendErr
	}
}

// listen reads the agent's frames to their end. It returns nil when every file is in the guest.
func (c *conversation) listen(ctx context.Context, p *process) error {
	frames := frameReader{r: c.out}
	for !c.goesOn || c.missing() != "" {
		f, err := frames.next()
		switch {
		case err == nil:
			if err := c.take(f); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			if _, err := p.wait(ctx); err != nil {
				return err
			}
			if missing := c.missing(); missing != "" {
				return c.broken(fmt.Errorf("it ended well, but without saying that %s is there", missing))
			}
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return c.cutShort(ctx, p, err)
		default:
			if bad, ok := errors.AsType[*malformedError](err); ok {
				return c.broken(bad)
			}
			return err
		}
	}
	return nil
}

// cutShort is output that ends within a frame: the agent died, and how is what to report.
func (c *conversation) cutShort(ctx context.Context, p *process, err error) error {
	if _, died := p.wait(ctx); died != nil {
		return died
	}
	return c.broken(err)
}

// unclear reports whether err does not tell what the agent did when FINISH had come: contact was lost, or what it said
// can't be believed.
func (c *conversation) unclear(ctx context.Context, err error) bool {
	if _, refused := errors.AsType[*TransferError](err); refused || ctx.Err() != nil {
		return false
	}
	_, lies := errors.AsType[*ProtocolError](err)
	return lies || passing(ctx, err)
}

func (c *conversation) broken(err error) error {
	return &ProtocolError{Doing: "push " + c.batch[0].entry.path, Err: err}
}

// take acts on one frame of the agent.
func (c *conversation) take(f frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.kind == frameError {
		e := &TransferError{Upload: true, Win32: uint32(f.offset), Text: clip(printable(f.payload), maxComplaint)}
		if int(f.file) < len(c.batch) {
			e.Path = c.batch[f.file].entry.path
		}
		return e
	}
	if int(f.file) >= len(c.batch) {
		return c.broken(fmt.Errorf("%s is about file %d of %d", f.kind, f.file, len(c.batch)))
	}
	entry := &c.batch[f.file].entry
	switch f.kind {
	case frameHave:
		if int(f.file) != len(c.have) || int64(f.offset) > entry.size {
			return c.broken(fmt.Errorf("HAVE for file %d at %d, out of order or beyond its %d bytes", f.file, f.offset, entry.size))
		}
		if len(f.payload) > 0 && int64(f.offset) != entry.size {
			return c.broken(fmt.Errorf("HAVE says that %s is there since now, but only %d of its %d bytes", entry.path, f.offset, entry.size))
		}
		c.have = append(c.have, int64(f.offset))
		c.made += len(f.payload)
		if len(c.have) == len(c.batch) {
			c.survey()
			close(c.asked)
		}
	case frameDone:
		if len(c.have) < len(c.batch) || c.done[f.file] {
			return c.broken(fmt.Errorf("DONE for file %d out of turn", f.file))
		}
		if int64(f.offset) != entry.size || [32]byte(f.payload) != entry.sha256 {
			return c.broken(fmt.Errorf("DONE for %s with another size or hash than was sent", entry.path))
		}
		c.done[f.file] = true
		c.tally.arrived(c.arrived())
	default:
		return c.broken(fmt.Errorf("an unexpected %s", f.kind))
	}
	return nil
}

// survey takes stock when the agent has told what it has.
func (c *conversation) survey() {
	there := 0
	for i, u := range c.batch {
		if c.have[i] == u.entry.size {
			c.done[i] = true
			there++
		}
	}
	c.tally.surveyed(there-c.made, c.arrived())
}

// surveyed reports whether the agent has told what it has.
func (c *conversation) surveyed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.have) == len(c.batch)
}

// arrived is how many bytes are known to be in the guest.
func (c *conversation) arrived() int64 {
	n := c.start
	for i, u := range c.batch {
		if c.done[i] {
			n += u.entry.size
		} else {
			n += c.have[i]
		}
	}
	return n
}

// missing is a file that the agent has not confirmed, "" when there is none.
func (c *conversation) missing() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, u := range c.batch {
		if !c.done[i] {
			return u.entry.path
		}
	}
	return ""
}

// send says what there is and sends what is wanted, until the agent has ended.
func (c *conversation) send(ctx context.Context, p *process, ended <-chan struct{}) error {
	w := bufio.NewWriterSize(p.Stdin, p.SendSize())
	var entries []manifestEntry
	total := int64(0)
	for _, u := range c.batch {
		entries = append(entries, u.entry)
		total += u.entry.size
	}
	_, _ = w.Write(appendFrame(nil, frame{kind: frameManifest, file: uint16(len(entries)), payload: appendManifest(nil, entries)})) // w keeps the error
	ask := total > unasked || c.guest.probablyThere(c.batch)
	if ask {
		if err := w.Flush(); err != nil {
			return err
		}
		select {
		case <-c.asked:
		case <-ended:
		}
		if refused := !c.surveyed(); refused || c.missing() == "" && !c.goesOn {
			return nil
		}
	}
	var pack packer
	sent := c.start
	for i, u := range c.batch {
		from := int64(0)
		if ask {
			from = c.have[i] // complete: no more writes
		}
		sent += from
		send := c.sendFile
		if c.guest.streams(u.entry.size-from) > 1 {
			send = c.sendStriped
		}
		if err := send(ctx, w, uint16(i), u, from, &sent, &pack, ended); err != nil {
			return err
		}
	}
	if ask { // of little that is lost with FINISH it is cheap to be in doubt
		if err := w.Flush(); err != nil {
			return err
		}
	}
	c.finished = true
	_, _ = w.Write(appendFrame(nil, frame{kind: frameFinish}))
	return w.Flush()
}

// localError is a file that could not be read on the host: no fault of the guest's.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// read fills payload with what is in the file there, which was long enough when it was looked at.
func (u upload) read(r io.ReaderAt, payload []byte, at int64) error {
	got, err := r.ReadAt(payload, at)
	switch {
	case got == len(payload):
		return nil
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("it has become shorter: %d bytes, and %d when it was looked at; push it again when nobody writes to it", at+int64(got), u.entry.size)
	default:
		err = fmt.Errorf("read %d bytes at %d: %w", len(payload), at, err)
	}
	if u.file.Local != "" {
		err = fmt.Errorf("%s: %w", u.file.Local, err)
	}
	return &localError{fmt.Errorf("push %s: %w", u.entry.path, err)}
}

func (c *conversation) sendFile(_ context.Context, w *bufio.Writer, index uint16, u upload, from int64, sent *int64, pack *packer, ended <-chan struct{}) error {
	if from == u.entry.size {
		return nil
	}
	r, done, err := u.open()
	if err != nil {
		return &localError{fmt.Errorf("push %s: %w", u.entry.path, err)}
	}
	defer done()
	payload := make([]byte, min(dataFrame, u.entry.size-from))
	for from < u.entry.size {
		select {
		case <-ended: // it refused something: what, listen knows
			return nil
		default:
		}
		n := min(int64(len(payload)), u.entry.size-from)
		if err := u.read(r, payload[:n], from); err != nil {
			return err
		}
		if _, err := w.Write(pack.pack(frame{kind: frameData, file: index, offset: uint64(from), payload: payload[:n]})); err != nil {
			return err
		}
		from += n
		*sent += n
		c.tally.sent(n, *sent)
	}
	return nil
}

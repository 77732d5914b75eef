package transfer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
	"wskharness/remote"
)

// Conversation is what a `put` is about: the controller says what it has, the agent what it wants, and while the one sends, the
// other acknowledges.
//
// Two goroutines: listen reads what the agent says, send writes; what the agent says decides.
type Conversation struct {
	mover  *Mover
	batch  []upload
	stats  *stats
	start  int64 // bytes of the batches before this one
	goesOn bool  // the agent does something else when the files are there, and waits for FINISH to do so

	finished bool // FINISH was sent, or may have been

	mu    sync.Mutex
	have  []int64 // per file, the offset from which the agent wants it; those known so far
	made  int     // files that were not there, but are since the agent has looked: nothing of them was to come
	done  []bool
	asked chan struct{} // closed when have is complete
}

// put has the conversation with a process of its own in the guest.
func put(ctx context.Context, c *Conversation) error {
	p, err := c.mover.agent.Order(ctx, "put")
	if err != nil {
		return err
	}
	defer p.Close()
	return c.Talk(ctx, p)
}

// Talk has the conversation with a process that takes files. When that goes on with something else, p.Out is where it says
// what.
func (c *Conversation) Talk(ctx context.Context, p *agent.Process) error {
	c.done = make([]bool, len(c.batch))
	c.asked = make(chan struct{})
	heard := make(chan error, 1)
	listening, ended := context.WithCancelCause(ctx)
	go func() {
		defer ended(agent.ErrAbandoned) // what is still being sent is in vain
		heard <- c.listen(ctx, p)
	}()
	sendErr := c.send(listening, p)
	return c.verdict(p, sendErr, heard)
}

// Unclear reports whether the process may have gone on with what it does when the files are there, although Talk has failed
// with err: FINISH was sent, and then contact was lost, or what the agent said can't be believed.
func (c *Conversation) Unclear(ctx context.Context, err error) bool {
	if _, refused := errors.AsType[*Error](err); refused || !c.finished || ctx.Err() != nil {
		return false
	}
	_, lies := errors.AsType[*agent.ProtocolError](err)
	return lies || agent.Passing(ctx, err)
}

func (c *Conversation) doing() string { return "push " + c.batch[0].entry.Path }

// verdict weighs both sides. What the agent said counts for more than how sending went: it may
// have ended early because everything was there, and a refusal says more than a broken pipe does.
func (c *Conversation) verdict(p *agent.Process, sendErr error, heard <-chan error) error {
	timeout := time.NewTimer(agent.SettleTime)
	defer timeout.Stop()
	expired := timeout.C
	_, stripe := errors.AsType[*stripeError](sendErr)
	failed := stripe || sendErr != nil && !remote.EndsInput(sendErr) // else, if anything, the agent has ended: listen knows how
	switch {
	case sendErr == nil:
		expired = nil // the agent is hashing and flushing; ctx and remote bound that
	case failed:
		p.Close() // the agent would wait for ever for what won't come
	}
	select {
	case err := <-heard:
		if err != nil && failed && (errors.Is(err, agent.ErrAbandoned) || errors.Is(err, io.ErrUnexpectedEOF)) {
			return sendErr
		}
		return err
	case <-expired:
		p.Close()
		<-heard
		return sendErr
	}
}

// listen reads the agent's frames to their end. It returns nil when every file is in the guest.
func (c *Conversation) listen(ctx context.Context, p *agent.Process) error {
	frames := frame.NewReader(p.Out)
	for !c.goesOn || c.missing() != "" {
		f, err := frames.Next()
		switch {
		case err == nil:
			err = c.take(f)
		case errors.Is(err, io.EOF):
			missing := c.missing()
			if err := p.Wait(ctx); err != nil || missing == "" {
				return err
			}
			err = agent.Malformed("it ended well, but without saying that %s is there", missing)
		}
		if err != nil {
			return p.Explain(ctx, c.doing(), err)
		}
	}
	return nil
}

// take acts on one frame of the agent.
func (c *Conversation) take(f frame.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Kind == frame.Error {
		path := ""
		if int(f.File) < len(c.batch) {
			path = c.batch[f.File].entry.Path
		}
		return refusal("push", path, f)
	}
	if int(f.File) >= len(c.batch) {
		return agent.Malformed("%s is about file %d of %d", f.Kind, f.File, len(c.batch))
	}
	entry := &c.batch[f.File].entry
	switch f.Kind {
	case frame.Have:
		if int(f.File) != len(c.have) || int64(f.Offset) > entry.Size {
			return agent.Malformed("HAVE for file %d at %d, out of order or beyond its %d bytes", f.File, f.Offset, entry.Size)
		}
		if len(f.Payload) > 0 && int64(f.Offset) != entry.Size {
			return agent.Malformed("HAVE says that %s is there since now, but only %d of its %d bytes", entry.Path, f.Offset, entry.Size)
		}
		c.have = append(c.have, int64(f.Offset))
		c.made += len(f.Payload)
		if len(c.have) == len(c.batch) {
			c.survey()
			close(c.asked)
		}
	case frame.Done:
		if len(c.have) < len(c.batch) || c.done[f.File] {
			return agent.Malformed("DONE for file %d out of turn", f.File)
		}
		if int64(f.Offset) != entry.Size || [32]byte(f.Payload) != entry.SHA256 {
			return agent.Malformed("DONE for %s with another size or hash than was sent", entry.Path)
		}
		c.done[f.File] = true
		c.stats.arrived(c.arrived())
	default:
		return agent.Malformed("an unexpected %s", f.Kind)
	}
	return nil
}

// survey takes stock when the agent has told what it has.
func (c *Conversation) survey() {
	there := 0
	for i, u := range c.batch {
		if c.have[i] == u.entry.Size {
			c.done[i] = true
			there++
		}
	}
	c.stats.surveyed(there-c.made, c.arrived())
}

// surveyed reports whether the agent has told what it has.
func (c *Conversation) surveyed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.have) == len(c.batch)
}

// arrived is how many bytes are known to be in the guest.
func (c *Conversation) arrived() int64 {
	n := c.start
	for i, u := range c.batch {
		if c.done[i] {
			n += u.entry.Size
		} else {
			n += c.have[i]
		}
	}
	return n
}

// missing is a file that the agent has not confirmed, "" when there is none.
func (c *Conversation) missing() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, u := range c.batch {
		if !c.done[i] {
			return u.entry.Path
		}
	}
	return ""
}

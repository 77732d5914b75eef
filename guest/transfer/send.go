package transfer

import (
	"bufio"
	"context"
	"fmt"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
)

const (
	dataFrame = 256 << 10 // payload of one DATA frame; the protocol allows frame.MaxPayload

	// The controller does not ask what is there already before it sends as little as this: the question would cost more
	// than the answer saves.
	unasked = 256 << 10
)

// sender is the controller's half of a Conversation.
type sender struct {
	*Conversation
	w    *bufio.Writer // to the agent
	pack frame.Packer
	sent int64 // bytes that are sent or were there, over all batches
}

// send says what there is and sends what is wanted. ctx ends with what the agent says.
func (c *Conversation) send(ctx context.Context, p *agent.Process) error {
	s := &sender{Conversation: c, w: bufio.NewWriterSize(p.In, p.SendSize()), sent: c.start}
	var entries []frame.Entry
	total := int64(0)
	for _, u := range c.batch {
		entries = append(entries, u.entry)
		total += u.entry.Size
	}
	_, _ = s.w.Write(frame.AppendManifest(nil, entries)) // w keeps the error
	from := make([]int64, len(c.batch))
	ask := total > unasked || c.mover.probablyThere(c.batch)
	if ask {
		if err := s.w.Flush(); err != nil {
			return err
		}
		select {
		case <-c.asked:
		case <-ctx.Done():
		}
		if refused := !c.surveyed(); refused || c.missing() == "" && !c.goesOn {
			return nil
		}
		from = c.have // complete: no more writes
	}
	for i, u := range c.batch {
		s.sent += from[i]
		send := s.file
		if c.mover.streams(u.entry.Size-from[i]) > 1 {
			send = s.striped
		}
		if err := send(ctx, uint16(i), u, from[i]); err != nil {
			return err
		}
	}
	if ask { // of little that is lost with FINISH it is cheap to be in doubt
		if err := s.w.Flush(); err != nil {
			return err
		}
	}
	c.finished = true
	_, _ = s.w.Write(frame.Append(nil, frame.Frame{Kind: frame.Finish}))
	return s.w.Flush()
}

// file sends a file from an offset, in the stream of the conversation itself. Where the agent has ended meanwhile, it refused
// something: what, listen knows.
func (s *sender) file(ctx context.Context, index uint16, u upload, from int64) error {
	if from == u.entry.Size {
		return nil
	}
	r, done, err := u.open()
	if err != nil {
		return &localError{fmt.Errorf("push %s: %w", u.entry.Path, err)}
	}
	defer done()
	payload := make([]byte, min(dataFrame, u.entry.Size-from))
	for from < u.entry.Size && ctx.Err() == nil {
		n := min(int64(len(payload)), u.entry.Size-from)
		if err := u.read(r, payload[:n], from); err != nil {
			return err
		}
		if _, err := s.w.Write(s.pack.Pack(frame.Frame{Kind: frame.Data, File: index, Offset: uint64(from), Payload: payload[:n]})); err != nil {
			return err
		}
		from += n
		s.sent += n
		s.stats.sent(n, s.sent)
	}
	return nil
}

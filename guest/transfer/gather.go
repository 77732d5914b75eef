package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
)

// gatherLimit is the largest file that `gather` sends: it fits into one frame.
const gatherLimit = frame.MaxPayload

// gather brings the small ones of these files here, and finds out which of all of them are here
// already. It returns the large ones that are not.
func (p *treePull) gather(ctx context.Context, batch []*treeItem) (large []*treeItem, err error) {
	err = p.mover.agent.Persist(ctx, "pull "+batch[0].path, func(ctx context.Context) (bool, error) {
		c := gathering{pull: p, batch: batch}
		err := p.mover.ask(ctx, "gather", c.entries(), c.take)
		if err == nil && c.at < len(batch) {
			err = &agent.ProtocolError{Doing: "pull " + batch[c.at].path, Err: fmt.Errorf("the agent ended well after %d files of %d", c.at, len(batch))}
		}
		large = append(large, c.large...)
		batch = batch[c.at:] // what was answered before contact was lost counts
		return c.at > 0, err
	})
	return large, err
}

// gathering is one `gather`.
type gathering struct {
	pull  *treePull
	batch []*treeItem
	at    int // the file that is answered next
	large []*treeItem
	data  []byte
}

// entries say what is here. A file that is not has a hash that none has.
func (c *gathering) entries() []frame.Entry {
	var entries []frame.Entry
	for _, item := range c.batch {
		e := frame.Entry{Path: item.path}
		if item.here {
			e.Size, e.SHA256 = item.size, item.sha256
		}
		entries = append(entries, e)
	}
	return entries
}

// take acts on the agent's answer about one file, which comes in the order of the manifest.
func (c *gathering) take(frames *frame.Reader, f frame.Frame) error {
	if c.at == len(c.batch) || int(f.File) != c.at {
		return agent.Malformed("%s about file %d, want file %d of %d", f.Kind, f.File, c.at, len(c.batch))
	}
	item := c.batch[c.at]
	switch {
	case f.Kind == frame.Error:
		c.pull.fail(item, refusal("pull", item.path, f))
	case f.Kind == frame.Have:
		if !item.here || int64(f.Offset) != item.size {
			return agent.Malformed("HAVE for %s, which is not here with %d bytes", item.path, f.Offset)
		}
		c.pull.stats.Skipped++
		c.pull.arrived(item, item.size)
	case f.Kind == frame.Size && f.Offset > gatherLimit:
		c.large = append(c.large, item)
	case f.Kind == frame.Size:
		if err := c.receive(frames, int(f.Offset)); err != nil {
			return err
		}
		if err := c.pull.room.take(item.path, int64(len(c.data))); err != nil {
			return err
		}
		if err := c.pull.write(item, c.data); err != nil {
			return fmt.Errorf("pull %s: %w", item.path, err)
		}
		c.pull.stats.Fetched += int64(len(c.data))
		c.pull.arrived(item, int64(len(c.data)))
	default:
		return agent.Malformed("an unexpected %s", f.Kind)
	}
	c.at++
	return nil
}

// receive reads a whole file of this size into c.data.
func (c *gathering) receive(frames *frame.Reader, size int) error {
	c.data = c.data[:0]
	if size > 0 {
		f, err := c.next(frames, frame.Data, 0)
		if err != nil {
			return err
		}
		if len(f.Payload) != size {
			return agent.Malformed("DATA of %d bytes for a file of %d", len(f.Payload), size)
		}
		c.data = append(c.data, f.Payload...)
	}
	f, err := c.next(frames, frame.End, size)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(c.data); !bytes.Equal(sum[:], f.Payload) {
		return fmt.Errorf("pull %s: its SHA-256 is another one than the agent says: %w", c.batch[c.at].path, agent.ErrDamaged)
	}
	return nil
}

func (c *gathering) next(frames *frame.Reader, kind frame.Type, offset int) (frame.Frame, error) {
	f, err := frames.Next()
	if err == io.EOF { // itself, not a lost connection that wraps it
		err = io.ErrUnexpectedEOF
	}
	if err == nil && (f.Kind != kind || int(f.File) != c.at || f.Offset != uint64(offset)) {
		err = agent.Malformed("%s about file %d at %d, want %s about file %d at %d", f.Kind, f.File, f.Offset, kind, c.at, offset)
	}
	return f, err
}

// write gives a small file its name when all of it is written.
// It is not flushed: that would cost more than fetching it, and again is how to get it back.
func (p *treePull) write(item *treeItem, data []byte) error {
	part := partPlace(item.place)
	f, err := openPlain(p.root, part, os.O_RDWR|os.O_CREATE) // a pipe that is opened for writing alone waits for a reader
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.Write(data)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = p.root.Rename(part, item.place)
	}
	if err != nil {
		return errors.Join(err, p.root.Remove(part))
	}
	return nil
}

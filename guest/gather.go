package guest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// gatherLimit is the largest file that `gather` sends: it fits into one frame.
const gatherLimit = maxPayload

// gather brings the small ones of these files here, and finds out which of all of them are here
// already. It returns the large ones that are not.
func (p *treePull) gather(ctx context.Context, batch []*treeItem) (large []*treeItem, err error) {
	err = p.guest.persist(ctx, "pull "+batch[0].path, func(ctx context.Context) (bool, error) {
		c := gathering{pull: p, batch: batch}
		err := p.guest.ask(ctx, "gather", c.entries(), c.take)
		if err == nil && c.at < len(batch) {
			err = &ProtocolError{Doing: "pull " + batch[c.at].path, Err: fmt.Errorf("the agent ended well after %d files of %d", c.at, len(batch))}
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
func (c *gathering) entries() []manifestEntry {
	var entries []manifestEntry
	for _, item := range c.batch {
		e := manifestEntry{path: item.path}
		if item.here {
			e.size, e.sha256 = item.size, item.sha256
		}
		entries = append(entries, e)
	}
	return entries
}

// take acts on the agent's answer about one file, which comes in the order of the manifest.
func (c *gathering) take(frames *frameReader, f frame) error {
	if c.at == len(c.batch) || int(f.file) != c.at {
		return malformed("%s about file %d, want file %d of %d", f.kind, f.file, c.at, len(c.batch))
	}
	item := c.batch[c.at]
	switch {
	case f.kind == frameError:
		c.pull.fail(item, refusal(f, item.path))
	case f.kind == frameHave:
		if !item.here || int64(f.offset) != item.size {
			return malformed("HAVE for %s, which is not here with %d bytes", item.path, f.offset)
		}
		c.pull.stats.Skipped++
		c.pull.arrived(item, item.size)
	case f.kind == frameSize && f.offset > gatherLimit:
		c.large = append(c.large, item)
	case f.kind == frameSize:
		if err := c.receive(frames, int(f.offset)); err != nil {
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
		return malformed("an unexpected %s", f.kind)
	}
	c.at++
	return nil
}

// receive reads a whole file of this size into c.data.
func (c *gathering) receive(frames *frameReader, size int) error {
	c.data = c.data[:0]
	if size > 0 {
		f, err := c.next(frames, frameData, 0)
		if err != nil {
			return err
		}
		if len(f.payload) != size {
			return malformed("DATA of %d bytes for a file of %d", len(f.payload), size)
		}
		c.data = append(c.data, f.payload...)
	}
	f, err := c.next(frames, frameEnd, size)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(c.data); !bytes.Equal(sum[:], f.payload) {
		return fmt.Errorf("pull %s: its SHA-256: %w", c.batch[c.at].path, errFrameCRC)
	}
	return nil
}

func (c *gathering) next(frames *frameReader, kind frameType, offset int) (frame, error) {
	f, err := frames.next()
	if err == io.EOF { // itself, not a lost connection that wraps it
		err = io.ErrUnexpectedEOF
	}
	if err == nil && (f.kind != kind || int(f.file) != c.at || f.offset != uint64(offset)) {
		err = malformed("%s about file %d at %d, want %s about file %d at %d", f.kind, f.file, f.offset, kind, c.at, offset)
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

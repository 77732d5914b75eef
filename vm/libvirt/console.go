package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"wskharness/vm/lease"
)

const (
	// consoleTail is how much of a console is told at once, in bytes.
	consoleTail = 64 << 10
	// mostConsole is how large the file of a console becomes before its older half is given up, in bytes: a guest may print
	// for ever.
	mostConsole = 16 << 20
	// consolePause is how often a console that somebody else records is looked at.
	consolePause = 200 * time.Millisecond
	// openConsole is virDomainConsoleFlags: safe, so that nobody else's session is cut, only of a domain that locks it.
	openConsole = 0
)

// consoleLog is the file of a console: what was printed last, at least the half of its largest size.
type consoleLog struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
}

// Write never fails: what a full disk does not take is not kept, and the stream goes on. go-libvirt stands still where what
// comes is not taken.
func (c *consoleLog) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		file, err := os.OpenFile(c.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err != nil {
			return len(p), nil
		}
		c.file = file
		if info, err := file.Stat(); err == nil {
			c.size = info.Size()
		}
	}
	if c.size+int64(len(p)) > mostConsole {
		c.halve()
	}
	n, _ := c.file.Write(p)
	c.size += int64(n)
	return len(p), nil
}

// halve keeps the newer half. Who reads meanwhile sees that the file has become shorter.
func (c *consoleLog) halve() {
	kept := make([]byte, mostConsole/2)
	n, err := c.file.ReadAt(kept, max(0, c.size-int64(len(kept))))
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	if c.file.Truncate(0) == nil {
		c.size = 0
		n, _ := c.file.Write(kept[:n])
		c.size = int64(n)
	}
}

func (c *consoleLog) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}

// record keeps what the machine prints, until ctx ends. Its connection is its own: while a stream is open, nothing else is
// said on it that would have to wait. A console that ends, as with the machine's power, is opened again.
func (d *domain) record(ctx context.Context, log *consoleLog) {
	for ctx.Err() == nil {
		_ = d.stream(ctx, log) // what can't be recorded is not there; the machine does without
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
		}
	}
}

// stream copies what the machine prints to w, which takes everything, until the stream or ctx ends.
func (d *domain) stream(ctx context.Context, w io.Writer) error {
	opening, cancel := context.WithTimeout(ctx, callLimit)
	lv, err := open(opening, d.client.place, d.client.never)
	cancel()
	if err != nil {
		return fmt.Errorf("open the console of domain %s at %s: %w", d.rec().Domain, d.client, explain(err))
	}
	defer lv.close()
	err = lv.bound(ctx, func() error {
		id, err := parseUUID(d.rec().UUID)
		if err != nil {
			return err
		}
		dom, err := lv.DomainLookupByUUID(id)
		if err != nil {
			return err
		}
		return lv.DomainOpenConsole(dom, nil, w, openConsole)
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the console of domain %s at %s: %w", d.rec().Domain, d.client, explain(err))
	}
	return nil
}

// printed is the end of what was recorded of the machine's console.
func (d *domain) printed() ([]byte, error) {
	file, err := os.Open(d.path(consoleFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	text := make([]byte, min(info.Size(), consoleTail))
	n, err := file.ReadAt(text, info.Size()-int64(len(text)))
	if errors.Is(err, io.EOF) { // it was halved just now
		err = nil
	}
	return text[:n], err
}

// follow writes what was recorded, and goes on with what is: by whoever has the lease, or else by itself, since nobody
// records the console of a machine that nobody has.
func (d *domain) follow(ctx context.Context, w io.Writer) error {
	at, err := d.copyConsole(w, 0)
	if err != nil {
		return err
	}
	if !lease.Held(d.dir) {
		log := &consoleLog{path: d.path(consoleFile)}
		defer log.close()
		failed := make(chan error, 1)
		following, cancel := context.WithCancel(ctx)
		defer cancel()
		err := d.stream(following, &tee{log, w, func(err error) { failed <- err; cancel() }})
		select {
		case err = <-failed:
		default:
		}
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(consolePause):
		}
		if at, err = d.copyConsole(w, at); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // released
			}
			return err
		}
	}
}

// copyConsole writes what the file has from a place on, and says where it ends.
func (d *domain) copyConsole(w io.Writer, from int64) (int64, error) {
	if _, err := os.Stat(d.dir); err != nil {
		return from, err
	}
	file, err := os.Open(d.path(consoleFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return from, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() < from {
		from = 0 // it was halved: some is told twice, and nothing is missing
	}
	n, err := io.Copy(w, io.NewSectionReader(file, from, mostConsole))
	return from + n, err
}

// tee writes to a log and to somebody who may fail, who is told of once and gets nothing more.
type tee struct {
	log    io.Writer
	to     io.Writer
	failed func(error)
}

func (t *tee) Write(p []byte) (int, error) {
	_, _ = t.log.Write(p)
	if t.to != nil {
		if _, err := t.to.Write(p); err != nil {
			t.to = nil
			t.failed(err)
		}
	}
	return len(p), nil
}

package recording

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"wskharness/disk"
	"wskharness/remote"
)

// Recorder writes a recording. Its methods may be called from several goroutines, and return at once, but for Close.
type Recorder struct {
	tell  func(text string)
	begun time.Time
	wake  chan struct{} // has room for one: there is something to write
	done  chan struct{} // closed when nothing more is written

	mu      sync.Mutex
	queue   []waiting
	bytes   int // of the envelopes in the queue
	missing int // exchanges that were not let into the queue since the last that was
	clients int
	closed  bool
}

type waiting struct {
	exchange remote.Exchange
	client   int
	missed   int // exchanges before it that are not kept
}

// Start begins a recording in a folder. The redactor's secrets are kept out of it in every form; tell is told, in words for
// people, when not all can be recorded: from another goroutine, too.
func Start(on disk.FS, dir string, known *remote.Redactor, tell func(text string)) *Recorder {
	r := &Recorder{tell: tell, begun: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	go r.write(on, dir, newRedaction(known))
	return r
}

// Client is what a client of WinRM reports to: [remote.Options].Record. A nil recorder gives nil.
func (r *Recorder) Client() func(remote.Exchange) {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients++
	client := r.clients
	return func(e remote.Exchange) { r.record(e, client) }
}

func (r *Recorder) record(e remote.Exchange, client int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := len(e.Request) + len(e.Answer)
	switch {
	case r.closed:
		return
	case r.bytes+size > maxQueue:
		r.missing++
		return
	}
	r.queue = append(r.queue, waiting{e, client, r.missing})
	r.bytes, r.missing = r.bytes+size, 0
	r.ring()
}

func (r *Recorder) ring() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close writes what is left, for as long as a disk may take for that. Nil is closed.
func (r *Recorder) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	r.ring()
	r.mu.Unlock()
	select {
	case <-r.done:
	case <-time.After(closeLimit):
		r.tell(fmt.Sprintf("the recording of the exchanges is not whole: the disk did not take the rest of it within %s", closeLimit))
	}
}

// next is what waits to be written; nil when the recording is over.
func (r *Recorder) next() []waiting {
	for {
		r.mu.Lock()
		queue, closed := r.queue, r.closed
		r.queue, r.bytes = nil, 0
		r.mu.Unlock()
		if len(queue) > 0 || closed {
			return queue
		}
		<-r.wake
	}
}

// write is the goroutine that has the file.
func (r *Recorder) write(on disk.FS, dir string, secrets *redaction) {
	defer close(r.done)
	f, err := create(on, dir)
	if err == nil {
		err = errors.Join(r.fill(f, secrets), f.Close())
	}
	if err == nil {
		return
	}
	r.tell(fmt.Sprintf("the exchanges with the guest are not recorded any further, and the run goes on: %v", err))
	for r.next() != nil { // nobody waits for a place in the queue
	}
}

// create makes the file: of a run that is resumed it is not the first.
func create(on disk.FS, dir string) (disk.File, error) {
	for n := 1; ; n++ {
		name := FileName
		if n > 1 {
			name = fmt.Sprintf("exchanges-%d.ndjson.gz", n)
		}
		f, err := on.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// counted is a file that takes only so much.
type counted struct {
	disk.File
	size int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.File.Write(p)
	c.size += n
	return n, err
}

func (r *Recorder) fill(f disk.File, secrets *redaction) error {
	file := &counted{File: f}
	zip, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	lines := json.NewEncoder(zip)
	lines.SetEscapeHTML(false)
	for {
		queue := r.next()
		if queue == nil {
			return zip.Close()
		}
		for _, w := range queue {
			if w.missed > 0 {
				if err := lines.Encode(Line{Note: fmt.Sprintf("%d exchanges are missing here: the disk did not keep up", w.missed)}); err != nil {
					return err
				}
			}
			if err := lines.Encode(r.line(w, secrets)); err != nil {
				return err
			}
			if file.size > maxFile {
				return errors.Join(errFull, lines.Encode(Line{Note: "the recording ends here: " + errFull.Error()}), zip.Close())
			}
		}
		if err := zip.Flush(); err != nil {
			return err
		}
	}
}

func (r *Recorder) line(w waiting, secrets *redaction) Line {
	e := w.exchange
	l := Line{
		At: e.Began.Sub(r.begun), Took: e.Took, Client: w.client, Connection: e.Connection, Method: http.MethodPost, Action: e.Action, Status: e.Status,
		Cut: max(len(e.Request), len(e.Answer)) > maxBody, GaveUp: e.GaveUp,
	}
	l.Request = secrets.body(e.Request[:min(len(e.Request), maxBody)], fmt.Sprint(w.client))
	l.Answer = secrets.body(e.Answer[:min(len(e.Answer), maxBody)], fmt.Sprint(w.client))
	if e.Err != nil {
		l.Error = secrets.text(cmp.Or(e.Err.Error(), "no answer"))
	}
	return l
}

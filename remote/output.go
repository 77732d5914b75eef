package remote

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// the two outputs of a command
const (
	stdout = 0
	stderr = 1
)

func streamName(which int) string {
	if which == stdout {
		return "standard output"
	}
	return "standard error"
}

const (
	// While an output holds this much, no more is asked for: back-pressure, which the server
	// passes on to the program.
	softLimit = 1 << 20
	// What an output may hold while somebody waits for the other one.
	hardLimit = 16 << 20
)

// outputs holds what arrived of both outputs and was not read yet. One goroutine delivers; any
// number read.
type outputs struct {
	mu      sync.Mutex
	emptier *sync.Cond // the deliverer waits for it
	stream  [2]buffer
	waiting int   // callers of Wait
	err     error // why there will be no more; nil while there may be
}

type buffer struct {
	fuller  *sync.Cond // readers wait for it
	pieces  [][]byte
	size    int
	readers int  // waiting in Read
	touched bool // was read at least once
	ended   bool // the server said that no more will come
}

func newOutputs() *outputs {
	o := &outputs{}
	o.emptier = sync.NewCond(&o.mu)
	for i := range o.stream {
		o.stream[i].fuller = sync.NewCond(&o.mu)
	}
	return o
}

// deliver adds what arrived. Output behind the end of its stream is an error: its readers were told that there is none.
func (o *outputs) deliver(r received) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.stream {
		s := &o.stream[i]
		if len(r.data[i]) > 0 {
			if s.ended {
				return fmt.Errorf("the server had said that %s was over, and sent %d bytes more of it", streamName(i), len(r.data[i]))
			}
			s.pieces = append(s.pieces, r.data[i])
			s.size += len(r.data[i])
		}
		s.ended = s.ended || r.end[i] || r.done
		s.fuller.Broadcast()
	}
	return nil
}

// room waits until more may be asked for. It returns ErrUnread when that would never be, and the
// error that ended the outputs when there is one.
func (o *outputs) room() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if o.err != nil {
			return o.err
		}
		full, unread := o.full()
		if full < 0 {
			return nil
		}
		if unread {
			return fmt.Errorf("%w: %d MiB of %s are waiting to be read", ErrUnread, o.stream[full].size>>20, streamName(full))
		}
		o.emptier.Wait()
	}
}

// full is the output that is in the way of asking for more, -1 if none, and whether it will be for
// ever because nobody reads it.
func (o *outputs) full() (which int, unread bool) {
	for i := range o.stream {
		s, other := &o.stream[i], &o.stream[1-i]
		starving := other.readers > 0 && other.size == 0
		pressed := starving || (o.waiting > 0 && !s.touched)
		switch {
		case s.size < softLimit:
		case !pressed:
			return i, false
		case s.size >= hardLimit:
			return i, !s.touched
		}
	}
	return -1, false
}

// finish says that nothing more will be delivered. A nil err is the regular end.
func (o *outputs) finish(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	if err == nil {
		err = io.EOF
	}
	o.err = err
	o.emptier.Signal()
	for i := range o.stream {
		o.stream[i].fuller.Broadcast()
	}
}

// expectEnd counts somebody who waits for the command to end.
func (o *outputs) expectEnd(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting += n
	o.emptier.Signal()
}

func (o *outputs) read(which int, p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := &o.stream[which]
	s.touched = true
	if len(p) == 0 {
		return 0, nil
	}
	for s.size == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if o.err != nil {
			return 0, o.err
		}
		s.readers++
		o.emptier.Signal() // the other output may grow now
		s.fuller.Wait()
		s.readers--
	}
	n, before := 0, s.size
	for n < len(p) && len(s.pieces) > 0 {
		m := copy(p[n:], s.pieces[0])
		n += m
		if s.pieces[0] = s.pieces[0][m:]; len(s.pieces[0]) == 0 {
			s.pieces[0] = nil
			s.pieces = s.pieces[1:]
		}
	}
	s.size -= n
	if before >= softLimit { // else nobody waits for it to shrink
		o.emptier.Signal()
	}
	return n, nil
}

// outputReader is one output as an io.Reader.
type outputReader struct {
	from  *outputs
	which int
	wrap  func(error) error
}

func (r outputReader) Read(p []byte) (int, error) {
	n, err := r.from.read(r.which, p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.wrap(err)
	}
	return n, err
}

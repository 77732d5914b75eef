package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Subscriber is told of every event of a run: from the first, in order, without gaps, after it was written. It is called
// with one update at a time, while whoever appended the event waits for it: one that takes long holds up all targets of the
// run, so what may take long has a queue of its own. It must not call the journal. When it returns an error it is not called
// again, and the run goes on: [Journal.Close] returns the error.
//
// Who stores events needs no special care where a run is resumed: the ID of the run and Seq name an event for good, so that
// what is stored already is known by them, also of replays.
type Subscriber interface {
	Handle(Update) error
}

// Update is an event, with what its subscriber needs beside it.
type Update struct {
	Event
	// Replay says that it was written before the subscriber came, as on resume: it is for those who keep something, and
	// nothing new to show.
	Replay bool
	// State is the run after the event. It is to be read only, and not kept: it changes with the next event.
	State *Fold
}

// Subscribe tells s of what is in the journal already, as replays, and then of every event that is written. An error is
// that of reading the journal.
func (j *Journal) Subscribe(s Subscriber) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	goesOn, err := true, error(nil)
	if j.seq > 0 {
		goesOn, err = j.replay(s)
	}
	if err != nil {
		return fmt.Errorf("read %s for who subscribes to it: %w", j.path, err)
	}
	if goesOn {
		j.subscribers = append(j.subscribers, s)
	}
	return nil
}

// replay tells s of all that is written, and reports whether it goes on being told.
func (j *Journal) replay(s Subscriber) (goesOn bool, err error) {
	file, err := j.on.OpenFile(j.path, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	fold, goesOn := NewFold(), true
	d := &decoder{r: bufio.NewReader(io.LimitReader(file, j.offset))}
	err = d.each(func(e Event) error {
		fold.Apply(e)
		goesOn = goesOn && j.handle(s, Update{Event: e, Replay: true, State: fold})
		return nil
	})
	return goesOn, errors.Join(err, file.Close())
}

// tell tells every subscriber of an event that was just written.
func (j *Journal) tell(e Event) {
	kept := j.subscribers[:0]
	for _, s := range j.subscribers {
		if j.handle(s, Update{Event: e, State: j.fold}) {
			kept = append(kept, s)
		}
	}
	clear(j.subscribers[len(kept):])
	j.subscribers = kept
}

// handle reports whether s goes on being told.
func (j *Journal) handle(s Subscriber, u Update) bool {
	err := s.Handle(u)
	if err != nil {
		j.ignored = append(j.ignored, fmt.Errorf("show event %d (%s): %w", u.Seq, u.Kind, err))
	}
	return err == nil
}

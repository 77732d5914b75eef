package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"wskharness/disk"
)

// JournalName is the journal's file name in the run folder.
const JournalName = "events.ndjson"

// Journal is the one writer of a run's events.ndjson. Its methods may be called from several
// goroutines.
type Journal struct {
	on   disk.FS
	path string
	now  func() time.Time

	mu          sync.Mutex
	file        disk.File
	offset      int64 // where the next line starts
	seq         uint64
	fold        *Fold // of all that is written
	subscribers []Subscriber
	ignored     []error // of subscribers that were dropped
	broken      error   // once a write has gone wrong, nothing is written any more
}

// Create starts the journal of a new run in its folder, which must exist. There must be no
// journal in it yet.
func Create(on disk.FS, dir string) (*Journal, error) {
	path := filepath.Join(dir, JournalName)
	file, err := on.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	if err := errors.Join(lock(file), on.SyncFolder(dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("create journal %s: %w", path, err), file.Close())
	}
	return &Journal{on: on, path: path, now: time.Now, file: file, fold: NewFold()}, nil
}

// Open takes up the journal of an earlier run to continue it, and returns what is in it. A last
// line that was not written to its end, as a killed controller leaves it, is cut off, and a notice
// says so. A journal that another process is writing is refused.
func Open(on disk.FS, dir string) (*Journal, []Event, error) {
	path := filepath.Join(dir, JournalName)
	file, err := on.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	j, events, err := resume(on, file, path)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), file.Close())
	}
	return j, events, nil
}

func resume(on disk.FS, file disk.File, path string) (*Journal, []Event, error) {
	if err := lock(file); err != nil {
		return nil, nil, err
	}
	events, d, err := readAll(file)
	if err != nil {
		return nil, nil, err
	}
	j := &Journal{on: on, path: path, now: time.Now, file: file, offset: d.offset, seq: d.seq, fold: NewFold()}
	for _, e := range events {
		j.fold.Apply(e)
	}
	if d.truncated == 0 {
		return j, events, nil
	}
	if err := file.Truncate(j.offset); err != nil {
		return nil, nil, fmt.Errorf("cut off the truncated last line: %w", err)
	}
	if len(events) == 0 {
		return j, events, nil // nothing ever happened: the first event is still to come
	}
	note := Event{Kind: KindNotice, Notice: &Notice{Level: Warning, Text: fmt.Sprintf(
		"the last line of the journal was truncated (%d bytes), as a killed controller leaves it; it was cut off", d.truncated)}}
	written, err := j.record(note)
	if err != nil {
		return nil, nil, err
	}
	return j, append(events, written), nil
}

// Append writes one event, with its sequence number and, if it has none, its time; then it tells
// the subscribers. When it returns nil the event survives the end of this process, and, where it
// bears on a verdict, the end of the machine. After an error nothing more can be appended: what
// is in the file is whole, and ends there.
func (j *Journal) Append(e Event) error {
	_, err := j.record(e)
	return err
}

// record appends e and returns it as it was written.
func (j *Journal) record(e Event) (Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return Event{}, j.broken
	}
	line, e, err := j.encode(e)
	if err != nil {
		return Event{}, fmt.Errorf("append to %s: %w", j.path, err)
	}
	if err := j.write(line, e.durable()); err != nil {
		j.broken = fmt.Errorf("append to %s: %w; the record of this run ends with event %d", j.path, err, j.seq)
		return Event{}, j.broken
	}
	j.seq = e.Seq
	j.fold.Apply(e)
	j.tell(e)
	return e, nil
}

func (j *Journal) encode(e Event) ([]byte, Event, error) {
	e = e.bounded()
	e.Seq = j.seq + 1
	if e.Time.IsZero() {
		e.Time = j.now()
	}
	e.Time = e.Time.UTC()
	if e.Run != nil {
		run := *e.Run
		run.Format = Format
		e.Run = &run
	}
	if err := e.place(); err != nil {
		return nil, e, err
	}
	line, err := e.line()
	if err != nil {
		return nil, e, err
	}
	if line.Len() > MaxLine {
		return nil, e, fmt.Errorf("%s event of %d bytes; at most %d", e.Kind, line.Len(), MaxLine)
	}
	return line.Bytes(), e, nil
}

func (e *Event) line() (line bytes.Buffer, err error) {
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	return line, enc.Encode(e)
}

// Size is how many bytes of a journal the event takes, but for its number and time.
func (e Event) Size() (int, error) {
	e = e.bounded()
	line, err := e.line()
	return line.Len(), err
}

// place checks the event, and that it is where it may be.
func (e *Event) place() error {
	if (e.Seq == 1) != (e.Kind == KindRunStarted) {
		return fmt.Errorf("event %d is %.40q: %s comes first, and only there", e.Seq, e.Kind, KindRunStarted)
	}
	return e.check()
}

// write puts the line at the end of the file in one call, so that a reader, or whoever is left
// after this process was killed, finds whole lines with at most one truncated one at the end.
func (j *Journal) write(line []byte, durable bool) error {
	if _, err := j.file.Write(line); err != nil {
		return errors.Join(err, j.file.Truncate(j.offset))
	}
	j.offset += int64(len(line))
	if durable {
		return j.file.Sync()
	}
	return nil
}

// durable tells the events that must outlive a power cut: those that say what is to be believed.
// The rest is only written; fsync takes a hundred times as long (150 µs against 1.3 µs on ext4).
func (e *Event) durable() bool {
	switch e.Kind {
	case KindRunStarted, KindRunResumed, KindCaseFinished, KindEvidence, KindReplanned, KindRunFinished:
		return true
	case KindTargetPhase:
		return e.Phase.State == PhaseFailed
	case KindDriverRun:
		return e.DriverRun.State == DriverEnded
	}
	return false
}

// Record is the run as far as it is written.
func (j *Journal) Record() *Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fold.Record()
}

// Close flushes the journal to disk and gives up the lock. It returns what went wrong in
// subscribers on the way, too.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	if j.broken == nil {
		j.broken = fmt.Errorf("append to %s: the journal is closed", j.path)
	}
	if err != nil {
		err = fmt.Errorf("close journal %s: %w", j.path, err)
	}
	return errors.Join(append(j.ignored, err)...)
}

package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLine is the longest line of a journal, in bytes with its end. Only the plan of very many
// cases on very many targets comes near it.
const MaxLine = 16 << 20

// decoder reads the events of a journal one by one. It is strict: each line is a valid event, the
// sequence numbers have no gap, and the first event, only, starts the run. A last line without
// its end is not an error, as the journal may still be being written, or its writer was killed.
type decoder struct {
	r      *bufio.Reader
	line   []byte
	seq    uint64
	offset int64
	cut    int64 // bytes of a truncated last line
	err    error
}

// newDecoder reads from r, with a buffer of its own.
func newDecoder(r io.Reader) *decoder {
	return &decoder{r: bufio.NewReaderSize(r, 64<<10)}
}

// Next returns the next event; io.EOF after the last. After an error it returns that again.
func (d *decoder) Next() (Event, error) {
	if d.err != nil {
		return Event{}, d.err
	}
	var e Event
	e, d.err = d.next()
	return e, d.err
}

func (d *decoder) next() (Event, error) {
	err := d.readLine()
	if err == io.EOF {
		d.cut = int64(len(d.line))
		return Event{}, io.EOF
	}
	if err != nil {
		return Event{}, fmt.Errorf("line %d: %w", d.seq+1, err)
	}
	var e Event
	if err := json.Unmarshal(d.line, &e); err != nil {
		return Event{}, fmt.Errorf("line %d: not an event: %w", d.seq+1, err)
	}
	if e.Seq != d.seq+1 {
		return Event{}, fmt.Errorf("line %d: sequence number %d: a line is missing or was put in", d.seq+1, e.Seq)
	}
	if e.Time.IsZero() {
		return Event{}, fmt.Errorf("line %d: no time", d.seq+1)
	}
	if err := e.place(); err != nil {
		return Event{}, fmt.Errorf("line %d: %w", d.seq+1, err)
	}
	d.seq++
	d.offset += int64(len(d.line))
	return e, nil
}

// readLine fills d.line with a line and its end; with what is left, at the end of the input.
func (d *decoder) readLine() error {
	d.line = d.line[:0]
	for {
		part, err := d.r.ReadSlice('\n')
		if len(d.line)+len(part) > MaxLine {
			return fmt.Errorf("longer than %d bytes", MaxLine)
		}
		d.line = append(d.line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// Offset is where the first line starts that was not returned, in bytes from the start.
func (d *decoder) Offset() int64 { return d.offset }

// Truncated is how many bytes of an unfinished last line there are, known once Next gave io.EOF.
func (d *decoder) Truncated() int64 { return d.cut }

func (d *decoder) rest() ([]Event, error) {
	var events []Event
	for {
		e, err := d.Next()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

// Read returns the events of a whole journal. An unfinished last line is left out. With an error
// come the events before it.
func Read(r io.Reader) ([]Event, error) {
	events, err := newDecoder(r).rest()
	if err != nil {
		return events, fmt.Errorf("read journal: %w", err)
	}
	return events, nil
}

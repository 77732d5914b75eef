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
	r         *bufio.Reader
	line      []byte
	seq       uint64
	offset    int64 // where the first line starts that was not read
	truncated int64 // bytes of a last line without its end; known at the end
}

// each calls do with one event after the other, until the end of the input or an error.
func (d *decoder) each(do func(Event) error) error {
	for {
		e, err := d.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = do(e)
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next event; io.EOF after the last.
func (d *decoder) next() (e Event, err error) {
	if err = d.readLine(); err == io.EOF {
		d.truncated = int64(len(d.line))
		return e, err
	}
	if err == nil {
		err = d.decode(&e)
	}
	if err != nil {
		return e, fmt.Errorf("line %d: %w", d.seq+1, err)
	}
	d.seq++
	d.offset += int64(len(d.line))
	return e, nil
}

func (d *decoder) decode(e *Event) error {
	if err := json.Unmarshal(d.line, e); err != nil {
		return fmt.Errorf("not an event: %w", err)
	}
	if e.Seq != d.seq+1 {
		return fmt.Errorf("sequence number %d: a line is missing or was put in", e.Seq)
	}
	if e.Time.IsZero() {
		return errors.New("no time")
	}
	return e.place()
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

// Read returns the events of a whole journal. An unfinished last line is left out. With an error
// come the events before it.
func Read(r io.Reader) ([]Event, error) {
	events, _, err := readAll(r)
	if err != nil {
		err = fmt.Errorf("read journal: %w", err)
	}
	return events, err
}

// readAll also returns the decoder, which knows where the last whole line ends.
func readAll(r io.Reader) (events []Event, d *decoder, err error) {
	d = &decoder{r: bufio.NewReaderSize(r, 64<<10)}
	err = d.each(func(e Event) error {
		events = append(events, e)
		return nil
	})
	return events, d, err
}

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"wskharness/guest/winname"
)

// maxLine bounds a line of the journal, its line break not counted; the longest that an agent writes has 2 KiB.
const maxLine = 16 << 10

// Position is where a journal goes on after a record. The zero Position is its beginning.
type Position struct {
	Offset int64  // bytes before the next record
	Seq    uint64 // of the last record
}

// Reader makes records of the lines of one run's journal, one after the other.
type Reader struct {
	runID string
	at    Position
}

// NewReader makes a Reader of the journal of a run, from a position on.
func NewReader(runID string, from Position) *Reader { return &Reader{runID: runID, at: from} }

// Position is where the journal goes on after the last record that was accepted.
func (r *Reader) Position() Position { return r.at }

// Parse makes a record of a line, given without its line break, if it can be the next one. The record keeps the line.
func (r *Reader) Parse(raw []byte) (Record, error) {
	record, err := parseRecord(raw)
	if err == nil {
		err = r.inTurn(record)
	}
	record.Offset = r.at.Offset
	return record, err
}

// Accept moves on behind a record that Parse has made.
func (r *Reader) Accept(record Record) {
	r.at = Position{Offset: record.Offset + int64(len(record.Raw)) + 1, Seq: record.Seq}
}

// inTurn checks that a record can follow those before it.
func (r *Reader) inTurn(next Record) error {
	switch {
	case r.at.Offset == 0 && next.Seq == 1 && next.Ev == EvRunEnd && next.Why == "plan": // nothing was started
	case r.at.Offset == 0 && (next.Seq != 1 || next.Ev != EvRunStart):
		return fmt.Errorf("the journal begins with record %d, %s", next.Seq, next.Ev)
	case r.at.Offset > 0 && next.Ev == EvRunStart:
		return errors.New("run-start in the middle of a journal")
	case next.Ev == EvRunStart && next.Run != r.runID:
		return fmt.Errorf("this is the journal of run %q", next.Run)
	case r.at.Seq > 0 && next.Seq != r.at.Seq+1:
		return fmt.Errorf("record %d follows record %d", next.Seq, r.at.Seq)
	}
	return nil
}

// Read reads the copy of a run's journal that was kept when it was followed, and calls take with each record. It returns where
// to follow the journal from. What comes after the first line that is truncated or damaged, as a killed controller leaves it, is
// not part of the copy: cut it off at the position, and fetch it again. The error is that of reading.
func Read(from io.Reader, runID string, take func(Record)) (Position, error) {
	r := NewReader(runID, Position{})
	lines := bufio.NewReaderSize(from, maxLine+1)
	for {
		raw, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return r.at, nil
		case err != nil:
			return r.at, fmt.Errorf("read the journal of run %s: %w", runID, err)
		}
		record, err := r.Parse(bytes.Clone(raw[:len(raw)-1]))
		if err != nil {
			return r.at, nil
		}
		r.Accept(record)
		take(record)
	}
}

// CheckRunID says whether id can name a run: it becomes a folder in the guest and part of command
// lines, so it is kept to what needs no quoting anywhere.
func CheckRunID(id string) error {
	fits := len(id) >= 1 && len(id) <= 64 && id[0] != '.' && id[0] != '-' &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("._-", r)
		})
	if !fits || winname.Check(id) != nil {
		return fmt.Errorf("run id %q: want 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or - and no device name", id)
	}
	return nil
}

package guest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// ReadJournal reads the copy of a run's journal that an earlier [Stream] kept, and calls take with each
// record. It returns where to follow the journal from. What comes after the first line that is torn or
// damaged, as a killed controller leaves it, is not part of the copy: cut it off at the position, and
// fetch it again. The error is that of reading.
func ReadJournal(r io.Reader, runID string, take func(Record)) (Position, error) {
	s := &Stream{runID: runID}
	lines := bufio.NewReaderSize(r, maxLine+1)
	for {
		raw, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return s.Position(), nil
		case err != nil:
			return s.Position(), fmt.Errorf("read the journal of run %s: %w", runID, err)
		}
		record, err := parseRecord(append([]byte(nil), raw[:len(raw)-1]...))
		if err == nil {
			err = s.inTurn(record)
		}
		if err != nil {
			return s.Position(), nil
		}
		record.Offset = s.offset
		s.offset += int64(len(raw))
		s.seq = record.Seq
		take(record)
	}
}

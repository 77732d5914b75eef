package qmp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxMessage is the longest line that is taken, in bytes. The longest that QEMU says by itself is some 100 KB: the list of its
// commands (query-qmp-schema).
const maxMessage = 4 << 20

// message is whatever QEMU says: a greeting, an answer, or an event. Fields that are not known are none of ours.
type message struct {
	Greeting *struct{} `json:"qmp"` // QMP: case does not count

	ID     *uint64         `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`

	Event     string          `json:"event"`
	Data      json.RawMessage `json:"data"`
	Timestamp timestamp       `json:"timestamp"`
}

// timestamp is a time of the host's; both are -1 where it could not be read.
type timestamp struct {
	Seconds      int64 `json:"seconds"`
	Microseconds int64 `json:"microseconds"`
}

func (t timestamp) time() time.Time {
	if t.Seconds <= 0 || t.Seconds > math.MaxInt32*100 || t.Microseconds < 0 || t.Microseconds >= 1e6 {
		return time.Time{}
	}
	return time.Unix(t.Seconds, t.Microseconds*1000).UTC()
}

func newReader(from io.Reader) *bufio.Reader { return bufio.NewReaderSize(from, 64<<10) }

// readMessage reads the next line that has something on it. io.EOF is an end between two of them.
func readMessage(from *bufio.Reader) (message, error) {
	for {
		line, err := readLine(from)
		if err != nil {
			return message{}, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			return message{}, fmt.Errorf("read what QEMU's monitor says: %w", err)
		}
		return m, nil
	}
}

// readLine reads to the end of a line, which is the reader's until the next call, or of its own.
func readLine(from *bufio.Reader) ([]byte, error) {
	var whole []byte
	for {
		part, err := from.ReadSlice('\n')
		if err == nil && whole == nil {
			return part, nil
		}
		whole = append(whole, part...)
		switch {
		case err == nil:
			return whole, nil
		case len(whole) > maxMessage:
			return nil, fmt.Errorf("QEMU's monitor says more than %d bytes on one line", maxMessage)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(whole)) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

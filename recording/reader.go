package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"wskharness/remote"
)

// Read gives the lines of a recording, up to where its controller was killed, or was out of disk. An error is one of the
// file's, or do's.
func Read(from io.Reader, do func(Line) error) error {
	zip, err := gzip.NewReader(from)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // it was killed before the first was written
		}
		return fmt.Errorf("read a recording: %w", err)
	}
	lines := bufio.NewReader(zip)
	for n := 1; ; n++ {
		text, err := line(lines)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil // also of a line that is not whole
		case err != nil:
			return fmt.Errorf("read a recording: line %d: %w", n, err)
		}
		var l Line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("read a recording: line %d: %w", n, err)
		}
		if err := do(l); err != nil {
			return err
		}
	}
}

// line is the next whole line.
func line(from *bufio.Reader) ([]byte, error) {
	var text bytes.Buffer
	for {
		piece, err := from.ReadSlice('\n')
		text.Write(piece)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && text.Len() > maxLine:
			return nil, fmt.Errorf("more than %d bytes", maxLine)
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, err
		default:
			return text.Bytes(), nil
		}
	}
}

// Redact copies a recording without secrets that were not known when it was made. Texts, and the pieces of streams that
// are texts, go through shorten before.
func Redact(to io.Writer, from io.Reader, known *remote.Redactor, shorten func(string) string) error {
	zip := gzip.NewWriter(to)
	lines := json.NewEncoder(zip)
	lines.SetEscapeHTML(false)
	secrets := newRedaction(known)
	secrets.shorten = shorten
	err := Read(from, func(l Line) error {
		client := fmt.Sprint(l.Client)
		l.Request, l.Answer, l.Error = secrets.body([]byte(l.Request), client), secrets.body([]byte(l.Answer), client), secrets.text(l.Error)
		return lines.Encode(l)
	})
	return errors.Join(err, zip.Close())
}

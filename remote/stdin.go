package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// stdin is a command's standard input.
type stdin struct {
	command *Command

	mu     sync.Mutex // held while sending: pieces keep their order
	closed bool
	err    error // after an error nothing more is sent: where the stream stands is unknown
}

// SendSize is how many bytes of input one request carries at present.
func (c *Command) SendSize() int { return c.shell.client.sendSize(c.shell.id, c.id) }

// sendSize computes what fits: an envelope without data is measured, the rest is base64.
func (c *WinRM) sendSize(shellID, commandID string) int {
	b := c.builder()
	empty, err := b.send(shellID, commandID, nil, true)
	if err != nil {
		return 1
	}
	return max(1, (b.maxEnvelope-len(empty.body)-c.wire.overhead(b.maxEnvelope))/4*3)
}

func (s *stdin) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(p, false)
}

// write sends p in pieces that fit, the last one with the end mark if there is to be one.
func (s *stdin) write(p []byte, end bool) (int, error) {
	if s.closed {
		return 0, s.command.explain(fmt.Errorf("write to standard input: %w", io.ErrClosedPipe))
	}
	written := 0
	for s.err == nil && (written < len(p) || end) {
		piece := p[written:]
		last := true
		if size := s.command.SendSize(); len(piece) > size {
			piece, last = piece[:size], false
		}
		err := s.command.send(piece, end && last)
		switch {
		case err == nil:
			written += len(piece)
			if last && end {
				s.closed = true
				return written, nil
			}
		case isEnvelopeLimit(err) && s.command.shell.client.shrinkEnvelope(s.command.run):
			// refused, so not consumed: the same bytes again in smaller pieces
		default:
			s.err = err
		}
	}
	if s.err != nil {
		return written, s.command.explain(fmt.Errorf("write to standard input: %w", s.err))
	}
	return written, nil
}

// Close sends the end of the input. Closing an input whose command has ended is no error.
func (s *stdin) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.err != nil {
		s.closed = true
		return nil // was reported
	}
	_, err := s.write(nil, true)
	s.closed = true
	if err == nil || EndsInput(err) {
		return nil
	}
	return err
}

// EndsInput reports whether err, of a command's Stdin, says that the command takes no more input because it has
// ended or closed it: how it ended, its Wait tells.
func EndsInput(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || isBrokenPipe(err) || IsGone(err)
}

// ReadFrom sends all that r gives in pieces as large as fit. It does not close the input.
func (s *stdin) ReadFrom(r io.Reader) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readFrom(r, false)
}

// readFrom reads one piece ahead, so that the end mark can travel with the last one.
func (s *stdin) readFrom(r io.Reader, end bool) (int64, error) {
	buf := make([]byte, s.command.SendSize())
	total := int64(0)
	for {
		n, err := io.ReadFull(r, buf)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return total, fmt.Errorf("read what is to be sent: %w", err)
		}
		if n > 0 || end && last {
			sent, err := s.write(buf[:n], end && last)
			total += int64(sent)
			if err != nil {
				return total, err
			}
		}
		if last {
			return total, nil
		}
	}
}

// send is one Send.
func (c *Command) send(data []byte, end bool) error {
	client := c.shell.client
	if c.run.Err() != nil {
		return context.Cause(c.run)
	}
	if err := c.shell.join(); err != nil {
		return err
	}
	defer c.shell.commands.Done()
	_, err := client.do(c.run, opSend(), func() (message, error) { return client.builder().send(c.shell.id, c.id, data, end) })
	return err
}

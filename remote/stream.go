package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Stream passes the streams of a command on as bytes until it has ended, and returns its exit code. A nil stdin
// is empty, a nil output is discarded. An error means that the end is unknown, or that a stream could not be
// passed on: the command is ended then. Stream does not wait for a Read of stdin that is still blocked when
// the command ends.
func (c *Command) Stream(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (uint32, error) {
	s := &streaming{command: c}
	var outputs sync.WaitGroup
	outputs.Go(func() { s.output(stdout, c.Stdout) })
	outputs.Go(func() { s.output(stderr, c.Stderr) })
	go s.input(stdin)
	code, err := c.Wait(ctx)
	if err == nil {
		outputs.Wait()
	}
	if failed := s.failure(); failed != nil {
		return code, failed
	}
	return code, err
}

// streaming remembers the first thing that went wrong on this side.
type streaming struct {
	command *Command
	mu      sync.Mutex
	err     error
}

func (s *streaming) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// fail ends the command, since its streams are of no more use.
func (s *streaming) fail(err error) {
	s.mu.Lock()
	first := s.err == nil
	if first {
		s.err = err
	}
	s.mu.Unlock()
	if first {
		s.command.stop(err) // then Wait returns it, and the command is ended in the background
	}
}

func (s *streaming) output(to io.Writer, from io.Reader) {
	if to == nil {
		to = io.Discard
	}
	// A failed read is the command's own, which Wait reports.
	if _, err := io.Copy(to, markReads{from}); err != nil && !errors.Is(err, errRead) {
		s.fail(fmt.Errorf("pass the command's output on: %w", err))
	}
}

func (s *streaming) input(from io.Reader) {
	if from != nil {
		switch _, err := io.Copy(s.command.Stdin, markReads{from}); {
		case errors.Is(err, errRead):
			s.fail(fmt.Errorf("read the command's input: %w", err))
			return
		case err != nil && !EndsInput(err):
			s.fail(err) // the command would wait for ever for what won't come
			return
		}
	}
	if err := s.command.Stdin.Close(); err != nil && !EndsInput(err) {
		s.fail(err)
	}
}

var errRead = errors.New("read")

// markReads marks the errors of a reader, to tell them from those of the writer in a copy.
type markReads struct{ io.Reader }

func (m markReads) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errRead, err)
	}
	return n, err
}

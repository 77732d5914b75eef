package remote

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// Result is what a command left.
type Result struct {
	ExitCode       uint32
	Stdout, Stderr []byte
}

// Run runs a command to its end. Each output is collected up to Options.MaxOutput; a command that
// writes more is ended, with ErrOutputLimit. An exit code other than 0 is not an error. On an error
// the result holds what was collected so far.
//
// stdin is sent and then closed; a command that ends without taking all of it is no error, as in a
// pipeline. A nil stdin sends nothing and leaves the input open, which saves a request: a command
// that reads its input needs at least a strings.NewReader(""). Run does not wait for a Read of
// stdin that is still blocked when the command ends.
func (s *Shell) Run(ctx context.Context, line CommandLine, stdin io.Reader) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	command, err := s.Start(ctx, line)
	if err != nil {
		return Result{}, err
	}
	limit := int64(s.client.opts.MaxOutput)
	collect := func(into *[]byte, from io.Reader) {
		// The error, if any, is the command's own, which Wait reports.
		data, _ := io.ReadAll(io.LimitReader(from, limit+1))
		if int64(len(data)) > limit {
			data = data[:limit]
			cancel(fmt.Errorf("%w of %d bytes", ErrOutputLimit, limit))
		}
		*into = data
	}
	var result Result
	var collecting sync.WaitGroup
	collecting.Go(func() { collect(&result.Stdout, command.Stdout) })
	collecting.Go(func() { collect(&result.Stderr, command.Stderr) })
	if stdin != nil {
		go command.feed(stdin, cancel)
	}
	result.ExitCode, err = command.Wait(ctx)
	collecting.Wait()
	return result, err
}

// feed sends r as the command's input and closes it. A failure ends the command, unless it only
// says that the command takes no more.
func (c *Command) feed(r io.Reader, end context.CancelCauseFunc) {
	in := c.Stdin.(*stdin)
	in.mu.Lock()
	_, err := in.readFrom(r, true)
	in.mu.Unlock()
	if err == nil || EndsInput(err) {
		return
	}
	end(err)
}

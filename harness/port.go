package harness

import (
	"context"
	"errors"
	"io"

	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/remote"
	"wskharness/vm"
)

// port is a guest as a run uses it: what goes into the guest, and what comes out of it, goes through here.
type port interface {
	StartRun(ctx context.Context, r guest.Run) (following, error)
	Follow(ctx context.Context, runID string, from journal.Position, raw io.Writer) (following, error)
	Cancel(ctx context.Context, runID string) error
	State(ctx context.Context, driver, runID string) (guest.State, error)
	Refresh(ctx context.Context) (guest.Facts, error)
	Traces(ctx context.Context) (guest.Traces, error)
	Look(ctx context.Context, path string) (transfer.Entry, error)
	PullFile(ctx context.Context, from, to string, o transfer.PullOptions) (transfer.PullStats, error)
	PullTree(ctx context.Context, from, to string, o transfer.TreeOptions) (transfer.TreeStats, error)
	Exec(ctx context.Context, line remote.CommandLine, stdin io.Reader, stdout, stderr io.Writer) (uint32, error)
	Left(ctx context.Context, own guest.Own) (guest.Left, error)
	Clean(ctx context.Context, own guest.Own, before guest.Left) (removed []string, err error)
	Facts() guest.Facts
	Release(ctx context.Context) error
	Close(ctx context.Context) error
}

// following is the journal of a run in the guest, as it is written: *guest.Stream says how it behaves.
type following interface {
	Next(ctx context.Context) (journal.Record, error)
	Close()
}

// reached is a guest over its WinRM connection. It owns both.
type reached struct {
	*guest.Guest
	client *remote.WinRM
}

func (r reached) StartRun(ctx context.Context, run guest.Run) (following, error) {
	s, err := r.Guest.StartRun(ctx, run)
	return opened(s, err)
}

func (r reached) Follow(ctx context.Context, runID string, from journal.Position, raw io.Writer) (following, error) {
	s, err := r.Guest.Follow(ctx, runID, from, raw)
	return opened(s, err)
}

// opened keeps a nil stream from becoming a journal.
func opened(s *guest.Stream, err error) (following, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close takes leave of the guest, and gives its connection up.
func (r reached) Close(ctx context.Context) error {
	return errors.Join(r.Guest.Close(ctx), r.client.Close())
}

// whileThere does something that waits for a guest, and waits no longer when its machine is gone for good: a guest that does not
// answer may only be slow, or booting, and whoever waits for it asks again.
func whileThere[T any](ctx context.Context, m vm.Machine, do func(context.Context) (T, error)) (T, error) {
	mortal, ok := m.(vm.Mortal)
	if !ok {
		return do(ctx)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		select {
		case <-mortal.Ended():
			end(vm.ErrEnded)
		case <-ctx.Done():
		}
	}()
	answer, err := do(ctx)
	if err != nil && errors.Is(context.Cause(ctx), vm.ErrEnded) {
		err = vm.ErrEnded
	}
	return answer, err
}

// mortal is a guest of which nothing is asked for longer than its machine is there. Its journal ends with its connection.
type mortal struct {
	port
	machine vm.Machine
}

func (m mortal) StartRun(ctx context.Context, r guest.Run) (following, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (following, error) { return m.port.StartRun(ctx, r) })
}

func (m mortal) Follow(ctx context.Context, runID string, from journal.Position, raw io.Writer) (following, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (following, error) { return m.port.Follow(ctx, runID, from, raw) })
}

func (m mortal) Cancel(ctx context.Context, runID string) error {
	return m.do(ctx, func(ctx context.Context) error { return m.port.Cancel(ctx, runID) })
}

func (m mortal) State(ctx context.Context, driver, runID string) (guest.State, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (guest.State, error) { return m.port.State(ctx, driver, runID) })
}

func (m mortal) Refresh(ctx context.Context) (guest.Facts, error) {
	return whileThere(ctx, m.machine, m.port.Refresh)
}

func (m mortal) Traces(ctx context.Context) (guest.Traces, error) {
	return whileThere(ctx, m.machine, m.port.Traces)
}

func (m mortal) Look(ctx context.Context, path string) (transfer.Entry, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (transfer.Entry, error) { return m.port.Look(ctx, path) })
}

func (m mortal) PullFile(ctx context.Context, from, to string, o transfer.PullOptions) (transfer.PullStats, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (transfer.PullStats, error) { return m.port.PullFile(ctx, from, to, o) })
}

func (m mortal) PullTree(ctx context.Context, from, to string, o transfer.TreeOptions) (transfer.TreeStats, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (transfer.TreeStats, error) { return m.port.PullTree(ctx, from, to, o) })
}

func (m mortal) Exec(ctx context.Context, line remote.CommandLine, stdin io.Reader, stdout, stderr io.Writer) (uint32, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (uint32, error) { return m.port.Exec(ctx, line, stdin, stdout, stderr) })
}

func (m mortal) Release(ctx context.Context) error { return m.do(ctx, m.port.Release) }
func (m mortal) Close(ctx context.Context) error   { return m.do(ctx, m.port.Close) }

// do is whileThere for what has no answer but that it was done.
func (m mortal) do(ctx context.Context, do func(context.Context) error) error {
	_, err := whileThere(ctx, m.machine, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

func (m mortal) Left(ctx context.Context, own guest.Own) (guest.Left, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) (guest.Left, error) { return m.port.Left(ctx, own) })
}

func (m mortal) Clean(ctx context.Context, own guest.Own, before guest.Left) ([]string, error) {
	return whileThere(ctx, m.machine, func(ctx context.Context) ([]string, error) { return m.port.Clean(ctx, own, before) })
}

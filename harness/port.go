package harness

import (
	"context"
	"errors"
	"io"

	"wskharness/guest"
	"wskharness/remote"
)

// port is a guest as a run uses it: what goes into the guest, and what comes out of it, goes through here.
type port interface {
	StartRun(ctx context.Context, r guest.Run) (journal, error)
	Follow(ctx context.Context, runID string, from guest.Position, raw io.Writer) (journal, error)
	Cancel(ctx context.Context, runID string) error
	State(ctx context.Context, driver, runID string) (guest.State, error)
	Refresh(ctx context.Context) (guest.Facts, error)
	Traces(ctx context.Context) (guest.Traces, error)
	Look(ctx context.Context, path string) (guest.Entry, error)
	PullFile(ctx context.Context, from, to string, o guest.PullOptions) (guest.PullStats, error)
	PullTree(ctx context.Context, from, to string, o guest.TreeOptions) (guest.TreeStats, error)
	Exec(ctx context.Context, line remote.CommandLine, stdin io.Reader, stdout, stderr io.Writer) (uint32, error)
	Facts() guest.Facts
	Release(ctx context.Context) error
	Close(ctx context.Context) error
}

// journal is the journal of a run in the guest, as it is written: *guest.Stream says how it behaves.
type journal interface {
	Next(ctx context.Context) (guest.Record, error)
	Close()
}

// reached is a guest over its WinRM connection. It owns both.
type reached struct {
	*guest.Guest
	client *remote.WinRM
}

func (r reached) StartRun(ctx context.Context, run guest.Run) (journal, error) {
	s, err := r.Guest.StartRun(ctx, run)
	return opened(s, err)
}

func (r reached) Follow(ctx context.Context, runID string, from guest.Position, raw io.Writer) (journal, error) {
	s, err := r.Guest.Follow(ctx, runID, from, raw)
	return opened(s, err)
}

// opened keeps a nil stream from becoming a journal.
func opened(s *guest.Stream, err error) (journal, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close takes leave of the guest, and gives its connection up.
func (r reached) Close(ctx context.Context) error {
	return errors.Join(r.Guest.Close(ctx), r.client.Close())
}

package guest

import (
	"bufio"
	"context"
	"fmt"
	"io"
)

// Run is a plan to be run in the guest.
type Run struct {
	ID    string // names the run's folder in the guest: see [CheckRunID]
	Plan  []byte // compiled (driver/include/wskplan.h)
	Files []File // brought into the guest together with the plan: the driver

	Journal  io.Writer      // nil, or gets the journal's bytes as they are accepted
	Progress func(Progress) // of the files; may be nil
}

// StartRun brings the plan and its files into the guest, starts the run there, detached, and follows
// its journal. The run belongs to the guest: it goes on whatever happens to the stream, or to this
// process. ctx bounds the start only.
//
// *[LostError] means that the run may have been started all the same: follow it from offset 0, and where
// that is refused because there is no journal, start it again. The agent starts a run once under one id, and
// refuses it, with *[AgentError], when its journal is there. *[StaleError] means that the guest is another owner's by now.
func (g *Guest) StartRun(ctx context.Context, r Run) (*Stream, error) {
	if err := CheckRunID(r.ID); err != nil {
		return nil, fmt.Errorf("start run: %w", err)
	}
	plan := PlanPath(r.ID)
	uploads, err := prepare(ctx, append([]File{Contents(plan, r.Plan)}, r.Files...))
	if err != nil {
		return nil, fmt.Errorf("start run %s: %w", r.ID, err)
	}
	t := newTally(uploads, r.Progress)
	for n := batchLength(uploads); n < len(uploads); n = batchLength(uploads) {
		if err := g.pushBatch(ctx, g.exe, uploads[:n], t); err != nil {
			return nil, fmt.Errorf("start run %s: %w", r.ID, err)
		}
		uploads = uploads[n:]
	}
	s := g.newStream(ctx, r.ID, Position{}, r.Journal)
	if err := g.putAndRun(ctx, s, plan, uploads, t); err != nil {
		s.end(nil)
		return nil, err
	}
	return s, nil
}

// putAndRun brings the last files into the guest and starts the run, in one process. That is repeated as long as
// it is sure that the run was not started.
func (g *Guest) putAndRun(ctx context.Context, s *Stream, plan string, batch []upload, t *tally) error {
	var lost error
	err := g.converse(ctx, g.exe, batch, t, func(ctx context.Context, c *conversation) error {
		c.goesOn = true
		err := s.open(ctx, func(p *process) (*bufio.Reader, error) {
			err := c.hold(ctx, p)
			return c.out, err
		}, g.leased("run", "--put", "--plan", plan, "--journal", JournalPath(s.runID), "--follow")...)
		if c.finished && c.unclear(ctx, err) {
			lost = s.broken(ctx, err)
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start run %s: %w", s.runID, err)
	}
	return lost
}

// Position is where a journal goes on after a record. The zero Position is its beginning.
type Position struct {
	Offset int64  // bytes before the next record
	Seq    uint64 // of the last record
}

// Follow follows the journal of a run that was started before, from a position: that of a [Stream] or
// a [Reader]. raw gets the journal's bytes from there on; it may be nil.
//
// When contact was lost before, it first makes sure that the guest is the same one: *[RebootedError]
// says that it has rebooted, after [Guest.Refresh] what the journal held then can still be read.
func (g *Guest) Follow(ctx context.Context, runID string, from Position, raw io.Writer) (*Stream, error) {
	if err := CheckRunID(runID); err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	if from.Offset < 0 || (from.Offset == 0) != (from.Seq == 0) {
		return nil, fmt.Errorf("follow run %s: no record %d ends at offset %d", runID, from.Seq, from.Offset)
	}
	var s *Stream
	err := g.persist(ctx, "follow run "+runID, func(ctx context.Context) (bool, error) {
		var err error
		s, err = g.follow(ctx, runID, from, raw)
		return false, err
	})
	return s, err
}

// Cancel asks a run to stop after the step that is running. It returns when the run has taken
// note; it tidies up, and ends with run-end. A run that is only just starting is asked again until it does, also where
// an answer is lost; one that has ended was not in time to be cancelled, and no error.
func (g *Guest) Cancel(ctx context.Context, runID string) error {
	return g.askOfRun(ctx, "cancel", runID)
}

// Kill ends a run's process from outside, without its knowing: a disturbance on purpose. It returns when the process is gone.
// *[AgentError] means that it could not be ended, or had ended by itself.
func (g *Guest) Kill(ctx context.Context, runID string) error {
	return g.askOfRun(ctx, "kill", runID)
}

// askOfRun has a command of the agent do something to a run, which it finds by its journal.
func (g *Guest) askOfRun(ctx context.Context, command, runID string) error {
	if err := CheckRunID(runID); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if err := g.order(ctx, command, "--journal", JournalPath(runID)); err != nil {
		return fmt.Errorf("%s run %s: %w", command, runID, err)
	}
	return nil
}

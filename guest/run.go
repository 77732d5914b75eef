package guest

import (
	"context"
	"fmt"
	"io"

	"wskharness/guest/agent"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
)

// Run is a plan to be run in the guest.
type Run struct {
	ID    string          // names the run's folder in the guest: see [journal.CheckRunID]
	Plan  []byte          // compiled (driver/include/wskplan.h)
	Files []transfer.File // brought into the guest together with the plan: the driver

	Journal  io.Writer               // nil, or gets the journal's bytes as they are accepted
	Progress func(transfer.Progress) // of the files; may be nil
}

// StartRun brings the plan and its files into the guest, starts the run there, detached, and follows
// its journal. The run belongs to the guest: it goes on whatever happens to the stream, or to this
// process. ctx bounds the start only.
//
// *[LostError] means that the run may have been started all the same: follow it from offset 0, and where
// that is refused because there is no journal, start it again. The agent starts a run once under one id, and
// refuses it, with *[agent.Error], when its journal is there. *[agent.StaleError] means that the guest is another owner's by now.
func (g *Guest) StartRun(ctx context.Context, r Run) (*Stream, error) {
	if err := journal.CheckRunID(r.ID); err != nil {
		return nil, fmt.Errorf("start run: %w", err)
	}
	plan := planPath(r.ID)
	s := g.newStream(ctx, r.ID, journal.Position{}, r.Journal)
	var lost error // why there is no stream, which need not mean that there is no run
	err := g.PushInto(ctx, append([]transfer.File{transfer.Contents(plan, r.Plan)}, r.Files...), r.Progress,
		func(ctx context.Context, c *transfer.Conversation) error {
			err := s.open(ctx, func(p *agent.Process) error { return c.Talk(ctx, p) },
				g.leased("run", "--put", "--plan", plan, "--journal", JournalPath(r.ID), "--follow")...)
			if c.Unclear(ctx, err) {
				lost, err = s.broken(ctx, err), nil
			}
			return err
		})
	if err != nil {
		lost = fmt.Errorf("start run %s: %w", r.ID, err)
	}
	if lost != nil {
		s.end(nil)
		return nil, lost
	}
	return s, nil
}

// Follow follows the journal of a run that was started before, from a position: that of a [Stream], or
// what [journal.Read] returns. raw gets the journal's bytes from there on; it may be nil.
//
// When contact was lost before, it first makes sure that the guest is the same one: *[RebootedError]
// says that it has rebooted, after [Guest.Refresh] what the journal held then can still be read.
func (g *Guest) Follow(ctx context.Context, runID string, from journal.Position, raw io.Writer) (*Stream, error) {
	if err := journal.CheckRunID(runID); err != nil {
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
// *[agent.Error] means that it could not be ended, or had ended by itself.
func (g *Guest) Kill(ctx context.Context, runID string) error { return g.askOfRun(ctx, "kill", runID) }

// askOfRun has a command of the agent do something to a run, which it finds by its journal.
func (g *Guest) askOfRun(ctx context.Context, command, runID string) error {
	if err := journal.CheckRunID(runID); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if err := g.order(ctx, command, "--journal", JournalPath(runID)); err != nil {
		return fmt.Errorf("%s run %s: %w", command, runID, err)
	}
	return nil
}

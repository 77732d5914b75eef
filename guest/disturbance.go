package guest

import (
	"context"
	"fmt"
	"io"
	"time"

	"wskharness/guest/agent"
)

// Disturbance is something that is done to a guest on purpose. It lasts until Release, the end of the context that it was begun
// with, its limit, or the end of contact: then the agent undoes it by itself. What an agent leaves that was killed is undone by the
// next one that somebody connects to.
type Disturbance struct {
	p   *agent.Process
	end func(context.Context)
}

// FillDisk fills the volume of [Home] to the last byte. Where the file system does not reserve room without writing,
// at most so many bytes are written: if that does not do, *[agent.Error] says so, and nothing is filled.
func (g *Guest) FillDisk(ctx context.Context, most int64, limit time.Duration) (*Disturbance, error) {
	return g.disturb(ctx, "fill", "--most", fmt.Sprint(most), "--for", fmt.Sprint(limit.Milliseconds()))
}

// ShiftClock sets the guest's clock so much ahead. *[agent.Error] says why the guest does not let it.
func (g *Guest) ShiftClock(ctx context.Context, ahead, limit time.Duration) (*Disturbance, error) {
	return g.disturb(ctx, "clock", "--ahead", fmt.Sprint(int64(ahead.Seconds())), "--for", fmt.Sprint(limit.Milliseconds()))
}

// disturb starts a command of the agent that says one line when it has done what it is to do.
func (g *Guest) disturb(ctx context.Context, args ...string) (*Disturbance, error) {
	p, end, err := g.startBeside(ctx, args...)
	if err != nil {
		return nil, err
	}
	if _, err := p.Out.ReadSlice('\n'); err != nil {
		err = p.Explain(ctx, "agent "+args[0], err)
		end(ctx)
		return nil, err
	}
	return &Disturbance{p, end}, nil
}

// Release ends it, and returns when it is undone.
func (d *Disturbance) Release(ctx context.Context) error {
	defer d.end(ctx)
	if err := d.p.In.Close(); err != nil {
		return fmt.Errorf("undo the disturbance: %w", err)
	}
	if _, err := io.Copy(io.Discard, d.p.Out); err != nil {
		return fmt.Errorf("undo the disturbance: %w", err)
	}
	return d.p.Wait(ctx)
}

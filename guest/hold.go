package guest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"wskharness/guest/agent"
)

// Held is a disturbance on purpose that lasts until Release, the end of the context that it was begun with, its limit,
// or the end of contact: the agent ends it by itself then. One that is killed is tidied up by the next agent that somebody connects to.
type Held struct {
	p     *agent.Process
	shell func(context.Context) // closes the shell that it runs in
}

// FillDisk fills the volume of [Home] to the last byte. Where the file system does not reserve room without writing,
// at most so many bytes are written: if that does not do, *[agent.Error] says so, and nothing is filled.
func (g *Guest) FillDisk(ctx context.Context, most int64, limit time.Duration) (*Held, error) {
	return g.hold(ctx, "fill", "--most", fmt.Sprint(most), "--for", fmt.Sprint(limit.Milliseconds()))
}

// ShiftClock sets the guest's clock so much ahead. *[agent.Error] says why the guest does not let it.
func (g *Guest) ShiftClock(ctx context.Context, ahead, limit time.Duration) (*Held, error) {
	return g.hold(ctx, "clock", "--ahead", fmt.Sprint(int64(ahead.Seconds())), "--for", fmt.Sprint(limit.Milliseconds()))
}

// hold starts a command of the agent that says one line when it has done what it is to do.
func (g *Guest) hold(ctx context.Context, args ...string) (*Held, error) {
	shell, err := g.client.Shell(ctx, g.opts.Shell)
	if err != nil {
		return nil, fmt.Errorf("agent %s: %w", args[0], err)
	}
	h := &Held{shell: func(ctx context.Context) { g.discard(ctx, shell) }}
	if h.p, err = agent.Start(ctx, shell, g.exe, args...); err != nil {
		h.shell(ctx)
		return nil, fmt.Errorf("agent %s: %w", args[0], err)
	}
	if _, err = bufio.NewReader(io.LimitReader(h.p.Out, maxJSON)).ReadSlice('\n'); err == nil {
		return h, nil
	}
	err = h.p.Explain(ctx, "agent "+args[0], err)
	h.p.Close()
	h.shell(ctx)
	return nil, err
}

// Release ends it, and returns when it is undone.
func (h *Held) Release(ctx context.Context) error {
	defer h.shell(ctx)
	defer h.p.Close()
	if err := h.p.In.Close(); err != nil {
		return fmt.Errorf("undo the disturbance: %w", err)
	}
	if _, err := io.Copy(io.Discard, h.p.Out); err != nil {
		return fmt.Errorf("undo the disturbance: %w", err)
	}
	return h.p.Wait(ctx)
}

package guest

import (
	"context"
	"fmt"
	"io"
	"time"

	"wskharness/guest/agent"
)

// maxJSON bounds what a command of the agent prints that prints one JSON object, in bytes.
const maxJSON = 64 << 10

// start starts a command of the agent that belongs in the guest.
func (g *Guest) start(ctx context.Context, args ...string) (*agent.Process, error) {
	return link{g, g.exe}.Start(ctx, args...)
}

// order gives the agent an order that can be given twice without harm: when contact is lost, it is.
func (g *Guest) order(ctx context.Context, args ...string) error {
	return g.persist(ctx, "agent "+args[0], func(ctx context.Context) (bool, error) {
		_, err := g.queryOnce(ctx, g.leased(args...)...)
		return false, err
	})
}

// queryOnce is what a command of the agent prints.
func (g *Guest) queryOnce(ctx context.Context, args ...string) ([]byte, error) {
	p, err := g.start(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	out, err := io.ReadAll(io.LimitReader(p.Out, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(out) > maxJSON {
		return nil, &agent.LimitError{Doing: "agent " + args[0], What: "bytes of output", Limit: maxJSON}
	}
	return out, p.Wait(ctx)
}

// persist does something that can be done again until it works, until the reason why it does not
// is one that won't pass, or until it has stopped getting on. Between tries it makes sure that the
// guest is still the same one.
func (g *Guest) persist(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error {
	return g.repeat(ctx, doing, func(ctx context.Context) (bool, error) {
		if err := g.settled(ctx); err != nil {
			return false, err
		}
		progressed, err := try(ctx)
		g.notice(err)
		return progressed, err
	})
}

func (g *Guest) repeat(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error {
	pause := g.retry.pause
	for idle := 1; ; idle++ {
		progressed, err := try(ctx)
		if err == nil || !agent.Passing(ctx, err) || g.isClosed() {
			return err
		}
		if progressed {
			idle, pause = 1, g.retry.pause
		}
		if idle >= g.retry.tries {
			return fmt.Errorf("%s: given up after %d tries without getting on: %w", doing, idle, err)
		}
		g.log.Warn("contact was lost, trying again", "doing", doing, "in", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; while waiting to try again after: %w", doing, context.Cause(ctx), err)
		}
		pause = min(2*pause, 10*time.Second)
	}
}

package guest

import (
	"context"
	"fmt"
	"io"

	"wskharness/guest/agent"
	"wskharness/remote"
)

// currentShell is the shell that commands run in, until it is lost and replaced.
func (g *Guest) currentShell() (*remote.Shell, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	return g.shell, nil
}

// isClosed reports whether Close was called: what failed since then did so for that.
func (g *Guest) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// startCommand starts a command in the shell.
func (g *Guest) startCommand(ctx context.Context, line remote.CommandLine) (*remote.Command, error) {
	shell, err := g.currentShell()
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", line, err)
	}
	return shell.Start(ctx, line)
}

// runLine runs a line of cmd.exe to its end, for a guest that has no agent.
func (g *Guest) runLine(ctx context.Context, line string, stdin io.Reader) (remote.Result, error) {
	shell, err := g.currentShell()
	if err != nil {
		return remote.Result{}, err
	}
	return shell.Run(ctx, remote.CommandLine{Line: line}, stdin)
}

// startBeside starts a command of the agent in a shell of its own. The caller calls end, which ends the command and returns when
// the shell is closed.
func (g *Guest) startBeside(ctx context.Context, args ...string) (p *agent.Process, end func(context.Context), err error) {
	shell, err := g.client.Shell(ctx, g.opts.Shell)
	if err != nil {
		return nil, nil, fmt.Errorf("agent %s: %w", args[0], err)
	}
	if p, err = agent.Start(ctx, shell, g.exe, args...); err != nil {
		g.discard(ctx, shell)
		return nil, nil, fmt.Errorf("agent %s: %w", args[0], err)
	}
	return p, func(ctx context.Context) {
		p.Close()
		g.discard(ctx, shell)
	}, nil
}

// notice remembers that the shell was lost, if that is what err says: the guest may have rebooted.
func (g *Guest) notice(err error) {
	if agent.ShellLost(err) {
		g.mu.Lock()
		g.suspect = true
		g.mu.Unlock()
	}
}

// settled makes sure, after a shell was lost, that there is one again and that the guest has not
// rebooted meanwhile. A guest that has stays unusable, with *RebootedError, until Refresh is called.
func (g *Guest) settled(ctx context.Context) error {
	g.recovery.Lock()
	defer g.recovery.Unlock()
	g.mu.Lock()
	suspect, was := g.suspect, g.facts.BootID
	g.mu.Unlock()
	if !suspect {
		return nil
	}
	facts, err := g.reconnect(ctx)
	if err != nil {
		return fmt.Errorf("reconnect: %w", err)
	}
	if was != "" && was != facts.BootID {
		return &RebootedError{Was: was, Now: facts.BootID}
	}
	g.mu.Lock()
	g.suspect = false
	g.mu.Unlock()
	return nil
}

// reconnect probes, in a new shell if that of this Guest is gone. It may be another command of
// the old shell that was lost, so the shell is only replaced when the probe fails too.
func (g *Guest) reconnect(ctx context.Context) (Facts, error) {
	facts, err := g.probe(ctx)
	if !agent.ShellLost(err) {
		return facts, err
	}
	shell, err := g.client.Shell(ctx, g.opts.Shell)
	if err != nil {
		return Facts{}, err
	}
	g.mu.Lock()
	old, closed := g.shell, g.closed
	if !closed {
		g.shell = shell
	}
	g.mu.Unlock()
	if closed {
		g.discard(ctx, shell)
		return Facts{}, ErrClosed
	}
	g.discard(ctx, old)
	return g.probe(ctx)
}

// discard closes a shell that is probably gone, whatever became of ctx.
func (g *Guest) discard(ctx context.Context, shell *remote.Shell) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), agent.SettleTime)
	defer cancel()
	if err := shell.Close(ctx); err != nil {
		g.log.Debug("lost shell not deleted", "error", err)
	}
}

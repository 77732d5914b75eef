package guest

import (
	"context"
	"fmt"
	"time"

	"wskharness/guest/agent"
	"wskharness/guest/transfer"
	"wskharness/remote"
)

// slowRoundTrip is how long a round trip takes that makes several streams pay.
const slowRoundTrip = 8 * time.Millisecond

// link is an agent in the guest, for what moves files: mostly the one that belongs there.
type link struct {
	guest *Guest
	exe   string // in the guest
}

// Start is of transfer.Agent.
func (l link) Start(ctx context.Context, args ...string) (*agent.Process, error) {
	shell, err := l.guest.currentShell()
	if err != nil {
		return nil, fmt.Errorf("start agent %s: %w", args[0], err)
	}
	return agent.Start(ctx, shell, l.exe, args...)
}

// Order is of transfer.Agent: it is Start with the number of the lease, where there is one.
func (l link) Order(ctx context.Context, args ...string) (*agent.Process, error) {
	return l.Start(ctx, l.guest.leased(args...)...)
}

// Beside is of transfer.Agent.
func (l link) Beside(ctx context.Context) (transfer.Start, func(), error) {
	shell, err := l.guest.client.Shell(ctx, l.guest.opts.Shell)
	if err != nil {
		return nil, nil, err
	}
	start := func(ctx context.Context, args ...string) (*agent.Process, error) {
		return agent.Start(ctx, shell, l.exe, args...)
	}
	return start, func() { closeLater(shell) }, nil
}

// closeLater deletes a shell in the background: the client waits for that when it is closed.
func closeLater(shell *remote.Shell) {
	ended, end := context.WithCancel(context.Background())
	end()
	_ = shell.Close(ended)
}

// Persist is of transfer.Agent.
func (l link) Persist(ctx context.Context, doing string, try func(context.Context) (progressed bool, err error)) error {
	return l.guest.persist(ctx, doing, try)
}

// Far is of transfer.Agent.
func (l link) Far() bool {
	shell, err := l.guest.currentShell()
	return err == nil && shell.RoundTrip() >= l.guest.slow
}

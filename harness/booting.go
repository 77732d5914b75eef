package harness

import (
	"context"
	"time"

	"wskharness/guest"
)

const (
	// reconnectPause is how long to wait before knocking again at a guest that is coming back, at first; it doubles up to
	// longestPause, for a machine that takes minutes.
	reconnectPause = 50 * time.Millisecond
	longestPause   = 2 * time.Second
	// maxRefused is how often a machine that boots may refuse the credentials, and refusedPause how long to leave it alone
	// after that. Windows locks an account after ten failed logons within ten minutes unless it is told otherwise
	// ("Account lockout threshold", security policy settings), and many domains after five.
	maxRefused   = 3
	refusedPause = 15 * time.Second
)

// bootTolerance is which errors are tolerated while a machine boots: one policy, wherever one is waited for. The zero value is ready.
type bootTolerance struct {
	refused int
	pause   time.Duration
}

// tolerates reports whether to ask again after an error.
func (p *bootTolerance) tolerates(ctx context.Context, err error) bool {
	may, refused := guest.MayPassBooting(ctx, err)
	if refused {
		p.refused++
		p.pause = refusedPause
	}
	return may && p.refused <= maxRefused
}

// wait pauses before the machine is asked again. It reports whether there is time left for that.
func (p *bootTolerance) wait(ctx context.Context) bool {
	pause := max(p.pause, reconnectPause)
	p.pause = min(2*pause, longestPause)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

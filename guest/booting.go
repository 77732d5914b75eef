package guest

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

const (
	// bootPause is how long to wait before knocking again at a guest that is coming back, at first; it doubles up to longestPauses
	// as long, for a machine that takes minutes.
	bootPause     = 50 * time.Millisecond
	longestPauses = 40
	// maxRefused is how often a machine that boots may refuse the credentials, and refusedPauses how long to leave it alone
	// after that. Windows locks an account after ten failed logons within ten minutes unless it is told otherwise
	// ("Account lockout threshold", security policy settings), and many domains after five.
	maxRefused    = 3
	refusedPauses = 300
)

// Booting is how a machine is waited for that boots, and which errors are tolerated meanwhile: one policy, whoever waits, and
// whatever he asks it by. The zero value is ready; one is used for one boot.
type Booting struct {
	Pause  time.Duration        // before it is asked again, at first, of which the others are multiples; zero: as long as is usual
	Passes func(err error) bool // nil, or which errors pass, too, beyond those of mayPassBooting

	refused int
	next    time.Duration
}

// Tolerates reports whether to ask again after an error.
func (b *Booting) Tolerates(ctx context.Context, err error) bool {
	may, refused := mayPassBooting(ctx, err)
	if refused {
		b.refused++
		b.next = refusedPauses * cmp.Or(b.Pause, bootPause)
	}
	may = may || ctx.Err() == nil && b.Passes != nil && b.Passes(err)
	return may && b.refused <= maxRefused
}

// Wait pauses before the machine is asked again. It reports whether there is time left for that.
func (b *Booting) Wait(ctx context.Context) bool {
	first := cmp.Or(b.Pause, bootPause)
	pause := max(b.next, first)
	b.next = min(2*pause, longestPauses*first)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// Await asks the machine which boot it runs until it is another than before, and twice in a row the same: a machine that is going
// down still answers, and Windows restarts WinRM once more shortly after it first answered. Where that does not come to pass, the
// error is that of the last question.
func (b *Booting) Await(ctx context.Context, before string, ask func(context.Context) (boot string, err error)) (string, error) {
	confirmed := ""
	for {
		boot, err := ask(ctx)
		switch {
		case err != nil && !b.Tolerates(ctx, err):
			return "", err
		case err != nil:
			confirmed = ""
		case boot == before:
			err, confirmed = fmt.Errorf("it still runs boot %s", boot), ""
		case boot == confirmed:
			return boot, nil
		default:
			confirmed = boot
			continue
		}
		if !b.Wait(ctx) {
			return "", err
		}
	}
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/strictyaml"
)

// answersWorth is how many of a guest's own answers a limit has room for.
const answersWorth = 20

// allow is how long something may take that no case waits for: at least so long, and longer in proportion where this
// guest, on this machine, was seen to take its time with an answer. A limit that is up says that something hangs,
// which has to be as true on a slow machine.
func (s *session) allow(least time.Duration) time.Duration { return max(least, answersWorth*s.answer) }

// limitError is the cause that ends a context whose time is up.
type limitError struct {
	what  string // the run, the target wine, the suite capture on wine
	key   string // that sets it, below limits in the configuration
	limit time.Duration
}

func (e *limitError) Error() string {
	return fmt.Sprintf("%s exceeded its limit of %s (`limits: %s` in the configuration raises it)", e.what, strictyaml.ShortDuration(e.limit), e.key)
}

// within bounds what is done with ctx by what is left of a limit; one of zero is none.
func within(ctx context.Context, what, key string, limit, spent time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit-spent, &limitError{what, key, limit})
}

// limitUp is the limit that ended ctx, or nil where it was something else, or nothing.
func limitUp(ctx context.Context) *limitError {
	e, _ := errors.AsType[*limitError](context.Cause(ctx))
	return e
}

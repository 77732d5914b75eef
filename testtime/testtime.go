// Package testtime is how long a test waits for something that has to come: as long as it may run at all, which is what
// `go test -timeout` says. A limit of a test's own says nothing but how fast a machine its author had; what never comes
// is reported as well when that time is up, and what a test has brought up is still taken down then.
//
//	ctx := testtime.Context(t)
//	testtime.Await(t, "the guest to end", func() bool { return !served(dir) })
package testtime

import (
	"context"
	"testing"
	"time"
)

// reserve is the part of a test's whole time that is kept for what it has to do at its end: a sixteenth, and no more
// than a minute.
func reserve(whole time.Duration) time.Duration { return min(whole/16, time.Minute) }

// Context ends with the test, or shortly before the time of all tests is up. What a test does in its Cleanup has until then,
// too, though the test's own context has ended.
func Context(t *testing.T) context.Context {
	t.Helper()
	of := t.Context()
	if of.Err() != nil {
		of = context.WithoutCancel(of)
	}
	deadline, ok := t.Deadline()
	if !ok {
		return of
	}
	deadline = deadline.Add(-reserve(time.Until(deadline)))
	ctx, cancel := context.WithDeadline(of, deadline)
	t.Cleanup(cancel)
	return ctx
}

// pause is how long to wait before looking again.
const pause = 5 * time.Millisecond

// Await looks until something is so. It fails the test when its time is up.
func Await(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx := Context(t)
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("wait for %s: %v", what, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

package harness

import (
	"context"
	"fmt"

	"wskharness/guest"
)

// A case may have the guest reboot in the middle of it: the agent says so in its journal, and goes on with the
// journal in the next boot. Such a reboot is one that the plan declares; any other is not.

// declaresReboot reports whether the reboot that the agent announces is the step of the plan whose turn it is.
func (l *load) declaresReboot(r guest.Record) bool {
	t := l.trial(r.N)
	if t != nil && t == l.open && r.Step == len(t.steps) && l.rebootsNext() {
		return true
	}
	l.log.Warn("the guest announces a reboot that is not in its plan", "n", r.N, "step", r.Step)
	return false
}

// rebootsNext reports whether the next step of the case under way reboots the guest.
func (l *load) rebootsNext() bool {
	t := l.open
	return t != nil && t.end == nil && len(t.steps) < len(t.test.Steps) && t.test.Steps[len(t.steps)].Reboots()
}

// bootedAgain takes note of the boot in which the run goes on. Without another boot id, or without a step that
// reboots, nothing that follows can be believed.
func (l *load) bootedAgain(r guest.Record) {
	if !l.rebooting || r.Boot == l.boot {
		l.lost = fmt.Sprintf("the guest's journal goes on in boot %s (before it was %s), and no step that reboots was under way", r.Boot, l.boot)
		return
	}
	l.rebooting, l.boot = false, r.Boot
}

// acrossReboot follows the run of a guest that reboots as declared, or may be about to: whether it did, the journal says.
// nil: there is nothing to follow.
func (l *load) acrossReboot(ctx context.Context) *guest.Stream {
	limit, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	before := ""
	if l.rebooting {
		before = l.boot
	}
	for {
		err := l.reconnectWithin(limit, before, l.patience())
		if err == nil {
			var stream *guest.Stream
			if stream, err = l.guest.Follow(limit, l.id, l.at, l.raw); err == nil {
				return stream
			}
		}
		if limit.Err() == nil && (guest.MayPass(limit, err) || l.mayGoOn(err)) {
			continue // it may go down only now
		}
		l.awaitCrash(ctx)
		l.lost = "the guest did not come back from the reboot that the step asked for: " + err.Error()
		return nil
	}
}

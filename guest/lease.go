package guest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wskharness/guest/agent"
	"wskharness/guest/untrusted"
)

const (
	// leasePause is how often a lease is renewed that nothing else uses: the guest gives it to another after two minutes.
	leasePause = 30 * time.Second

	maxOwner = 200 // UTF-16 units, in the agent
)

// LeaseOwner is the owner text of a run of a host: the same one, also in another process, has the same lease.
func LeaseOwner(run, host string) string {
	owner := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"%^&|<>`, r) { // it is an argument in the guest
			return '_'
		}
		return r
	}, run+"@"+host)
	return owner[:min(len(owner), maxOwner)]
}

// describeOwner is the owner for people.
func describeOwner(owner string) string {
	run, host, ok := strings.Cut(owner, "@")
	switch {
	case owner == "":
		return "a run that has let go of it"
	case !ok:
		return owner
	}
	return "run " + run + " of host " + host
}

// Lease is who has a guest.
type Lease struct {
	Number  uint32
	Owner   string         // as LeaseOwner makes it; empty: nobody, but a run is left
	Running bool           // a run of it lives in the guest
	Unused  *time.Duration // since it was last heard of; nil: not in this boot
}

// LeasedError is a guest that another owner has.
type LeasedError struct{ Lease Lease }

func (e *LeasedError) Error() string {
	s := "the guest is used by " + describeOwner(e.Lease.Owner)
	if e.Lease.Unused != nil {
		s += fmt.Sprintf(", last heard of %v ago", e.Lease.Unused.Round(time.Second))
	}
	if e.Lease.Running {
		s += ", whose cases run there"
	}
	return s
}

// leaseJSON is what `info --lease` adds.
type leaseJSON struct {
	Granted *bool   `json:"granted"`
	Number  *uint32 `json:"number"`
	Owner   *string `json:"owner"`
	Running *bool   `json:"running"`
	UsedMs  *int64  `json:"usedMs"`
}

func parseLease(out []byte) (l Lease, granted bool, err error) {
	var in struct {
		Lease *leaseJSON `json:"lease"`
	}
	if err := untrusted.DecodeOne(out, &in); err != nil {
		return Lease{}, false, err
	}
	j := in.Lease
	if j == nil || j.Granted == nil || j.Number == nil || j.Owner == nil || j.Running == nil || j.UsedMs != nil && (*j.UsedMs < 0 || *j.UsedMs > untrusted.MaxMillis) {
		return Lease{}, false, errors.New("it does not tell of the lease that was asked for")
	}
	l = Lease{Number: *j.Number, Owner: untrusted.Clip(untrusted.Printable([]byte(*j.Owner)), maxOwner), Running: *j.Running}
	if j.UsedMs != nil {
		unused := time.Duration(*j.UsedMs) * time.Millisecond
		l.Unused = &unused
	}
	return l, *j.Granted, nil
}

// refusedLease makes an error of an `info` that ended with staleExit.
func refusedLease(out []byte, stale error) error {
	l, granted, err := parseLease(out)
	if err == nil && granted {
		err = errors.New("it grants a lease, and refuses it")
	}
	if err != nil {
		return &agent.ProtocolError{Doing: "agent info", Err: errors.Join(err, stale)}
	}
	return &LeasedError{Lease: l}
}

// grantedLease is the number of the lease that `info` took.
func grantedLease(out []byte, owner string) (uint32, error) {
	l, granted, err := parseLease(out)
	switch {
	case err != nil:
		return 0, err
	case !granted || l.Number == 0 || l.Owner != owner:
		return 0, fmt.Errorf("a lease was asked for by %q, and the answer is lease %d of %q", owner, l.Number, l.Owner)
	}
	return l.Number, nil
}

// leased are the arguments of a command that is an order: with the number of the lease, where there is one.
func (g *Guest) leased(args ...string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lease == 0 {
		return args
	}
	return append(args, "--lease", strconv.FormatUint(uint64(g.lease), 10))
}

// keepLease renews the lease until Close, for when nothing else is asked of the guest. That it can't does not matter here:
// the next order tells.
func (g *Guest) keepLease() {
	tick := time.NewTicker(cmp.Or(g.opts.renewal, leasePause))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ctx, stop := context.WithTimeout(g.keeping, agent.SettleTime)
			if _, err := g.queryOnce(ctx, g.leased("renew")...); err != nil {
				g.log.Debug("renew the lease", "error", err)
			}
			stop()
		case <-g.keeping.Done():
			return
		}
	}
}

// Release gives the guest back, so that others need not wait for it; it asks until it is answered. Nothing can be ordered
// with this Guest afterwards.
func (g *Guest) Release(ctx context.Context) error {
	if len(g.leased()) == 0 {
		return nil
	}
	if err := g.order(ctx, "release"); err != nil {
		return fmt.Errorf("give the guest back: %w", err)
	}
	return nil
}

// giveBack gives back what a probe may have taken whose answer was not waited for. The same owner gets the same lease once more, and
// with it the number by which it is given back.
func (g *Guest) giveBack(ctx context.Context) {
	if g.opts.Owner == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, agent.SettleTime)
	defer cancel()
	_, err := g.probe(ctx)
	if err == nil {
		err = g.Release(ctx)
	}
	if err != nil {
		g.log.Debug("give back a guest that may have been taken", "error", err)
	}
}
